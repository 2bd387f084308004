//! The tables that fixed cases look at.

use connector_memory::{ColumnDef, Table, Value};
use connector_model::target::LogicalType;

use crate::bench::unique_suffix;
use crate::generate::of_kind;
use crate::report::Failure;
use crate::subject::{Range, StoredType, Subject};

/// The positions of the fixed tables in their dataset.
pub(super) const PEOPLE: usize = 0;
pub(super) const LOG: usize = 1;
pub(super) const PAIRS: usize = 2;
pub(super) const WORDS: usize = 3;
pub(super) const EMPTY: usize = 4;
pub(super) const VIEW: usize = 5;
/// Only there when the engine has a type for moments.
pub(super) const CHANGES: usize = 6;

/// Rows of the large table: several chunks and several pages of any driver's own fetching.
const LARGE_ROWS: i64 = 2_500;

/// The types every fixed table is made of.
pub(super) struct Types {
    pub(super) number: StoredType,
    pub(super) text: StoredType,
    /// The first type of every kind but those two.
    others: Vec<StoredType>,
    /// The type of moments, if there is one.
    moment: Option<StoredType>,
}

impl Types {
    pub(super) fn of(subject: &dyn Subject) -> Result<Types, Failure> {
        let missing = |what| Failure::of("dataset", format!("the subject has no {what} type"));
        let types = subject.types();
        let number = of_kind(types, LogicalType::Integer).ok_or_else(|| missing("integer"))?;
        let text = of_kind(types, LogicalType::Text).ok_or_else(|| missing("text"))?;
        let mut others: Vec<StoredType> = Vec::new();
        for stored in types {
            let known = [number, text].iter().chain(&others).any(|known| known.logical == stored.logical);
            if !known {
                others.push(*stored);
            }
        }
        let moment = of_kind(types, LogicalType::TimestampTz)
            .or_else(|| of_kind(types, LogicalType::Timestamp))
            .or_else(|| types.iter().find(|stored| stored.range == Range::Moments).copied());
        Ok(Types { number, text, others, moment })
    }

    /// The type that prices have: exact where there is one.
    pub(super) fn price(&self) -> StoredType {
        let of = |logical| of_kind(&self.others, logical);
        of(LogicalType::Decimal).or_else(|| of(LogicalType::Float)).unwrap_or(self.number)
    }

    /// So many quarters as a price.
    pub(super) fn quarters(&self, quarters: i64) -> Value {
        match self.price().logical {
            LogicalType::Decimal => {
                let (whole, part) = (quarters.abs() / 4, quarters.abs() % 4 * 25);
                Value::Decimal(format!("{}{whole}.{part:02}0", if quarters < 0 { "-" } else { "" }))
            }
            #[allow(clippy::cast_precision_loss, reason = "a handful")]
            LogicalType::Float => Value::Float(quarters as f64 / 4.0),
            _ => Value::Integer(quarters),
        }
    }

    /// The type of moments, if there is one.
    pub(super) fn moment(&self) -> Option<StoredType> {
        self.moment
    }

    /// A moment of whole milliseconds in that type.
    pub(super) fn at(&self, micros: i64) -> Value {
        match self.moment.map(|stored| stored.logical) {
            Some(LogicalType::TimestampTz) => Value::TimestampTz(micros),
            Some(LogicalType::Timestamp) => Value::Timestamp(micros),
            _ => {
                let mut out = Vec::new();
                connector_model::json::timestamp(&mut out, micros);
                text(String::from_utf8_lossy(&out).trim_matches('"'))
            }
        }
    }

    /// The type of JSON documents, if there is one.
    pub(super) fn document(&self) -> Option<StoredType> {
        of_kind(&self.others, LogicalType::Json)
    }
}

