//! To bytes.

use std::fmt::Write;

use super::{Fit, guid_stored};
use crate::tsql::charset;
use crate::tsql::error::{Result, SqlError};
use crate::tsql::types::{Length, SqlType};
use crate::tsql::value::Value;

pub(super) fn to_bytes(value: &Value, from: SqlType, to: SqlType, style: i32, fit: Fit) -> Result<Value> {
    let mut bytes = match value {
        Value::Text(text) if style > 0 => {
            of_hex(text, style).ok_or_else(|| SqlError::conversion(from.name(), to.name()))?
        }
        value => bytes_of(value, from).ok_or_else(|| SqlError::conversion(from.name(), to.name()))?,
    };
    let limit = match to {
        SqlType::Binary(length) | SqlType::VarBinary(Length::Of(length)) => usize::from(length),
        _ => usize::MAX,
    };
    if bytes.len() > limit {
        if fit == Fit::Refuse {
            return Err(SqlError::new(2628, "String or binary data would be truncated."));
        }
        // Numbers lose their front, everything else its end.
        let from_front = matches!(value, Value::Int(_) | Value::Bit(_));
        bytes = if from_front { bytes.split_off(bytes.len() - limit) } else { bytes };
        bytes.truncate(limit);
    }
    if let SqlType::Binary(length) = to {
        bytes.resize(usize::from(length), 0);
    }
    Ok(Value::Bytes(bytes.into()))
}

/// The bytes that a value is stored as (DATALENGTH counts them).
pub(crate) fn bytes_of(value: &Value, ty: SqlType) -> Option<Vec<u8>> {
    Some(match value {
        Value::Bytes(bytes) => bytes.to_vec(),
        Value::Text(text) if ty.is_national() => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Value::Text(text) => charset::encode(text),
        Value::Guid(bytes) => guid_stored(*bytes).to_vec(),
        Value::Bit(flag) => vec![u8::from(*flag)],
        Value::Int(whole) => {
            let width = match ty {
                SqlType::TinyInt => 1,
                SqlType::SmallInt => 2,
                SqlType::BigInt => 8,
                _ => 4,
            };
            whole.to_be_bytes().into_iter().skip(8 - width).collect()
        }
        _ => return None,
    })
}

/// Style 1 wants `0x` in front, style 2 wants none.
fn of_hex(text: &str, style: i32) -> Option<Vec<u8>> {
    let digits = match style {
        1 => text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?,
        _ => text,
    };
    let digits: Vec<u32> = digits.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |[high, low]: &[u32; 2]| u8::try_from(high << 4 | low).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// Hexadecimal digits in capitals.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ok = write!(text, "{byte:02X}");
        text
    })
}
