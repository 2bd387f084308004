//! Cells as SQLite's library hands them out, and parameters.

use connector_model::Error;
use connector_model::filter::Typed;
use connector_sql::sqlite::Stored;
use connector_sql::{Param, Value};
use rusqlite::Statement;
use rusqlite::types::ValueRef;

use crate::error::Fault;

/// The value by its storage class.
pub(crate) fn stored(value: ValueRef<'_>) -> Stored<'_> {
    match value {
        ValueRef::Null => Stored::Null,
        ValueRef::Integer(whole) => Stored::Integer(whole),
        ValueRef::Real(number) => Stored::Real(number),
        ValueRef::Text(text) => Stored::Text(text),
        ValueRef::Blob(bytes) => Stored::Blob(bytes),
    }
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
