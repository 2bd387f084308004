//! The values of a row, read from the JSON that a connector wrote.

pub mod decimal;
mod moment;

use std::borrow::Cow;
use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector_model::filter::Typed;
use connector_model::target::LogicalType;
use connector_model::time::DAY_US;
use serde::Deserialize;

use decimal::Decimal;

/// JSON's NULL.
pub const NULL: &[u8] = b"null";

/// One value, typed as its column where it is of that type. SQLite keeps a type with each value, so a column of
/// numbers may hold a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// True or false.
    Boolean(bool),
    /// An exact number.
    Number(Decimal),
    /// A binary floating-point number; never NaN.
    Float(f64),
    /// Microseconds: since 1970-01-01 UTC for dates and moments, since midnight for times of day.
    Moment(i64),
    /// A UUID.
    Uuid([u8; 16]),
    /// Text, and the JSON of what has no other kind.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl<'a> Value<'a> {
    /// Reads the JSON of one cell of a column of type `kind`.
    pub fn read(json: &'a [u8], kind: LogicalType) -> Value<'a> {
        match json.first() {
            None | Some(b'n') => Value::Null,
            Some(b'"') => string(json, kind),
            Some(b't') if opaque(kind) => Value::Text(raw(json)),
            Some(b'f') if opaque(kind) => Value::Text(raw(json)),
            Some(b't') => Value::Boolean(true),
            Some(b'f') => Value::Boolean(false),
            Some(b'-' | b'0'..=b'9') => number(json, kind),
            Some(_) if kind == LogicalType::Bytes => {
                buffer(json).map_or_else(|| Value::Text(raw(json)), Value::Bytes)
            }
            Some(_) => Value::Text(raw(json)),
        }
    }

    /// The value that an operand of a filter is.
    pub fn operand(typed: &Typed) -> Option<Value<'static>> {
        Some(match typed {
            Typed::Boolean(flag) => Value::Boolean(*flag),
            Typed::Integer(whole) => Value::Number(Decimal::whole(*whole)),
            Typed::Float(number) => Value::Float(*number),
            Typed::Decimal(digits) => Value::Number(Decimal::read(digits.as_bytes())?),
            Typed::Text(text) => Value::Text(Cow::Owned(text.clone())),
            Typed::Bytes(bytes) => Value::Bytes(bytes.clone()),
            Typed::Date(days) => Value::Moment(days.saturating_mul(DAY_US)),
            Typed::Time(micros) | Typed::Timestamp(micros) | Typed::TimestampTz(micros) => {
                Value::Moment(*micros)
            }
            Typed::Uuid(bytes) => Value::Uuid(*bytes),
        })
    }

    /// The order of two values: NULL before everything, numbers by value whatever form they have, text by code point.
    /// Values of different kinds have an order too (SQLite's: numbers, texts, bytes), so that every list can be sorted.
    pub fn order(&self, other: &Value<'_>) -> Ordering {
        match (self, other) {
            (Value::Number(a), Value::Number(b)) => a.cmp(b),
            (Value::Float(a), Value::Float(b)) => unsigned_zero(*a).total_cmp(&unsigned_zero(*b)),
            (Value::Moment(a), Value::Moment(b)) => a.cmp(b),
            (Value::Uuid(a), Value::Uuid(b)) => a.cmp(b),
            (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
            _ => match (self.exact(), other.exact()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Value::Null => 0,
            Value::Boolean(_) | Value::Number(_) | Value::Float(_) => 1,
            Value::Moment(_) => 2,
            Value::Uuid(_) => 3,
            Value::Text(_) => 4,
            Value::Bytes(_) => 5,
        }
    }

    /// The exact number that it is, by its shortest digits.
    fn exact(&self) -> Option<Decimal> {
        match self {
            Value::Boolean(flag) => Some(Decimal::whole(i128::from(*flag))),
            Value::Number(number) => Some(number.clone()),
            Value::Float(number) => Decimal::of(*number),
            _ => None,
        }
    }

    /// The value without the row it was read from.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Boolean(flag) => Value::Boolean(flag),
            Value::Number(number) => Value::Number(number),
            Value::Float(number) => Value::Float(number),
            Value::Moment(micros) => Value::Moment(micros),
            Value::Uuid(bytes) => Value::Uuid(bytes),
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Bytes(bytes) => Value::Bytes(bytes),
        }
    }

    /// Bytes on the heap.
    pub fn held_bytes(&self) -> usize {
        match self {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::Number(Decimal::Large(digits)) => size_of_val(&**digits) + digits.digits.len(),
            _ => 0,
        }
    }
}

