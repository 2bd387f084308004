//! Tables of the suite as ClickHouse has them.

use connector_conformance::{Range, StoredType};
use connector_memory::{Booleans, Int64, Nulls, Profile, Table, Uuids, Value};
use connector_model::json;
use connector_model::target::LogicalType;
use connector_model::time::DAY_US;
use serde_json::Value as Json;

/// How ClickHouse shows and orders values: NULL and NaN are the greatest.
pub(crate) const PROFILE: Profile = Profile {
    nulls: Nulls::Largest,
    int64: Int64::Text,
    short_integers: &["Int32", "Nullable(Int32)", "Int16", "Nullable(Int16)", "UInt8", "Nullable(UInt8)"],
    booleans: Booleans::Words,
    moments_in_text: false,
    uuids: Uuids::Bytes,
};

/// The types that the suite stores, by the names that `system.columns` gives them. UUIDs are left out: they stand in an
/// order of their own. So are documents, which are taken apart on their way in.
pub(crate) const TYPES: &[StoredType] = &[
    StoredType::new(LogicalType::Boolean, "Bool", Range::Full),
    StoredType::new(LogicalType::Integer, "Int64", Range::Bits(64)),
    StoredType::new(LogicalType::Integer, "Int32", Range::Bits(32)),
    StoredType::new(LogicalType::Integer, "Int16", Range::Bits(16)),
    StoredType::new(LogicalType::Integer, "UInt64", Range::Unsigned),
    StoredType::new(LogicalType::Float, "Float64", Range::Full),
    StoredType::new(LogicalType::Float, "Float32", Range::Single),
    StoredType::new(LogicalType::Decimal, "Decimal(38, 3)", Range::Full),
    StoredType::new(LogicalType::Text, "String", Range::Full),
    StoredType::new(LogicalType::Date, "Date32", Range::Full),
    StoredType::new(LogicalType::TimestampTz, "DateTime64(6, 'UTC')", Range::Full),
    StoredType::new(LogicalType::Unknown, "Enum8('sad' = 1, 'ok' = 2, 'happy' = 3)", Range::Words),
    StoredType::new(LogicalType::Array, "Array(Nullable(Int32))", Range::Numbers),
    StoredType::new(LogicalType::Array, "Array(Array(Nullable(String)))", Range::Texts),
];

/// How many rows one `INSERT` carries.
const ROWS_PER_INSERT: usize = 200;
/// Days of 1900-01-01 and 2299-12-31: dates before and after are not stored.
const CALENDAR: std::ops::RangeInclusive<i64> = -25_567..=120_529;

/// The table as ClickHouse can hold it: its key is what rows are kept in the order of, arrays are never NULL, no date
/// lies outside the calendar, decimals have the digits of their column.
pub(crate) fn fitted(mut table: Table) -> Table {
    if table.primary_key.is_empty() {
        table.primary_key = std::mem::take(&mut table.unique_index);
    }
    for at in 0..table.columns.len() {
        let column = &mut table.columns[at];
        if column.logical_type == LogicalType::Array {
            column.nullable = false;
            for row in &mut table.rows {
                if row[at] == Value::Null {
                    row[at] = Value::Json("[]".into());
                }
            }
        } else if column.nullable && !column.native_type.starts_with("Nullable(") {
            column.native_type = format!("Nullable({})", column.native_type);
        }
    }
    for value in table.rows.iter_mut().flatten() {
        if let Value::Decimal(digits) = value {
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
            *digits = format!("{whole}.{fraction:0<3}");
        }
    }
    table.rows.retain(|row| row.iter().all(in_calendar));
    table
}

fn in_calendar(value: &Value) -> bool {
    match value {
        Value::Date(days) => CALENDAR.contains(days),
        Value::Timestamp(micros) | Value::TimestampTz(micros) => {
            CALENDAR.contains(&micros.div_euclid(DAY_US))
        }
        _ => true,
    }
}

fn quoted(identifier: &str) -> String {
    format!("`{}`", identifier.replace('\\', "\\\\").replace('`', "\\`"))
}

/// The table that a view shows all of.
fn stored(table: &Table) -> String {
    quoted(&if table.kind == "view" { format!("{} base", table.name) } else { table.name.clone() })
}

/// The statements that create a table with its rows.
pub(crate) fn created(table: &Table) -> Vec<String> {
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| format!("{} {}", quoted(&column.name), column.native_type))
        .collect();
    let key: Vec<String> = table.primary_key.iter().map(|at| quoted(&table.columns[*at].name)).collect();
    let name = stored(table);
    let mut all = vec![format!(
        "CREATE TABLE {name} ({}) ENGINE = MergeTree ORDER BY ({})",
        columns.join(", "),
        key.join(", ")
    )];
    all.extend(inserted(table, &table.rows));
    if table.kind == "view" {
        all.push(format!("CREATE VIEW {} AS SELECT * FROM {name}", quoted(&table.name)));
    }
    all
}

/// The statements that put rows into a table that is there.
pub(crate) fn inserted(table: &Table, rows: &[Vec<Value>]) -> Vec<String> {
    let row = |row: &Vec<Value>| format!("({})", row.iter().map(value).collect::<Vec<_>>().join(", "));
    rows.chunks(ROWS_PER_INSERT)
        .map(|rows| {
            let rows: Vec<String> = rows.iter().map(row).collect();
            format!("INSERT INTO {} VALUES {}", stored(table), rows.join(", "))
        })
        .collect()
}

/// The statement that takes one row out, found by its key.
pub(crate) fn removed(table: &Table, row: &[Value]) -> String {
    let same = |at: &usize| format!("{} = {}", quoted(&table.columns[*at].name), value(&row[*at]));
    let same: Vec<String> = table.primary_key.iter().map(same).collect();
    format!("ALTER TABLE {} DELETE WHERE {} SETTINGS mutations_sync = 2", stored(table), same.join(" AND "))
}

fn value(value: &Value) -> String {
    let written = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8_lossy(&out).replace('"', "'")
    };
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Integer(whole) => whole.to_string(),
        Value::Unsigned(whole) => whole.to_string(),
        Value::Float(number) => format!("{number:e}"),
        Value::Real(number) => format!("{number:e}"),
        Value::Decimal(digits) => format!("'{digits}'"),
        Value::Text(text) => literal(text),
        Value::Bytes(bytes) => literal(&String::from_utf8_lossy(bytes)),
        Value::Date(days) => format!("'{}'", &written(&|out| json::date(out, *days))[1..11]),
        Value::Time(micros) => written(&|out| json::time_of_day(out, *micros)),
        Value::Timestamp(micros) | Value::TimestampTz(micros) => {
            format!("fromUnixTimestamp64Micro({micros}, 'UTC')")
        }
        Value::Uuid(bytes) => written(&|out| json::uuid(out, bytes)),
        Value::Json(document) => array(&serde_json::from_str(document).unwrap()),
    }
}

fn array(value: &Json) -> String {
    match value {
        Json::Array(items) => format!("[{}]", items.iter().map(array).collect::<Vec<_>>().join(", ")),
        Json::String(text) => literal(text),
        Json::Null => "NULL".to_owned(),
        other => other.to_string(),
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\0', "\\0"))
}
