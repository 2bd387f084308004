//! To GUIDs.

use std::fmt::Write;

use crate::tsql::error::{Result, SqlError};
use crate::tsql::value::Value;

pub(super) fn to_guid(value: &Value) -> Result<Value> {
    match value {
        Value::Guid(bytes) => Ok(Value::Guid(*bytes)),
        Value::Bytes(bytes) => {
            let mut stored = [0; 16];
            for (to, from) in stored.iter_mut().zip(bytes.iter()) {
                *to = *from;
            }
            Ok(Value::Guid(guid_of_stored(stored)))
        }
        Value::Text(text) => of_text(text).map(Value::Guid).ok_or_else(|| {
            let message = "Conversion failed when converting from a character string to uniqueidentifier.";
            SqlError { state: 2, ..SqlError::new(8169, message) }
        }),
        _ => Err(SqlError::conversion("value", "uniqueidentifier")),
    }
}

/// Reads `XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX`, in braces or not; what follows is ignored.
fn of_text(text: &str) -> Option<[u8; 16]> {
    let text = text.strip_prefix('{').unwrap_or(text);
    let body = text.get(..36)?;
    let hyphens = body.char_indices().all(|(at, digit)| matches!(at, 8 | 13 | 18 | 23) == (digit == '-'));
    let digits: Vec<u32> =
        body.chars().filter(|digit| *digit != '-').map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    let (pairs, _) = digits.as_chunks::<2>();
    let bytes: Vec<u8> = pairs.iter().filter_map(|[high, low]| u8::try_from(high << 4 | low).ok()).collect();
    if hyphens { bytes.try_into().ok() } else { None }
}

/// In capitals, as SQL Server writes them.
pub(crate) fn guid_text(bytes: &[u8; 16]) -> String {
    bytes.iter().enumerate().fold(String::with_capacity(36), |mut text, (at, byte)| {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a String cannot fail.
        let _ok = write!(text, "{byte:02X}");
        text
    })
}

/// The first three groups are stored, and sent, backwards.
pub(crate) fn guid_stored(bytes: [u8; 16]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
    let [i, j, k, l, m, n, o, p] = rest;
    [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]
}

/// A GUID as written, from how it is stored.
pub(crate) fn guid_of_stored(bytes: [u8; 16]) -> [u8; 16] {
    // Turning groups around twice gives them back.
    guid_stored(bytes)
}
