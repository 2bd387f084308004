//! Typed values and how they compare.

use std::cmp::Ordering;

use connector_model::filter::{Cast, Operand, Typed, cast};
use connector_model::json;
use connector_model::target::LogicalType;

use crate::decimal::Exact;

/// One cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number of up to 64 bits.
    Integer(i64),
    /// A double.
    Float(f64),
    /// An exact decimal as its digits; the scale is kept.
    Decimal(String),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Days since 1970-01-01.
    Date(i64),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 1970-01-01, no zone.
    Timestamp(i64),
    /// Microseconds since 1970-01-01 UTC.
    TimestampTz(i64),
    /// A UUID.
    Uuid([u8; 16]),
    /// A JSON document as its text.
    Json(String),
}

impl Value {
    /// Whether a column of type `logical` can hold this value; NULL fits every type.
    pub fn fits(&self, logical: LogicalType) -> bool {
        match self {
            Value::Null => true,
            Value::Boolean(_) => logical == LogicalType::Boolean,
            Value::Integer(_) => logical == LogicalType::Integer,
            Value::Float(_) => logical == LogicalType::Float,
            Value::Decimal(digits) => logical == LogicalType::Decimal && Exact::read(digits).is_some(),
            Value::Text(_) => logical == LogicalType::Text,
            Value::Bytes(_) => logical == LogicalType::Bytes,
            Value::Date(_) => logical == LogicalType::Date,
            Value::Time(_) => logical == LogicalType::Time,
            Value::Timestamp(_) => logical == LogicalType::Timestamp,
            Value::TimestampTz(_) => logical == LogicalType::TimestampTz,
            Value::Uuid(_) => logical == LogicalType::Uuid,
            Value::Json(_) => logical == LogicalType::Json,
        }
    }