/// Appends what is the same for equal values of a column and for no others: the JSON, decimals without the zeros
/// behind their last digit.
pub fn identity(out: &mut Vec<u8>, json: &[u8], kind: LogicalType) {
    if kind == LogicalType::Decimal
        && let Value::Number(number) = Value::read(json, kind)
    {
        return number.canonical(out);
    }
    out.extend_from_slice(json);
}

/// The text of a cell, as a cast in the database gives it for most types; of moments and bytes it is the JSON form.
pub fn text(json: &[u8]) -> Cow<'_, str> {
    match json.first() {
        Some(b'"') => unescaped(json),
        _ => raw(json),
    }
}

/// Whether JSON other than a string is the value itself, and not another form of it.
fn opaque(kind: LogicalType) -> bool {
    matches!(kind, LogicalType::Json | LogicalType::Array | LogicalType::Geometry)
}

fn raw(json: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(json)
}

fn unescaped(json: &[u8]) -> Cow<'_, str> {
    let inside = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
    if memchr::memchr(b'\\', inside).is_none() {
        return raw(inside);
    }
    // A half of a surrogate pair is no text; its JSON stands for it.
    serde_json::from_slice::<String>(json).map_or_else(|_| raw(inside), Cow::Owned)
}

fn string(json: &[u8], kind: LogicalType) -> Value<'_> {
    let text = unescaped(json);
    let typed = match kind {
        LogicalType::Integer | LogicalType::Decimal => Decimal::read(text.as_bytes()).map(Value::Number),
        LogicalType::Float => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float),
        LogicalType::Boolean => None,
        LogicalType::Bytes => STANDARD.decode(text.as_bytes()).ok().map(Value::Bytes),
        LogicalType::Date | LogicalType::Timestamp | LogicalType::TimestampTz => {
            moment::micros(&text).map(Value::Moment)
        }
        LogicalType::Time => moment::time_of_day(&text).map(Value::Moment),
        LogicalType::Uuid => uuid(&text).map(Value::Uuid),
        LogicalType::Text
        | LogicalType::Json
        | LogicalType::Array
        | LogicalType::Geometry
        | LogicalType::Unknown => None,
    };
    typed.unwrap_or(Value::Text(text))
}

fn number(json: &[u8], kind: LogicalType) -> Value<'_> {
    let is_binary = kind == LogicalType::Float || json.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
    let read = match kind {
        _ if opaque(kind) => None,
        // A number with a fraction was a double: exact decimals are written as strings.
        _ if is_binary => std::str::from_utf8(json)
            .ok()
            .and_then(|text| text.parse().ok())
            .filter(|number: &f64| number.is_finite())
            .map(|number| Value::Float(unsigned_zero(number))),
        LogicalType::Boolean if matches!(json, b"0" | b"1") => Some(Value::Boolean(json == b"1")),
        _ => Decimal::read(json).map(Value::Number),
    };
    read.unwrap_or_else(|| Value::Text(raw(json)))
}

/// There is one zero.
fn unsigned_zero(number: f64) -> f64 {
    if number == 0.0 { 0.0 } else { number }
}

