//! A column's type in ClickHouse's own words, taken apart.

use connector_model::target::LogicalType;

/// How deep types may be nested before the rest is taken for a type that nobody knows.
const MAX_DEPTH: usize = 32;

/// A type, as far as the form and the order of its values depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClickHouseType {
    pub(crate) kind: Kind,
    /// Whether its values may be NULL.
    pub nullable: bool,
    /// How it is written.
    pub(crate) native: String,
}

/// What a type is, with `LowCardinality`, `Nullable` and the name of an aggregate around it gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Integer {
        bits: u16,
    },
    Float {
        single: bool,
    },
    /// `None` is a number that a statement computes.
    Decimal {
        digits: Option<(usize, usize)>,
    },
    Text,
    /// Text filled up with NUL characters.
    Fixed,
    Uuid,
    Date,
    /// A moment; so many digits behind the second.
    Moment {
        scale: u8,
    },
    Enumerated,
    Array(Box<ClickHouseType>),
    Map(Box<ClickHouseType>, Box<ClickHouseType>),
    /// The elements with their names, as they are written, where they have names.
    Tuple(Vec<(Option<String>, ClickHouseType)>),
    Point,
    /// A geometry, by what GeoJSON calls it; `true` for one ring of a polygon.
    Geometry(&'static str, bool),
    /// A document, or a value of any type.
    Document,
    /// The state of an aggregate.
    State,
    /// What is only shown as text.
    Other,
}

impl ClickHouseType {
    /// The type of that name, as `system.columns` shows it.
    pub fn parse(native: &str) -> ClickHouseType {
        parse(native, 0)
    }

    /// What kind of value it is.
    pub fn logical(&self) -> LogicalType {
        match self.kind {
            Kind::Boolean => LogicalType::Boolean,
            Kind::Integer { .. } => LogicalType::Integer,
            Kind::Float { .. } => LogicalType::Float,
            Kind::Decimal { .. } => LogicalType::Decimal,
            Kind::Text | Kind::Fixed => LogicalType::Text,
            Kind::Uuid => LogicalType::Uuid,
            Kind::Date => LogicalType::Date,
            Kind::Moment { .. } => LogicalType::TimestampTz,
            Kind::Array(_) => LogicalType::Array,
            Kind::Map(..) | Kind::Tuple(_) | Kind::Document => LogicalType::Json,
            Kind::Point | Kind::Geometry(..) => LogicalType::Geometry,
            Kind::Enumerated | Kind::State | Kind::Other => LogicalType::Unknown,
        }
    }

    /// Whether values hold floating-point numbers, anywhere in them; not of documents, which are what they are.
    pub fn has_floats(&self) -> bool {
        match &self.kind {
            Kind::Float { .. } | Kind::Point | Kind::Geometry(..) => true,
            Kind::Array(inner) => inner.has_floats(),
            Kind::Map(_, value) => value.has_floats(),
            Kind::Tuple(elements) => elements.iter().any(|(_, element)| element.has_floats()),
            _ => false,
        }
    }

    /// Whether a page can begin behind a value: it has an order, and a text that stands for it to the last digit.
    pub fn resumes(&self) -> bool {
        self.logical().orderable() && !matches!(self.kind, Kind::Moment { scale: 7.. })
    }
}

fn parse(native: &str, depth: usize) -> ClickHouseType {
    let native = native.trim();
    let (name, inside) = match native.split_once('(') {
        Some((name, rest)) => (name, rest.strip_suffix(')').unwrap_or(rest)),
        None => (native, ""),
    };
    let plain = |kind| ClickHouseType { kind, nullable: false, native: native.to_owned() };
    if depth > MAX_DEPTH {
        return plain(Kind::Other);
    }
    let inner = |text: &str| Box::new(parse(text, depth + 1));
    let arguments = parts(inside);
    let argument = |at: usize| arguments.get(at).copied().unwrap_or_default();
    let number = |at: usize| argument(at).trim().parse::<usize>().ok();
    plain(match name {
        "Nullable" => {
            return ClickHouseType { nullable: true, native: native.to_owned(), ..*inner(inside) };
        }
        "LowCardinality" => return ClickHouseType { native: native.to_owned(), ..*inner(inside) },
        // The state of such a function is a value of its type.
        "SimpleAggregateFunction" => return *inner(argument(1)),
        "Bool" => Kind::Boolean,
        "Int8" | "UInt8" => Kind::Integer { bits: 8 },
        "Int16" | "UInt16" => Kind::Integer { bits: 16 },
        "Int32" | "UInt32" => Kind::Integer { bits: 32 },
        "Int64" | "UInt64" | "bigint" => Kind::Integer { bits: 64 },
        "Int128" | "UInt128" => Kind::Integer { bits: 128 },
        "Int256" | "UInt256" => Kind::Integer { bits: 256 },
        "Float32" | "BFloat16" => Kind::Float { single: true },
        "Float64" | "double precision" => Kind::Float { single: false },
        "Decimal" => Kind::Decimal { digits: number(0).map(|all| (all, number(1).unwrap_or(0))) },
        "Decimal32" => Kind::Decimal { digits: number(0).map(|scale| (9, scale)) },
        "Decimal64" => Kind::Decimal { digits: number(0).map(|scale| (18, scale)) },
        "Decimal128" => Kind::Decimal { digits: number(0).map(|scale| (38, scale)) },
        "Decimal256" => Kind::Decimal { digits: number(0).map(|scale| (76, scale)) },
        "decimal" => Kind::Decimal { digits: None },
        "String" => Kind::Text,
        "FixedString" => Kind::Fixed,
        "UUID" => Kind::Uuid,
        "Date" | "Date32" => Kind::Date,
        "DateTime" => Kind::Moment { scale: 0 },
        "DateTime64" => {
            Kind::Moment { scale: number(0).and_then(|scale| u8::try_from(scale).ok()).unwrap_or(3) }
        }
        "Enum" | "Enum8" | "Enum16" => Kind::Enumerated,
        "Array" => Kind::Array(inner(inside)),
        "Map" => Kind::Map(inner(argument(0)), inner(argument(1))),
        "Tuple" => Kind::Tuple(elements(&arguments, depth)),
        "Nested" => {
            let row = plain(Kind::Tuple(elements(&arguments, depth)));
            Kind::Array(Box::new(ClickHouseType { native: format!("Tuple({inside})"), ..row }))
        }
        "Point" => Kind::Point,
        "Ring" => Kind::Geometry("Polygon", true),
        "LineString" => Kind::Geometry("LineString", false),
        "MultiLineString" => Kind::Geometry("MultiLineString", false),
        "Polygon" => Kind::Geometry("Polygon", false),
        "MultiPolygon" => Kind::Geometry("MultiPolygon", false),
        "JSON" | "Object" | "Dynamic" | "Variant" => Kind::Document,
        "AggregateFunction" => Kind::State,
        _ => Kind::Other,
    })
}

