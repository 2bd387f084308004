//! Tables for PostgreSQL and its relatives.

use connector_memory::{Table, Value};
use connector_model::json;
use connector_model::target::LogicalType;
use connector_model::time::{DAY_US, civil};

use serde_json::Value as Json;

use super::{hex, literal, statements};
use crate::subject::{Change, Range, StoredType};

/// The types of PostgreSQL that the suite stores, by the names `format_type` gives them.
pub const POSTGRES_TYPES: &[StoredType] = &[
    StoredType::new(LogicalType::Boolean, "boolean", Range::Full),
    StoredType::new(LogicalType::Integer, "bigint", Range::Bits(64)),
    StoredType::new(LogicalType::Integer, "integer", Range::Bits(32)),
    StoredType::new(LogicalType::Integer, "smallint", Range::Bits(16)),
    StoredType::new(LogicalType::Float, "double precision", Range::NotFinite),
    StoredType::new(LogicalType::Float, "real", Range::Single),
    StoredType::new(LogicalType::Decimal, "numeric", Range::Full),
    StoredType::new(LogicalType::Text, "text", Range::Full),
    StoredType::new(LogicalType::Text, "character varying", Range::Full),
    StoredType::new(LogicalType::Bytes, "bytea", Range::Full),
    StoredType::new(LogicalType::Date, "date", Range::NotFinite),
    StoredType::new(LogicalType::Time, "time without time zone", Range::Full),
    StoredType::new(LogicalType::Timestamp, "timestamp without time zone", Range::NotFinite),
    StoredType::new(LogicalType::TimestampTz, "timestamp with time zone", Range::NotFinite),
    StoredType::new(LogicalType::Uuid, "uuid", Range::Full),
    StoredType::new(LogicalType::Json, "json", Range::Full),
    StoredType::new(LogicalType::Unknown, ENUM, Range::Words),
    StoredType::new(LogicalType::Array, "integer[]", Range::Numbers),
    StoredType::new(LogicalType::Array, "text[]", Range::Texts),
];

/// The enum that the tables have, and its definition, which may be there already.
const ENUM: &str = "suite_mood";
const DEFINE_ENUM: &str = "DO $$ BEGIN CREATE TYPE suite_mood AS ENUM ('sad', 'ok', 'happy'); \
                           EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;";

/// The statements that create a table with its rows.
pub fn postgres(table: &Table) -> Vec<String> {
    let has_enum = table.columns.iter().any(|column| column.native_type == ENUM);
    let mut all: Vec<String> = has_enum.then(|| DEFINE_ENUM.to_owned()).into_iter().collect();
    // A JSON array in a column of arrays is that array; elsewhere it is a document.
    let is_array =
        |at: usize| table.columns.get(at).is_some_and(|column| column.logical_type == LogicalType::Array);
    all.extend(statements(table, |at, cell| match cell {
        Value::Json(text) if is_array(at) => array(text),
        cell => value(cell),
    }));
    all
}

/// The statements that change its rows.
pub fn postgres_change(table: &Table, change: &Change) -> Vec<String> {
    super::change(table, change, value)
}

/// An array, which stands in its table as the JSON it is shown as.
fn array(json: &str) -> String {
    fn element(json: &Json) -> String {
        match json {
            Json::Array(elements) => {
                format!("{{{}}}", elements.iter().map(element).collect::<Vec<_>>().join(","))
            }
            Json::Null => "NULL".to_owned(),
            Json::String(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            other => other.to_string(),
        }
    }
    literal(&element(&serde_json::from_str(json).unwrap_or_default()))
}

/// Every value as a text literal: the column's type reads it.
fn value(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Boolean(flag) => format!("'{flag}'"),
        Value::Integer(whole) => format!("'{whole}'"),
        Value::Unsigned(whole) => format!("'{whole}'"),
        Value::Float(number) => double(*number),
        Value::Real(number) if number.is_finite() => format!("'{number:e}'"),
        Value::Real(number) => double(f64::from(*number)),
        Value::Decimal(digits) => literal(digits),
        Value::Text(text) | Value::Json(text) => literal(text),
        Value::Bytes(bytes) => format!("'\\x{}'", hex(bytes)),
        Value::Date(i64::MAX) | Value::Timestamp(i64::MAX) | Value::TimestampTz(i64::MAX) => {
            "'infinity'".to_owned()
        }
        Value::Date(i64::MIN) | Value::Timestamp(i64::MIN) | Value::TimestampTz(i64::MIN) => {
            "'-infinity'".to_owned()
        }
        Value::Date(days) => {
            let (day, era) = day(*days);
            format!("'{day}{era}'")
        }
        Value::Time(micros) => format!("'{}'", clock(*micros)),
        Value::Timestamp(micros) => moment(*micros, ""),
        Value::TimestampTz(micros) => moment(*micros, "+00"),
        Value::Uuid(bytes) => {
            let mut quoted = Vec::new();
            json::uuid(&mut quoted, bytes);
            String::from_utf8_lossy(&quoted).replace('"', "'")
        }
    }
}

fn double(number: f64) -> String {
    match number {
        f64::INFINITY => "'Infinity'".to_owned(),
        f64::NEG_INFINITY => "'-Infinity'".to_owned(),
        number if number.is_nan() => "'NaN'".to_owned(),
        number => format!("'{number:e}'"),
    }
}

/// The day, and ` BC` for years before 1.
fn day(days: i64) -> (String, &'static str) {
    let (year, month, day) = civil(days);
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    (format!("{year:04}-{month:02}-{day:02}"), era)
}

fn clock(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{:06}", micros % 1_000_000)
}

fn moment(micros: i64, zone: &str) -> String {
    let (day, era) = day(micros.div_euclid(DAY_US));
    format!("'{day} {}{zone}{era}'", clock(micros.rem_euclid(DAY_US)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_written_as_the_engine_reads_them() {
        assert_eq!(array("[1,null,-3]"), "'{1,NULL,-3}'");
        assert_eq!(array("[[\"it's\"],[\"say \\\"hi\\\"\"]]"), "'{{\"it''s\"},{\"say \\\"hi\\\"\"}}'");
        assert_eq!(array("[]"), "'{}'");
    }

    #[test]
    fn moments_before_the_common_era_and_after_year_9999() {
        assert_eq!(value(&Value::Date(-719_163)), "'0001-12-31 BC'");
        assert_eq!(value(&Value::Date(2_932_897)), "'10000-01-01'");
        assert_eq!(value(&Value::TimestampTz(-1)), "'1969-12-31 23:59:59.999999+00'");
    }
}
