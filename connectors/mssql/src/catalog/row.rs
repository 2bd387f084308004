//! Columns of catalogue rows.

use connector_model::error::{Error, Result};
use tiberius::{ColumnData, FromSql, Row};

/// A column of a catalogue row, unless it is NULL.
///
/// # Errors
/// `INTERNAL` when the server answers with another type than it documents.
pub(crate) fn column<'r, T: FromSql<'r>>(row: &'r Row, position: usize) -> Result<Option<T>> {
    row.try_get(position)
        .map_err(|_| Error::internal(format!("catalogue column {position} is of another type")))
}

/// A whole number, of whatever integer type, or a bit.
///
/// # Errors
/// As [`column`].
pub(crate) fn number(row: &Row, position: usize) -> Result<Option<i64>> {
    Ok(match row.get_column_data(position) {
        Ok(ColumnData::Bit(flag)) => flag.map(i64::from),
        Ok(ColumnData::U8(whole)) => whole.map(i64::from),
        Ok(ColumnData::I16(whole)) => whole.map(i64::from),
        Ok(ColumnData::I32(whole)) => whole.map(i64::from),
        Ok(ColumnData::I64(whole)) => *whole,
        Ok(_) | Err(_) => {
            return Err(Error::internal(format!("catalogue column {position} is no whole number")));
        }
    })
}

/// A text that is there.
pub(super) fn text(row: &Row, position: usize) -> Result<String> {
    Ok(column::<&str>(row, position)?.unwrap_or_default().to_owned())
}