/// The elements of a tuple: `name Type`, or only a type.
fn elements(arguments: &[&str], depth: usize) -> Vec<(Option<String>, ClickHouseType)> {
    let element = |argument: &&str| {
        let argument = argument.trim();
        match split_outside(argument, ' ').as_slice() {
            [name, ..] if name.len() < argument.len() => {
                let rest = argument.get(name.len()..).unwrap_or_default();
                (Some((*name).to_owned()), parse(rest, depth + 1))
            }
            _ => (None, parse(argument, depth + 1)),
        }
    };
    arguments.iter().map(element).collect()
}

/// What stands between the commas that are in no brackets and no quotes.
fn parts(inside: &str) -> Vec<&str> {
    if inside.is_empty() { Vec::new() } else { split_outside(inside, ',') }
}

/// The text split at a character where that stands in no brackets and no quotes.
pub(super) fn split_outside(text: &str, at: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut begin, mut depth) = (0, 0_usize);
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (position, character) in text.char_indices() {
        if let Some(end) = quote {
            if escaped {
                escaped = false;
            } else if character == '\\' {
                escaped = true;
            } else if character == end {
                quote = None;
            }
            continue;
        }
        match character {
            '\'' | '`' | '"' => quote = Some(character),
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if character == at && depth == 0 => {
                parts.push(text.get(begin..position).unwrap_or_default());
                begin = position + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(begin..).unwrap_or_default());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappers_are_taken_off_and_null_is_kept_in_mind() {
        let of = |native| ClickHouseType::parse(native);
        assert!(of("LowCardinality(Nullable(String))").nullable);
        assert_eq!(of("LowCardinality(Nullable(String))").logical(), LogicalType::Text);
        assert_eq!(of("SimpleAggregateFunction(sum, UInt64)").kind, Kind::Integer { bits: 64 });
        assert_eq!(of("Nullable(DateTime64(6, 'Europe/Berlin'))").kind, Kind::Moment { scale: 6 });
        assert_eq!(of("DateTime('UTC')").kind, Kind::Moment { scale: 0 });
        assert!(
            of("DateTime64(6)").resumes()
                && !of("DateTime64(9)").resumes()
                && !of("Enum8('a' = 1)").resumes()
        );
        assert_eq!(of("Decimal(38, 3)").kind, Kind::Decimal { digits: Some((38, 3)) });
        assert_eq!(of("Enum8('a,(' = 1, 'b' = 2)").logical(), LogicalType::Unknown);
        assert_eq!(of("Time64(3)").kind, Kind::Other);
    }

    #[test]
    fn what_stands_inside_is_found_whatever_it_is_called() {
        let Kind::Tuple(elements) =
            ClickHouseType::parse("Tuple(a Int8, `b, (` Array(Tuple(String, Date)))").kind
        else {
            panic!("a tuple")
        };
        let names: Vec<_> = elements.iter().map(|(name, _)| name.as_deref().unwrap_or_default()).collect();
        assert_eq!(names, ["a", "`b, (`"]);
        assert!(
            matches!(&elements[1].1.kind, Kind::Array(inner) if matches!(&inner.kind, Kind::Tuple(two) if two.len() == 2))
        );
        let Kind::Map(key, value) = ClickHouseType::parse("Map(String, Array(Nullable(Float64)))").kind
        else {
            panic!("a map")
        };
        assert_eq!((key.logical(), value.has_floats()), (LogicalType::Text, true));
    }

    #[test]
    fn any_text_is_some_type() {
        for text in ["", "(", "Tuple(", "Tuple()", "Array", "Nullable(", "Map(a)", "x)y(", "Tuple(`a"] {
            let _ = ClickHouseType::parse(text).logical();
        }
        let deep = "Array(".repeat(10_000) + "Int8" + &")".repeat(10_000);
        assert_eq!(ClickHouseType::parse(&deep).logical(), LogicalType::Array);
    }
}