    /// This value against an operand of a filter; `None` when either is NULL or they do not compare.
    pub fn compare(&self, operand: &Typed) -> Option<Ordering> {
        let exact = |digits: &str| Exact::read(digits);
        match (self, operand) {
            (Value::Boolean(a), Typed::Boolean(b)) => Some(a.cmp(b)),
            (Value::Integer(a), Typed::Integer(b)) => Some(i128::from(*a).cmp(b)),
            (Value::Integer(a), Typed::Decimal(b)) => Some(Exact::from(i128::from(*a)).cmp(&exact(b)?)),
            (Value::Decimal(a), Typed::Integer(b)) => Some(exact(a)?.cmp(&Exact::from(*b))),
            (Value::Decimal(a), Typed::Decimal(b)) => Some(exact(a)?.cmp(&exact(b)?)),
            (Value::Float(a), Typed::Float(b)) => Some(compare_floats(*a, *b)),
            (Value::Text(a) | Value::Json(a), Typed::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Value::Bytes(a), Typed::Bytes(b)) => Some(a.cmp(b)),
            (Value::Date(a), Typed::Date(b))
            | (Value::Time(a), Typed::Time(b))
            | (Value::Timestamp(a), Typed::Timestamp(b))
            | (Value::TimestampTz(a), Typed::TimestampTz(b)) => Some(a.cmp(b)),
            (Value::Uuid(a), Typed::Uuid(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// Two values of one column; NULL has no place here and compares as equal.
    pub fn compare_same(&self, other: &Value) -> Ordering {
        other.typed().and_then(|typed| self.compare(&typed)).unwrap_or(Ordering::Equal)
    }

    /// The value as an operand of its own type; `None` for NULL.
    pub fn typed(&self) -> Option<Typed> {
        Some(match self {
            Value::Null => return None,
            Value::Boolean(flag) => Typed::Boolean(*flag),
            Value::Integer(whole) => Typed::Integer(i128::from(*whole)),
            Value::Float(number) => Typed::Float(*number),
            Value::Decimal(digits) => Typed::Decimal(digits.clone()),
            Value::Text(text) | Value::Json(text) => Typed::Text(text.clone()),
            Value::Bytes(bytes) => Typed::Bytes(bytes.clone()),
            Value::Date(days) => Typed::Date(*days),
            Value::Time(micros) => Typed::Time(*micros),
            Value::Timestamp(micros) => Typed::Timestamp(*micros),
            Value::TimestampTz(micros) => Typed::TimestampTz(*micros),
            Value::Uuid(bytes) => Typed::Uuid(*bytes),
        })
    }

    /// The value as a part of a cursor; `None` for NULL. Integers, UUIDs and texts are their plain text.
    pub fn to_part(&self) -> Option<String> {
        Some(match self {
            Value::Null => return None,
            Value::Boolean(flag) => flag.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Decimal(text) | Value::Text(text) | Value::Json(text) => text.clone(),
            Value::Bytes(bytes) => unquoted(|out| json::base64(out, bytes)),
            Value::Integer(number)
            | Value::Date(number)
            | Value::Time(number)
            | Value::Timestamp(number)
            | Value::TimestampTz(number) => number.to_string(),
            Value::Uuid(bytes) => unquoted(|out| json::uuid(out, bytes)),
        })
    }

    /// The value of a cursor's part, for a column of type `logical`; `None` when it is none of that type.
    pub fn from_part(part: &str, logical: LogicalType) -> Option<Value> {
        let typed = || match cast(&Operand::Text(part.to_owned()), logical) {
            Cast::Value(typed) => Some(typed),
            Cast::Null | Cast::Impossible => None,
        };
        match logical {
            LogicalType::Boolean => part.parse().ok().map(Value::Boolean),
            LogicalType::Integer => part.parse().ok().map(Value::Integer),
            LogicalType::Float => part.parse().ok().map(Value::Float),
            LogicalType::Decimal => Exact::read(part).map(|_| Value::Decimal(part.to_owned())),
            LogicalType::Text => Some(Value::Text(part.to_owned())),
            LogicalType::Date => part.parse().ok().map(Value::Date),
            LogicalType::Time => part.parse().ok().map(Value::Time),
            LogicalType::Timestamp => part.parse().ok().map(Value::Timestamp),
            LogicalType::TimestampTz => part.parse().ok().map(Value::TimestampTz),
            LogicalType::Bytes => match typed()? {
                Typed::Bytes(bytes) => Some(Value::Bytes(bytes)),
                _ => None,
            },
            LogicalType::Uuid => match typed()? {
                Typed::Uuid(bytes) => Some(Value::Uuid(bytes)),
                _ => None,
            },
            LogicalType::Json | LogicalType::Array | LogicalType::Geometry | LogicalType::Unknown => {
                Some(Value::Json(part.to_owned()))
            }
        }
    }
}

/// Doubles as engines order them: NaN is the largest and equals itself, negative zero is zero.
fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// What a JSON writer puts between its quotes; for values that need no escapes.
pub(crate) fn unquoted(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8_lossy(&out).trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_cursor_reads_back_as_the_value_it_was() {
        for (value, logical) in [
            (Value::Boolean(true), LogicalType::Boolean),
            (Value::Integer(i64::MIN), LogicalType::Integer),
            (Value::Float(5e-324), LogicalType::Float),
            (Value::Float(f64::MAX), LogicalType::Float),
            (Value::Decimal("-0.00100".into()), LogicalType::Decimal),
            (Value::Text("v1. \u{1f980}".into()), LogicalType::Text),
            (Value::Bytes(vec![0, 255, 10]), LogicalType::Bytes),
            (Value::Date(-1), LogicalType::Date),
            (Value::TimestampTz(-62_000_000_000_000_001), LogicalType::TimestampTz),
            (Value::Uuid([0xab; 16]), LogicalType::Uuid),
        ] {
            let part = value.to_part().unwrap();
            assert_eq!(Value::from_part(&part, logical), Some(value), "{part}");
        }
        assert_eq!(Value::from_part("x", LogicalType::Integer), None);
        assert_eq!(Value::Null.to_part(), None);
    }

    #[test]
    fn whole_numbers_compare_exactly_with_decimals() {
        let large = Value::Integer(9_007_199_254_740_993);
        assert_eq!(large.compare(&Typed::Decimal("9007199254740992.5".into())), Some(Ordering::Greater));
        assert_eq!(Value::Integer(1).compare(&Typed::Decimal("1.0".into())), Some(Ordering::Equal));
        assert_eq!(Value::Null.compare(&Typed::Integer(1)), None);
    }

    #[test]
    fn floats_have_one_zero_and_one_nan() {
        assert_eq!(compare_floats(-0.0, 0.0), Ordering::Equal);
        assert_eq!(compare_floats(f64::NAN, f64::INFINITY), Ordering::Greater);
        assert_eq!(compare_floats(f64::NAN, f64::NAN), Ordering::Equal);
    }
}
