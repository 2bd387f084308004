//! Declared types, cells to JSON, parameters, key values.

use connector_model::filter::Typed;
use connector_model::json;
use connector_model::target::LogicalType;
use connector_model::{Error, ErrorCode, Result};
use connector_sql::{Param, TableColumn, Value};
use rusqlite::Statement;
use rusqlite::types::ValueRef;
use serde::de::IgnoredAny;

use crate::config::Binary;
use crate::error::Fault;

/// What a column of this declared type holds: SQLite's affinity rules (sqlite.org/datatype3.html, 3.1) where they
/// say something, else what the word says. Dates are texts, as that is how SQLite's own functions write them.
pub(crate) fn logical(declared: &str) -> LogicalType {
    const WORDS: [(&str, LogicalType); 21] = [
        ("JSON", LogicalType::Json),
        ("INT", LogicalType::Integer),
        ("CHAR", LogicalType::Text),
        ("CLOB", LogicalType::Text),
        ("TEXT", LogicalType::Text),
        ("BLOB", LogicalType::Bytes),
        ("REAL", LogicalType::Float),
        ("FLOA", LogicalType::Float),
        ("DOUB", LogicalType::Float),
        ("BOOL", LogicalType::Boolean),
        ("DATE", LogicalType::Text),
        ("TIME", LogicalType::Text),
        ("DEC", LogicalType::Decimal),
        ("NUM", LogicalType::Decimal),
        ("MONEY", LogicalType::Decimal),
        ("STRING", LogicalType::Text),
        ("ENUM", LogicalType::Text),
        ("UUID", LogicalType::Text),
        ("GUID", LogicalType::Text),
        ("UNIQUEIDENTIFIER", LogicalType::Text),
        ("BINARY", LogicalType::Bytes),
    ];
    let declared = declared.to_ascii_uppercase();
    let found = WORDS.iter().find(|(word, _)| declared.contains(word));
    found.map_or(LogicalType::Unknown, |(_, logical)| *logical)
}

/// How cells become JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells {
    pub(crate) binary: Binary,
    /// A value with more bytes than this makes its row too large whatever else is in it.
    pub(crate) max_bytes: usize,
}