pub(super) fn column(name: &str, stored: StoredType, nullable: bool) -> ColumnDef {
    ColumnDef {
        name: name.to_owned(),
        logical_type: stored.logical,
        native_type: stored.native.to_owned(),
        nullable,
    }
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(super) fn table(
    name: &str,
    columns: Vec<ColumnDef>,
    primary_key: Vec<usize>,
    rows: Vec<Vec<Value>>,
) -> Table {
    let name = format!("{name} {}", unique_suffix());
    Table { name, kind: "table".to_owned(), columns, primary_key, unique_index: Vec::new(), rows }
}

/// The fixed dataset, in the order of the constants above.
pub(super) fn fixed(subject: &dyn Subject) -> Result<Vec<Table>, Failure> {
    let types = Types::of(subject)?;
    let words = ["v1.", "v1.x", "", "a", "A", "ab", "'; --", "日本語", " "];
    let log = [(2, "b"), (1, "z"), (2, "b"), (1, "a"), (2, "b")];
    let mut tables = vec![
        people(&types),
        table(
            "log",
            vec![column("level", types.number, true), column("text", types.text, false)],
            Vec::new(),
            log.iter().map(|(level, word)| vec![Value::Integer(*level), text(word)]).collect(),
        ),
        pairs(&types),
        table(
            "words",
            vec![column("n", types.number, true), column("word", types.text, false)],
            vec![1],
            words.iter().map(|word| vec![Value::Null, text(word)]).collect(),
        ),
        table("empty", vec![column("id", types.number, false)], vec![0], Vec::new()),
        view(&types),
    ];
    tables.extend(changes(&types));
    Ok(tables)
}

/// When rows changed, to the microsecond or to the millisecond, and one that nobody knows of.
fn changes(types: &Types) -> Option<Table> {
    let moment = types.moment()?;
    let value = |(micros, written): &(i64, &str)| match moment.logical {
        LogicalType::TimestampTz => Value::TimestampTz(*micros),
        LogicalType::Timestamp => Value::Timestamp(*micros),
        _ => text(written),
    };
    let moments = [
        (0, "1970-01-01 00:00:00"),
        (-1_000, "1969-12-31T23:59:59.999Z"),
        (1_709_251_200_000_000, "2024-03-01"),
        (1_709_251_200_001_000, "2024-03-01 00:00:00.001"),
        (1_709_251_200_500_000, "2024-03-01T00:00:00.5Z"),
        (1_709_287_200_000_000, "2024-03-01 10:00:00"),
        (1_709_287_200_000_001, "2024-03-01 10:00:00.000001"),
    ];
    let rows = moments.iter().map(value).chain([Value::Null]);
    let columns = vec![column("id", types.number, false), column("updated_at", moment, true)];
    let rows = (1..).zip(rows).map(|(id, changed)| vec![Value::Integer(id), changed]).collect();
    Some(table("changes", columns, vec![0], rows))
}

/// A name, an age that is often NULL, and one column of every other type, NULL in every other row.
fn people(types: &Types) -> Table {
    let people = [
        (1, Some("Ada"), Some(36)),
        (2, Some("ada 100%"), None),
        (3, None, Some(7)),
        (4, Some(""), Some(36)),
        (5, Some("Bob_\\"), None),
        (6, Some("[x] *?"), Some(i64::MAX)),
        (7, Some("36"), Some(i64::MIN)),
    ];
    let mut columns = vec![
        column("id", types.number, false),
        column("name", types.text, true),
        column("age", types.number, true),
    ];
    columns.extend(types.others.iter().map(|stored| column(&other_name(*stored), *stored, true)));
    let rows = people
        .iter()
        .map(|(id, name, age)| {
            let mut row = vec![
                Value::Integer(*id),
                name.map_or(Value::Null, text),
                age.map_or(Value::Null, Value::Integer),
            ];
            row.extend(
                types
                    .others
                    .iter()
                    .map(|stored| if id % 2 == 0 { Value::Null } else { sample(*stored, *id) }),
            );
            row
        })
        .collect();
    table("people", columns, vec![0], rows)
}

/// What the column of a type is called.
pub(super) fn other_name(stored: StoredType) -> String {
    format!("a {}", stored.native)
}

/// The `n`th value of a type.
pub(super) fn sample(stored: StoredType, n: i64) -> Value {
    match stored.logical {
        LogicalType::Boolean => Value::Boolean(n % 4 == 1),
        LogicalType::Integer if stored.range == Range::Unsigned => Value::Unsigned(n.unsigned_abs()),
        LogicalType::Integer => Value::Integer(n),
        #[allow(clippy::cast_precision_loss, reason = "a handful")]
        LogicalType::Float if stored.range == Range::Single => Value::Real(n as f32 / 8.0),
        #[allow(clippy::cast_precision_loss, reason = "a handful")]
        LogicalType::Float => Value::Float(n as f64 / 8.0),
        LogicalType::Decimal => Value::Decimal(format!("{n}.50")),
        LogicalType::Bytes => Value::Bytes(n.to_le_bytes().to_vec()),
        LogicalType::Date => Value::Date(n * 1_000 - 3_000),
        LogicalType::Time => Value::Time(n * 3_600_000_000),
        LogicalType::Timestamp => Value::Timestamp(n * 86_400_000_000 - 300_000),
        LogicalType::TimestampTz => Value::TimestampTz(n * 86_400_000_000 - 300_000),
        LogicalType::Uuid => Value::Uuid([u8::try_from(n).unwrap_or(0); 16]),
        LogicalType::Json => Value::Json(format!("{{\"n\": [{n}, null]}}")),
        LogicalType::Array if stored.range == Range::Texts => Value::Json(format!("[[\"{n}\"]]")),
        LogicalType::Array => Value::Json(format!("[{n},null]")),
        LogicalType::Unknown if stored.range == Range::Words => text(if n % 3 == 0 { "sad" } else { "ok" }),
        LogicalType::Text | LogicalType::Geometry | LogicalType::Unknown => text(&n.to_string()),
    }
}

/// A view: no key, and any column may be NULL for all that the catalogue knows.
fn view(types: &Types) -> Table {
    let rows = [Some(2), None, Some(1), Some(2), None].map(|n| {
        vec![n.map_or(Value::Null, Value::Integer), n.map_or(Value::Null, |n| text(&format!("n{n}")))]
    });
    let columns = vec![column("n", types.number, true), column("text", types.text, true)];
    Table { kind: "view".to_owned(), ..table("shown", columns, Vec::new(), rows.to_vec()) }
}

/// A composite key whose first column repeats and whose sequence is not that of the columns.
fn pairs(types: &Types) -> Table {
    let rows = (0..40).map(|n| {
        let score = if n % 3 == 0 { Value::Null } else { Value::Integer(n % 5) };
        vec![Value::Integer(n), score, text(["x", "y", "X"].get((n % 3) as usize).copied().unwrap_or("z"))]
    });
    let columns = vec![
        column("b", types.number, false),
        column("score", types.number, true),
        column("a", types.text, false),
    ];
    table("pairs", columns, vec![2, 0], rows.collect())
}

/// Many rows, one of them wide.
pub(super) fn large(subject: &dyn Subject) -> Result<Table, Failure> {
    let types = Types::of(subject)?;
    let columns = vec![column("id", types.number, false), column("text", types.text, false)];
    let rows = (0..LARGE_ROWS).map(|n| {
        let width = if n == 1_000 { 100_000 } else { 10 };
        vec![Value::Integer(n), Value::Text("é".repeat(width))]
    });
    Ok(table("large", columns, vec![0], rows.collect()))
}
