//! How a value is fetched: the expression whose JSON is what every connector shows of such a value.

use super::types::{ClickHouseType, Kind};

/// What stands behind the day where only a day is kept.
const MIDNIGHT: &str = "T00:00:00.000Z";

/// The expression, where the value itself will not do. `at` is how many functions are around it already: their
/// parameters have to be told apart.
pub(super) fn shown(of: &ClickHouseType, value: &str, at: usize) -> Option<String> {
    Some(match &of.kind {
        Kind::Boolean
        | Kind::Integer { .. }
        | Kind::Float { .. }
        | Kind::Decimal { .. }
        | Kind::Text
        | Kind::Uuid
        | Kind::Enumerated
        | Kind::Document => return None,
        Kind::Fixed => filled(value),
        Kind::Date => format!("concat(toString({value}), '{MIDNIGHT}')"),
        Kind::Moment { scale } => moment(value, *scale),
        Kind::Array(inner) => {
            let x = format!("x{at}");
            format!("arrayMap({x} -> {}, {value})", shown(inner, &x, at + 1)?)
        }
        Kind::Map(_, inner) => {
            let (k, v) = (format!("k{at}"), format!("v{at}"));
            format!("mapApply(({k}, {v}) -> ({k}, {}), {value})", shown(inner, &v, at + 1)?)
        }
        Kind::Tuple(elements) => tuple(elements, value, at)?,
        Kind::Point => format!("CAST({value}, 'Tuple(x Float64, y Float64)')"),
        Kind::Geometry(name, ring) => {
            let coordinates = if *ring { format!("[{value}]") } else { value.to_owned() };
            let shape = match *name {
                "LineString" => "Array(Tuple(Float64, Float64))",
                "MultiPolygon" => "Array(Array(Array(Tuple(Float64, Float64))))",
                _ => "Array(Array(Tuple(Float64, Float64)))",
            };
            format!("CAST(tuple('{name}', {coordinates}), 'Tuple(type String, coordinates {shape})')")
        }
        Kind::State => format!("base64Encode(CAST({value}, 'String'))"),
        Kind::Other => format!("toString({value})"),
    })
}

/// A text without the NUL characters that it is filled up with.
pub(super) fn filled(value: &str) -> String {
    format!("trim(TRAILING '\\0' FROM toString({value}))")
}

/// A moment in UTC, to the millisecond, or to the microsecond where that is not zero.
fn moment(value: &str, scale: u8) -> String {
    let text = match scale {
        0 => return format!("concat(replaceOne(toString({value}, 'UTC'), ' ', 'T'), '.000Z')"),
        1..=3 => format!("toString(toDateTime64({value}, 3, 'UTC'))"),
        _ => {
            let exact = format!("toString({})", micros(value, scale));
            format!("if(endsWith({exact}, '000'), substring({exact}, 1, 23), {exact})")
        }
    };
    format!("concat(replaceOne({text}, ' ', 'T'), 'Z')")
}

/// A moment of microseconds in UTC. A cast to fewer digits would round moments before 1970 up.
fn micros(value: &str, scale: u8) -> String {
    if scale <= 6 {
        return format!("toDateTime64({value}, 6, 'UTC')");
    }
    let nanos = format!("toUnixTimestamp64Nano({value})");
    format!("fromUnixTimestamp64Micro(intDiv({nanos}, 1000) - (modulo({nanos}, 1000) < 0), 'UTC')")
}

fn tuple(elements: &[(Option<String>, ClickHouseType)], value: &str, at: usize) -> Option<String> {
    let each: Vec<(String, Option<String>)> = elements
        .iter()
        .enumerate()
        .map(|(place, (_, element))| {
            let own = format!("tupleElement({value}, {})", place + 1);
            let form = shown(element, &own, at);
            (own, form)
        })
        .collect();
    if each.iter().all(|(_, form)| form.is_none()) {
        return None;
    }
    let values: Vec<String> = each.into_iter().map(|(own, form)| form.unwrap_or(own)).collect();
    let plain = format!("tuple({})", values.join(", "));
    if elements.iter().any(|(name, _)| name.is_none()) {
        return Some(plain);
    }
    // A tuple that is made has no names: they are put back.
    Some(format!("CAST({plain}, {})", text_literal(&form_type_of(elements))))
}

/// The type of what [`shown`] makes of a value.
fn form_type(of: &ClickHouseType) -> String {
    match &of.kind {
        Kind::Fixed | Kind::Date | Kind::Moment { .. } | Kind::State | Kind::Other => {
            if of.nullable { "Nullable(String)" } else { "String" }.to_owned()
        }
        Kind::Array(inner) => format!("Array({})", form_type(inner)),
        Kind::Map(key, value) => format!("Map({}, {})", key.native, form_type(value)),
        Kind::Tuple(elements) => form_type_of(elements),
        Kind::Point => "Tuple(x Float64, y Float64)".to_owned(),
        _ => of.native.clone(),
    }
}

fn form_type_of(elements: &[(Option<String>, ClickHouseType)]) -> String {
    let element = |(name, element): &(Option<String>, ClickHouseType)| match name {
        Some(name) => format!("{name} {}", form_type(element)),
        None => form_type(element),
    };
    format!("Tuple({})", elements.iter().map(element).collect::<Vec<_>>().join(", "))
}

fn text_literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(native: &str) -> String {
        shown(&ClickHouseType::parse(native), "v", 0).unwrap_or_else(|| "as it is".to_owned())
    }

    #[test]
    fn what_the_server_writes_as_everybody_does_is_left_alone() {
        for native in [
            "Int64",
            "Nullable(String)",
            "UUID",
            "Array(Nullable(Decimal(9, 2)))",
            "Map(String, Array(UInt8))",
            "Tuple(a Int8, b String)",
            "Enum8('a' = 1)",
            "JSON",
        ] {
            assert_eq!(of(native), "as it is", "{native}");
        }
    }

    #[test]
    fn moments_are_shown_in_one_form_wherever_they_stand() {
        assert_eq!(of("Nullable(Date32)"), "concat(toString(v), 'T00:00:00.000Z')");
        assert_eq!(of("DateTime('Asia/Tokyo')"), "concat(replaceOne(toString(v, 'UTC'), ' ', 'T'), '.000Z')");
        assert_eq!(
            of("Array(Array(DateTime64(3)))"),
            "arrayMap(x0 -> arrayMap(x1 -> concat(replaceOne(toString(toDateTime64(x1, 3, 'UTC')), ' ', 'T'), 'Z'), \
             x0), v)"
        );
        assert_eq!(
            of("Map(String, Date)"),
            "mapApply((k0, v0) -> (k0, concat(toString(v0), 'T00:00:00.000Z')), v)"
        );
        assert_eq!(
            of("Tuple(n Int8, `it's` Nullable(Date))"),
            "CAST(tuple(tupleElement(v, 1), concat(toString(tupleElement(v, 2)), 'T00:00:00.000Z')), \
             'Tuple(n Int8, `it\\'s` Nullable(String))')"
        );
    }

    #[test]
    fn geometries_are_geojson() {
        assert_eq!(of("Point"), "CAST(v, 'Tuple(x Float64, y Float64)')");
        assert!(of("Ring").contains("tuple('Polygon', [v])"));
        assert!(of("MultiPolygon").ends_with("Array(Array(Array(Tuple(Float64, Float64)))))')"));
    }
}
