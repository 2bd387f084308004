//! Conversions between types.

mod bytes;
mod guid;
mod moment;
mod number;
mod text;

pub(crate) use bytes::{bytes_of, hex};
pub(crate) use guid::{guid_of_stored, guid_stored, guid_text};

use super::error::{Result, SqlError};
use super::types::{Family, SqlType};
use super::value::Value;

/// How a conversion deals with a text that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// CAST and CONVERT cut it off.
    Cut,
    /// A column refuses it.
    Refuse,
}

/// The value as one of another type, by a style of CONVERT (0 when none is given).
pub(crate) fn convert(value: Value, from: SqlType, to: SqlType, style: i32) -> Result<Value> {
    convert_to_fit(value, from, to, style, Fit::Cut)
}

/// The value as a column stores it.
pub(crate) fn store(value: Value, from: SqlType, to: SqlType) -> Result<Value> {
    convert_to_fit(value, from, to, 0, Fit::Refuse)
}

fn convert_to_fit(value: Value, from: SqlType, to: SqlType, style: i32, fit: Fit) -> Result<Value> {
    match value {
        Value::Null => return Ok(Value::Null),
        Value::Variant(inner) if to != SqlType::Variant => {
            let (ty, value) = *inner;
            return convert_to_fit(value, ty, to, style, fit);
        }
        _ => {}
    }
    check(from, to)?;
    match to.family() {
        Family::Null | Family::Boolean => Ok(value),
        Family::Integer => number::to_integer(&value, from, to),
        Family::Approximate => number::to_float(&value, from, to),
        Family::Exact => number::to_decimal(&value, from, to),
        Family::Moment => moment::to_moment(&value, from, to),
        Family::Text => text::to_text(&value, from, to, style, fit),
        Family::Guid => guid::to_guid(&value),
        Family::Bytes => bytes::to_bytes(&value, from, to, style, fit),
        Family::Variant => Ok(match value {
            value @ Value::Variant(_) => value,
            value => Value::Variant(Box::new((from, value))),
        }),
    }
}

/// Some types never convert (documentation, "CAST and CONVERT", the table of conversions).
fn check(from: SqlType, to: SqlType) -> Result<()> {
    let allowed = match (from.family(), to.family()) {
        (Family::Null | Family::Text | Family::Variant, _) | (_, Family::Variant | Family::Text) => true,
        (Family::Guid, family) | (family, Family::Guid) => matches!(family, Family::Guid | Family::Bytes),
        (Family::Moment, Family::Bytes) | (Family::Bytes, Family::Moment) => true,
        (Family::Integer | Family::Exact | Family::Approximate, Family::Moment)
        | (Family::Moment, Family::Integer | Family::Exact | Family::Approximate) => {
            matches!(from, SqlType::DateTime | SqlType::SmallDateTime)
                || matches!(to, SqlType::DateTime | SqlType::SmallDateTime)
        }
        (Family::Moment, Family::Moment) => {
            !matches!((from, to), (SqlType::Time(_), SqlType::Date) | (SqlType::Date, SqlType::Time(_)))
        }
        (Family::Approximate, Family::Bytes) | (Family::Bytes, Family::Approximate) => false,
        _ => true,
    };
    if allowed {
        return Ok(());
    }
    Err(SqlError::new(
        529,
        format!("Explicit conversion from data type {} to {} is not allowed.", from.name(), to.name()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tsql::types::Length;

    fn to_text(value: Value, from: SqlType, style: i32) -> String {
        match convert(value, from, SqlType::NVarChar(Length::Max), style).unwrap() {
            Value::Text(text) => text.to_string(),
            other => panic!("{other:?}"),
        }
    }

    fn of_text(text: &str, to: SqlType) -> Result<Value> {
        convert(Value::text(text), SqlType::nvarchar(100), to, 0)
    }

    #[test]
    fn texts_become_values_and_values_texts_again() {
        for (text, ty, style) in [
            ("-42", SqlType::BigInt, 0),
            ("1.50", SqlType::Decimal(10, 2), 0),
            ("2024-03-01", SqlType::Date, 0),
            ("12:34:56.789", SqlType::Time(3), 0),
            ("2024-03-01 12:34:56.7890123", SqlType::DateTime2(7), 0),
            ("2024-03-01 12:34:56.7890123 -05:30", SqlType::DateTimeOffset(7), 0),
            ("2024-03-01T12:34:56.123", SqlType::DateTime, 126),
            ("12345678-9ABC-DEF0-1234-56789ABCDEF0", SqlType::UniqueIdentifier, 0),
            ("1.0000000000000001e-001", SqlType::Float, 3),
        ] {
            assert_eq!(to_text(of_text(text, ty).unwrap(), ty, style), text);
        }
        assert_eq!(to_text(Value::Bytes([0x0a, 0xff].as_slice().into()), SqlType::varbinary(2), 1), "0x0AFF");
    }

    #[test]
    fn what_does_not_fit_is_an_error_with_its_number() {
        let number = |result: Result<Value>| result.unwrap_err().number;
        assert_eq!(number(of_text("x", SqlType::Int)), 245);
        assert_eq!(number(of_text("x", SqlType::BigInt)), 8114);
        assert_eq!(number(of_text("2024-02-30", SqlType::Date)), 241);
        assert_eq!(number(of_text("nonsense", SqlType::UniqueIdentifier)), 8169);
        assert_eq!(number(convert(Value::Int(300), SqlType::Int, SqlType::TinyInt, 0)), 220);
        assert_eq!(
            number(of_text("123.4", SqlType::Decimal(3, 1)).and(of_text("123.4", SqlType::Decimal(3, 2)))),
            8115
        );
        assert_eq!(number(store(Value::text("abc"), SqlType::nvarchar(3), SqlType::nvarchar(2))), 2628);
        assert_eq!(number(convert(Value::Date(0), SqlType::Date, SqlType::Time(7), 0)), 529);
    }

    #[test]
    fn characters_without_a_place_in_the_code_page_are_lost() {
        let narrowed = convert(Value::text("a日"), SqlType::nvarchar(2), SqlType::varchar(10), 0).unwrap();
        assert!(matches!(narrowed, Value::Text(text) if &*text == "a?"));
    }
}
