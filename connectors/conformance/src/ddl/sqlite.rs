//! Tables for SQLite and its relatives.

use connector_memory::{Table, Value};
use connector_model::json;
use connector_model::target::LogicalType;

use super::{hex, literal, statements};
use crate::subject::{Change, Range, StoredType};

/// The types of SQLite that the suite stores, by the names that columns are declared with. A date and time is a text
/// to SQLite, whatever the column is called. JSON is left out: a document that is a bare number becomes one of SQLite's
/// own in a column so declared, and loses its digits before any connector sees it.
pub const SQLITE_TYPES: &[StoredType] = &[
    StoredType::new(LogicalType::Boolean, "BOOLEAN", Range::Full),
    StoredType::new(LogicalType::Integer, "INTEGER", Range::Bits(64)),
    StoredType::new(LogicalType::Integer, "BIGINT", Range::Bits(64)),
    StoredType::new(LogicalType::Float, "REAL", Range::Full),
    StoredType::new(LogicalType::Text, "TEXT", Range::Full),
    StoredType::new(LogicalType::Bytes, "BLOB", Range::Full),
    StoredType::new(LogicalType::Text, "DATETIME", Range::Moments),
];

/// The statements that create a table with its rows.
pub fn sqlite(table: &Table) -> Vec<String> {
    statements(table, |_, cell| value(cell))
}

/// The statements that change its rows.
pub fn sqlite_change(table: &Table, change: &Change) -> Vec<String> {
    super::change(table, change, value)
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Boolean(flag) => i32::from(*flag).to_string(),
        Value::Integer(whole) => whole.to_string(),
        Value::Unsigned(whole) => whole.to_string(),
        Value::Float(number) => real(*number),
        Value::Real(number) => real(f64::from(*number)),
        Value::Bytes(bytes) => format!("X'{}'", hex(bytes)),
        Value::Decimal(text) | Value::Text(text) | Value::Json(text) => literal(text),
        Value::Date(days) => written(|out| json::date(out, *days)),
        Value::Time(micros) => written(|out| json::time_of_day(out, *micros)),
        Value::Timestamp(micros) | Value::TimestampTz(micros) => written(|out| json::timestamp(out, *micros)),
        Value::Uuid(bytes) => written(|out| json::uuid(out, bytes)),
    }
}

/// What a JSON writer writes, in single quotes.
fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8_lossy(&out).replace('"', "'")
}

/// A double as exact arithmetic: SQLite reads a literal of many digits to the nearest double or the one beside it.
/// A whole number of 53 bits times powers of two is exact at every step.
fn real(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "9e999".to_owned() } else { "-9e999".to_owned() };
    }
    const FRACTION_BITS: u64 = 52;
    let bits = number.to_bits();
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    let exponent = i32::try_from(bits >> FRACTION_BITS & 0x7ff).unwrap_or(0);
    // The smallest doubles have no leading one.
    let (mut whole, mut power) =
        if exponent == 0 { (fraction, -1_074) } else { (fraction | 1 << FRACTION_BITS, exponent - 1_075) };
    while whole != 0 && whole & 1 == 0 && power < 0 {
        whole >>= 1;
        power += 1;
    }
    let sign = if number.is_sign_negative() && whole != 0 { "-" } else { "" };
    let mut text = format!("({sign}{whole}*1.0");
    while whole != 0 && power != 0 {
        let step = power.abs().min(32);
        let operator = if power < 0 { '/' } else { '*' };
        text.push_str(&format!("{operator}{}.0", 1_u64 << step));
        power -= power.signum() * step;
    }
    text.push(')');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What SQLite makes of such an expression: doubles, left to right.
    fn evaluated(text: &str) -> f64 {
        let mut rest = text.trim_matches(['(', ')']);
        let mut value = 1.0;
        let mut operator = '*';
        loop {
            let end = rest.find(['*', '/']).unwrap_or(rest.len());
            let number: f64 = rest[..end].parse().unwrap();
            value = if operator == '*' { value * number } else { value / number };
            let Some(next) = rest[end..].chars().next() else { return value };
            operator = next;
            rest = &rest[end + 1..];
        }
    }

    #[test]
    fn a_double_survives_as_arithmetic() {
        for number in [0.0, 1.0, -1.5, 0.1, 5e-324, -5e-324, 2.225e-308, f64::MAX, f64::MIN, 1e21, 1.0 / 3.0]
        {
            assert_eq!(evaluated(&real(number)), number, "{}", real(number));
        }
    }
}