impl Cells {
    /// Appends one value. What it is, SQLite keeps with each value; the column only tells JSON texts from others.
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE`, before anything is copied.
    pub(crate) fn write(self, out: &mut Vec<u8>, value: ValueRef<'_>, column: &TableColumn) -> Result<()> {
        match value {
            ValueRef::Null => json::null(out),
            ValueRef::Integer(whole) => json::integer_if_exact(out, whole),
            ValueRef::Real(number) => json::float64(out, number),
            ValueRef::Text(text) => {
                self.check_size(text, column)?;
                match std::str::from_utf8(text) {
                    Ok(text) if column.logical_type == LogicalType::Json && is_json(text) => {
                        json::verbatim(out, text.as_bytes());
                    }
                    Ok(text) => json::text(out, text),
                    Err(_) => json::text_lossy(out, text),
                }
            }
            ValueRef::Blob(bytes) => {
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

/// Whether a text is one JSON document (RFC 8259). Nesting beyond serde's limit of 128 counts as text.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Binds every parameter.
///
/// # Errors
/// What SQLite says; `INTERNAL` for a kind of value that SQLite has no storage class for.
pub(crate) fn bind(statement: &mut Statement<'_>, params: &[Param]) -> Result<(), Fault> {
    for (position, param) in params.iter().enumerate() {
        let number = position + 1;
        match &param.value {
            Value::One(Typed::Integer(whole)) => {
                let whole = i64::try_from(*whole)
                    .map_err(|_| Error::internal("an integer parameter beyond 64 bits"))?;
                statement.raw_bind_parameter(number, whole)?;
            }
            Value::One(Typed::Float(real)) => statement.raw_bind_parameter(number, *real)?,
            Value::One(Typed::Text(text)) => statement.raw_bind_parameter(number, text.as_str())?,
            Value::One(Typed::Bytes(bytes)) => statement.raw_bind_parameter(number, bytes.as_slice())?,
            Value::One(_) | Value::List(_) => {
                return Err(Error::internal("a parameter that SQLite has no storage class for").into());
            }
        }
    }
    Ok(())
}

/// The value of a key column, as it goes into a cursor.
///
/// # Errors
/// `SOURCE_QUERY_FAILED` for a text that is not UTF-8: no cursor can say where it stands.
pub(crate) fn key_value(value: ValueRef<'_>, column: &TableColumn) -> Result<Option<Typed>> {
    Ok(Some(match value {
        ValueRef::Null => return Ok(None),
        ValueRef::Integer(flag @ (0 | 1)) if column.logical_type == LogicalType::Boolean => {
            Typed::Boolean(flag == 1)
        }
        ValueRef::Integer(whole) => Typed::Integer(i128::from(whole)),
        ValueRef::Real(real) => Typed::Float(real),
        ValueRef::Blob(bytes) => Typed::Bytes(bytes.to_vec()),
        ValueRef::Text(text) => {
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
    use connector_sql::Reading;

    #[test]
    fn declared_types_follow_the_affinity_rules() {
        use LogicalType::{Boolean, Bytes, Decimal, Float, Integer, Json, Text, Unknown};
        for (declared, expected) in [
            ("INTEGER", Integer),
            ("unsigned big int", Integer),
            ("VARCHAR(255)", Text),
            ("native character(70)", Text),
            ("CHARINT", Integer),
            ("BLOB", Bytes),
            ("DOUBLE PRECISION", Float),
            ("FLOATING POINT", Integer),
            ("BOOLEAN", Boolean),
            ("DATETIME", Text),
            ("TIMESTAMP WITH TIME ZONE", Text),
            ("DECIMAL(10,5)", Decimal),
            ("NUMERIC", Decimal),
            ("JSON", Json),
            ("jsonb", Json),
            ("UUID", Text),
            ("VARBINARY(16)", Bytes),
            ("", Unknown),
            ("ANY", Unknown),
        ] {
            assert_eq!(logical(declared), expected, "{declared}");
        }
    }

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

    fn written(value: ValueRef<'_>, logical_type: LogicalType, binary: Binary) -> Result<String> {
        let mut out = Vec::new();
        Cells { binary, max_bytes: 64 }.write(&mut out, value, &column(logical_type))?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_value_is_written_by_its_storage_class() {
        use LogicalType::{Boolean, Integer, Json, Text};
        for (value, logical, expected) in [
            (ValueRef::Null, Text, "null"),
            (ValueRef::Integer(1), Boolean, "1"),
            (ValueRef::Integer(i64::MAX), Integer, "\"9223372036854775807\""),
            (ValueRef::Real(f64::INFINITY), Integer, "null"),
            (ValueRef::Real(2.5), Integer, "2.5"),
            (ValueRef::Text(b"a\0b"), Text, "\"a\\u0000b\""),
            (ValueRef::Text(b"a\xffb"), Text, "\"a\u{fffd}b\""),
            (ValueRef::Text(b"{\"a\":1.10}"), Json, "{\"a\":1.10}"),
            (ValueRef::Text(b"{\"a\":1.10}"), Text, "\"{\\\"a\\\":1.10}\""),
            (ValueRef::Text(b"{a}"), Json, "\"{a}\""),
            (ValueRef::Text(b""), Json, "\"\""),
            (ValueRef::Blob(&[1, 2]), Text, "\"AQI=\""),
        ] {
            assert_eq!(written(value, logical, Binary::Base64).unwrap(), expected);
        }
        let buffer = written(ValueRef::Blob(&[1, 2]), Text, Binary::Buffer).unwrap();
        assert_eq!(buffer, "{\"type\":\"Buffer\",\"data\":[1,2]}");
    }

    #[test]
    fn a_value_above_the_row_limit_is_not_even_copied() {
        let error = written(ValueRef::Blob(&[0; 65]), LogicalType::Bytes, Binary::Base64).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ResultTooLarge);
        assert_eq!(error.detail()["column"], "c");
    }
}