/// Microseconds since 1970-01-01 UTC of a value that can be put into a unit of the calendar: a moment, or a text of
/// one.
pub fn as_moment(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Moment(micros) => Some(*micros),
        Value::Text(text) => moment::micros(text),
        _ => None,
    }
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    let mut nibbles =
        text.chars().filter(|character| *character != '-').map(|character| character.to_digit(16));
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        *byte = u8::try_from(nibbles.next()?? << 4 | nibbles.next()??).ok()?;
    }
    nibbles.next().is_none().then_some(bytes)
}

/// Node's form of bytes.
fn buffer(json: &[u8]) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct Buffer {
        data: Vec<u8>,
    }
    serde_json::from_slice::<Buffer>(json).ok().map(|buffer| buffer.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, kind: LogicalType) -> Value<'_> {
        Value::read(json.as_bytes(), kind)
    }

    fn whole(value: i128) -> Value<'static> {
        Value::Number(Decimal::whole(value))
    }

    #[test]
    fn every_form_of_a_value_is_read() {
        use LogicalType::{
            Boolean, Bytes, Date, Decimal as Exact, Float, Integer, Json, Text, Time, TimestampTz, Uuid,
        };
        assert_eq!(read("null", Text), Value::Null);
        assert_eq!(read("1", Boolean), Value::Boolean(true));
        assert_eq!(read("false", Boolean), Value::Boolean(false));
        assert_eq!(read("2", Boolean), whole(2));
        assert_eq!(read("\"9223372036854775807\"", Integer), whole(i128::from(i64::MAX)));
        assert_eq!(read("7", Exact), whole(7));
        assert_eq!(read("0.5", Exact), Value::Float(0.5));
        assert_eq!(read("1", Float), Value::Float(1.0));
        assert_eq!(read("\"1.50\"", Exact).order(&Value::Float(1.5)), Ordering::Equal);
        assert_eq!(read("\"abc\"", Integer), Value::Text("abc".into()));
        assert_eq!(read("\"a\\\"\\u00e9\"", Text), Value::Text("a\"é".into()));
        assert_eq!(read("{\"a\": 1}", Json), Value::Text("{\"a\": 1}".into()));
        assert_eq!(read("true", Json), Value::Text("true".into()));
        assert_eq!(read("\"1970-01-02T00:00:00.000Z\"", Date), Value::Moment(DAY_US));
        assert_eq!(read("\"1970-01-01T00:00:00.000001Z\"", TimestampTz), Value::Moment(1));
        assert_eq!(read("\"00:00:01\"", Time), Value::Moment(1_000_000));
        assert_eq!(read("\"AP8=\"", Bytes), Value::Bytes(vec![0, 255]));
        assert_eq!(read("{\"type\":\"Buffer\",\"data\":[0,255]}", Bytes), Value::Bytes(vec![0, 255]));
        let id = read("\"6f9619ff-8b86-d011-b42d-00cf4fc964ff\"", Uuid);
        assert_eq!(id, read("\"6F9619FF-8B86-D011-B42D-00CF4FC964FF\"", Uuid));
        assert!(matches!(id, Value::Uuid(_)));
    }

    #[test]
    fn values_of_different_kinds_have_an_order() {
        let ascending = [
            Value::Null,
            whole(-1),
            Value::Boolean(false),
            Value::Float(0.5),
            Value::Boolean(true),
            whole(2),
            Value::Text("".into()),
            Value::Text("B".into()),
            Value::Text("a".into()),
            Value::Bytes(vec![]),
        ];
        for (at, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                assert_eq!(left.order(right), at.cmp(&other), "{left:?} against {right:?}");
            }
        }
    }

    #[test]
    fn equal_decimals_are_one_value() {
        let of = |json: &str, kind| {
            let mut out = Vec::new();
            identity(&mut out, json.as_bytes(), kind);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(of("\"1.50\"", LogicalType::Decimal), of("\"1.5\"", LogicalType::Decimal));
        assert_ne!(of("\"1.50\"", LogicalType::Text), of("\"1.5\"", LogicalType::Text));
    }
}
