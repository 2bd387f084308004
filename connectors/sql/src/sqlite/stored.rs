//! Values by their storage class: as JSON, and in cursors.

use connector_model::filter::Typed;
use connector_model::json;
use connector_model::target::LogicalType;
use connector_model::{Error, ErrorCode, Result};
use serde::de::IgnoredAny;

use crate::table::TableColumn;

/// A value as SQLite keeps it (sqlite.org/datatype3.html, 2). What it is stands with each value, not with its column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stored<'v> {
    /// No value.
    Null,
    /// A whole number of 64 bits.
    Integer(i64),
    /// A double; never NaN, which SQLite keeps as NULL.
    Real(f64),
    /// A text: UTF-8, unless whoever stored it did not care.
    Text(&'v [u8]),
    /// Bytes.
    Blob(&'v [u8]),
}

/// How a blob is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// As a base64 text.
    Base64,
    /// As Node writes a `Buffer`.
    Buffer,
}

impl Binary {
    /// The form of that name in a configuration; nothing is base64.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the setting `binary`.
    pub fn named(name: Option<&str>) -> Result<Binary> {
        match name {
            None | Some("base64") => Ok(Binary::Base64),
            Some("buffer") => Ok(Binary::Buffer),
            Some(_) => Err(Error::config("binary", "must be \"base64\" or \"buffer\"")),
        }
    }
}

/// How cells become JSON.
#[derive(Debug, Clone, Copy)]
pub struct Cells {
    /// The form of blobs.
    pub binary: Binary,
    /// A value with more bytes than this makes its row too large whatever else is in it.
    pub max_bytes: usize,
}

impl Cells {
    /// Appends one value. The column only tells JSON texts from others.
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE`, before anything is copied.
    pub fn write(self, out: &mut Vec<u8>, value: Stored<'_>, column: &TableColumn) -> Result<()> {
        match value {
            Stored::Null => json::null(out),
            Stored::Integer(whole) => json::integer_if_exact(out, whole),
            Stored::Real(number) => json::float64(out, number),
            Stored::Text(text) => {
                self.check_size(text, column)?;
                match std::str::from_utf8(text) {
                    Ok(text) if column.logical_type == LogicalType::Json && is_json(text) => {
                        json::verbatim(out, text.as_bytes());
                    }
                    Ok(text) => json::text(out, text),
                    Err(_) => json::text_lossy(out, text),
                }
            }
            Stored::Blob(bytes) => {
                self.check_size(bytes, column)?;
                match self.binary {
                    Binary::Base64 => json::base64(out, bytes),
                    Binary::Buffer => json::buffer_object(out, bytes),
                }
            }
        }
        Ok(())
    }

    fn check_size(self, bytes: &[u8], column: &TableColumn) -> Result<()> {
        if bytes.len() <= self.max_bytes {
            return Ok(());
        }
        let (size, limit) = (bytes.len(), self.max_bytes);
        let problem = format!(
            "a value of column \"{}\" has {size} bytes, a row may have {limit}; leave the column out",
            column.name
        );
        Err(Error::new(ErrorCode::ResultTooLarge, problem)
            .with("column", column.name.as_str())
            .with("limitBytes", limit as u64))
    }
}

/// Whether a text is one JSON document (RFC 8259).
fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The value of a key column, as it goes into a cursor.
///
/// # Errors
/// `SOURCE_QUERY_FAILED` for a text that is not UTF-8: no cursor can say where it stands.
pub fn key_value(value: Stored<'_>, column: &TableColumn) -> Result<Option<Typed>> {
    Ok(Some(match value {
        Stored::Null => return Ok(None),
        Stored::Integer(flag @ (0 | 1)) if column.logical_type == LogicalType::Boolean => {
            Typed::Boolean(flag == 1)
        }
        Stored::Integer(whole) => Typed::Integer(i128::from(whole)),
        Stored::Real(real) => Typed::Float(real),
        Stored::Blob(bytes) => Typed::Bytes(bytes.to_vec()),
        Stored::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|_| {
                let problem = format!(
                    "the page ends at a row whose \"{}\" is not valid UTF-8, so no cursor can name it; order by another column or take more rows",
                    column.name
                );
                Error::new(ErrorCode::SourceQueryFailed, problem).with("column", column.name.as_str())
            })?;
            Typed::Text(text.to_owned())
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Reading;

    fn column(logical_type: LogicalType) -> TableColumn {
        TableColumn {
            name: "c".into(),
            logical_type,
            native_type: String::new(),
            nullable: true,
            reading: Reading::Native,
            qualified: None,
        }
    }

    fn written(value: Stored<'_>, logical_type: LogicalType, binary: Binary) -> Result<String> {
        let mut out = Vec::new();
        Cells { binary, max_bytes: 64 }.write(&mut out, value, &column(logical_type))?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_value_is_written_by_its_storage_class() {
        use LogicalType::{Boolean, Integer, Json, Text};
        for (value, logical, expected) in [
            (Stored::Null, Text, "null"),
            (Stored::Integer(1), Boolean, "1"),
            (Stored::Integer(i64::MAX), Integer, "\"9223372036854775807\""),
            (Stored::Real(f64::INFINITY), Integer, "null"),
            (Stored::Real(2.5), Integer, "2.5"),
            (Stored::Text(b"a\0b"), Text, "\"a\\u0000b\""),
            (Stored::Text(b"a\xffb"), Text, "\"a\u{fffd}b\""),
            (Stored::Text(b"{\"a\":1.10}"), Json, "{\"a\":1.10}"),
            (Stored::Text(b"{\"a\":1.10}"), Text, "\"{\\\"a\\\":1.10}\""),
            (Stored::Text(b"{a}"), Json, "\"{a}\""),
            (Stored::Text(b""), Json, "\"\""),
            (Stored::Blob(&[1, 2]), Text, "\"AQI=\""),
        ] {
            assert_eq!(written(value, logical, Binary::Base64).unwrap(), expected);
        }
        let buffer = written(Stored::Blob(&[1, 2]), Text, Binary::Buffer).unwrap();
        assert_eq!(buffer, "{\"type\":\"Buffer\",\"data\":[1,2]}");
    }

    #[test]
    fn a_value_above_the_row_limit_is_not_even_copied() {
        let error = written(Stored::Blob(&[0; 65]), LogicalType::Bytes, Binary::Base64).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ResultTooLarge);
        assert_eq!(error.detail()["column"], "c");
    }

    #[test]
    fn a_text_that_no_cursor_can_hold_is_an_error_not_a_place() {
        let error = key_value(Stored::Text(b"a\xff"), &column(LogicalType::Text)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::SourceQueryFailed);
        let flag = key_value(Stored::Integer(1), &column(LogicalType::Boolean)).unwrap();
        assert_eq!(flag, Some(Typed::Boolean(true)));
    }
}
