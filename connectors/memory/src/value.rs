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
    /// A whole number of 64 bits that is never negative, in a column of such.
    Unsigned(u64),
    /// A double.
    Float(f64),
    /// A number of single precision.
    Real(f32),
    /// An exact decimal as its digits; the scale is kept.
    Decimal(String),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Days since 1970-01-01; the least and the greatest number are the infinities, as for the other moments.
    Date(i64),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 1970-01-01, no zone.
    Timestamp(i64),
    /// Microseconds since 1970-01-01 UTC.
    TimestampTz(i64),
    /// A UUID.
    Uuid([u8; 16]),
    /// A JSON document as its text; an array as the JSON array that it is shown as.
    Json(String),
}

impl Value {
    /// Whether a column of type `logical` can hold this value; NULL fits every type.
    pub fn fits(&self, logical: LogicalType) -> bool {
        match self {
            Value::Null => true,
            Value::Boolean(_) => logical == LogicalType::Boolean,
            Value::Integer(_) | Value::Unsigned(_) => logical == LogicalType::Integer,
            Value::Float(_) | Value::Real(_) => logical == LogicalType::Float,
            Value::Decimal(digits) => logical == LogicalType::Decimal && Exact::read(digits).is_some(),
            Value::Text(_) => matches!(logical, LogicalType::Text | LogicalType::Unknown),
            Value::Bytes(_) => logical == LogicalType::Bytes,
            Value::Date(_) => logical == LogicalType::Date,
            Value::Time(_) => logical == LogicalType::Time,
            Value::Timestamp(_) => logical == LogicalType::Timestamp,
            Value::TimestampTz(_) => logical == LogicalType::TimestampTz,
            Value::Uuid(_) => logical == LogicalType::Uuid,
            Value::Json(_) => matches!(logical, LogicalType::Json | LogicalType::Array),
        }
    }

    /// Whether it is a number or a moment that is infinite, or no number: what JSON has no form for.
    pub fn is_beyond(&self) -> bool {
        match self {
            Value::Float(number) => !number.is_finite(),
            Value::Real(number) => !number.is_finite(),
            Value::Date(moment) | Value::Timestamp(moment) | Value::TimestampTz(moment) => {
                matches!(*moment, i64::MIN | i64::MAX)
            }
            _ => false,
        }
    }

    /// This value against an operand of a filter; `None` when either is NULL or they do not compare.
    pub fn compare(&self, operand: &Typed) -> Option<Ordering> {
        let exact = |digits: &str| Exact::read(digits);
        match (self, operand) {
            (Value::Boolean(a), Typed::Boolean(b)) => Some(a.cmp(b)),
            (Value::Integer(a), Typed::Integer(b)) => Some(i128::from(*a).cmp(b)),
            (Value::Integer(a), Typed::Decimal(b)) => Some(Exact::from(i128::from(*a)).cmp(&exact(b)?)),
            (Value::Unsigned(a), Typed::Integer(b)) => Some(i128::from(*a).cmp(b)),
            (Value::Unsigned(a), Typed::Decimal(b)) => Some(Exact::from(i128::from(*a)).cmp(&exact(b)?)),
            (Value::Decimal(a), Typed::Integer(b)) => Some(exact(a)?.cmp(&Exact::from(*b))),
            (Value::Decimal(a), Typed::Decimal(b)) => Some(exact(a)?.cmp(&exact(b)?)),
            (Value::Float(a), Typed::Float(b)) => Some(compare_floats(*a, *b)),
            // An operand is bound with the column's type.
            #[allow(clippy::cast_possible_truncation, reason = "that is what binding does")]
            (Value::Real(a), Typed::Float(b)) => Some(compare_floats(f64::from(*a), f64::from(*b as f32))),
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

    /// Whether the values of two columns are equal; NULL equals nothing, not even itself.
    pub fn equals(&self, other: &Value) -> bool {
        let order = match (self.number(), other.number()) {
            (Some(Typed::Float(left)), Some(right)) => {
                double(&right).map(|right| compare_floats(left, right))
            }
            (Some(left), Some(Typed::Float(right))) => double(&left).map(|left| compare_floats(left, right)),
            _ => other.typed().and_then(|typed| self.compare(&typed)),
        };
        order.is_some_and(Ordering::is_eq)
    }

    /// The value as an operand, if it is a number.
    fn number(&self) -> Option<Typed> {
        self.typed().filter(|typed| matches!(typed, Typed::Integer(_) | Typed::Float(_) | Typed::Decimal(_)))
    }

    /// The value as a double, if it is a number.
    pub fn as_double(&self) -> Option<f64> {
        self.number().and_then(|typed| double(&typed))
    }

    /// The value as the digits of an exact number, if it is one.
    pub fn as_digits(&self) -> Option<String> {
        match self {
            Value::Integer(whole) => Some(whole.to_string()),
            Value::Unsigned(whole) => Some(whole.to_string()),
            Value::Decimal(digits) => Some(digits.clone()),
            _ => None,
        }
    }

    /// The value as an operand of its own type; `None` for NULL.
    pub fn typed(&self) -> Option<Typed> {
        Some(match self {
            Value::Null => return None,
            Value::Boolean(flag) => Typed::Boolean(*flag),
            Value::Integer(whole) => Typed::Integer(i128::from(*whole)),
            Value::Unsigned(whole) => Typed::Integer(i128::from(*whole)),
            Value::Float(number) => Typed::Float(*number),
            Value::Real(number) => Typed::Float(f64::from(*number)),
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
            Value::Real(number) => number.to_string(),
            Value::Unsigned(number) => number.to_string(),
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
            LogicalType::Integer => {
                let unsigned = || part.parse().ok().map(Value::Unsigned);
                part.parse().ok().map(Value::Integer).or_else(unsigned)
            }
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

/// A number as a double.
fn double(typed: &Typed) -> Option<f64> {
    match typed {
        #[allow(clippy::cast_precision_loss, reason = "a double is asked for")]
        Typed::Integer(whole) => Some(*whole as f64),
        Typed::Float(number) => Some(*number),
        Typed::Decimal(digits) => digits.parse().ok(),
        _ => None,
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
            (Value::Unsigned(u64::MAX), LogicalType::Integer),
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
    fn a_number_of_single_precision_equals_what_it_was_written_as() {
        assert_eq!(Value::Real(0.1).compare(&Typed::Float(0.1)), Some(Ordering::Equal));
        assert_eq!(Value::Real(0.1).compare_same(&Value::Real(0.2)), Ordering::Less);
        assert!(Value::Real(0.5).equals(&Value::Float(0.5)) && !Value::Real(0.1).equals(&Value::Float(0.1)));
        assert!(Value::Integer(2).equals(&Value::Float(2.0)) && !Value::Null.equals(&Value::Null));
        assert!(Value::Unsigned(u64::MAX).equals(&Value::Decimal("18446744073709551615.0".into())));
    }

    #[test]
    fn floats_have_one_zero_and_one_nan() {
        assert_eq!(compare_floats(-0.0, 0.0), Ordering::Equal);
        assert_eq!(compare_floats(f64::NAN, f64::INFINITY), Ordering::Greater);
        assert_eq!(compare_floats(f64::NAN, f64::NAN), Ordering::Equal);
    }
}
