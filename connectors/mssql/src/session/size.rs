//! How much of one row is taken into memory: the library reads values whole before anybody here sees them.

use connector_model::error::{Error, ErrorCode, Result};
use tiberius::{ColumnData, Row};

/// The most bytes of a text or of bytes that the server is to send (`SET TEXTSIZE`); what is longer, it cuts without a
/// word. Two bytes more than twice the limit of a row's JSON: a text has two bytes or fewer for each byte of its JSON.
pub(super) const TEXT_SIZE: usize = 2 * 8 * 1024 * 1024 + 2;

/// The most bytes that may come between two rows: a value that was cut, and a thousand columns of fixed length beside
/// it. `TEXTSIZE` does not concern xml, nor the number of columns.
pub(crate) const ROW_SIZE: usize = TEXT_SIZE + 1024 * 1024;

/// The value at `position`, which is called `name`, as long as the server has not cut it.
///
/// # Errors
/// `RESULT_TOO_LARGE`; `INTERNAL` where there is no such column.
pub(super) fn whole<'r>(row: &'r Row, position: usize, name: &str) -> Result<&'r ColumnData<'static>> {
    let value = row
        .get_column_data(position)
        .map_err(|_| Error::internal("the result has fewer columns than were selected"))?;
    if may_be_cut(value) {
        let message = format!("the value of column \"{name}\" is too large for a row; select other columns");
        return Err(too_large(message).with("column", name));
    }
    Ok(value)
}

/// A text in UTF-16 of so many bytes has half as many characters, each at least one byte here.
fn may_be_cut(value: &ColumnData<'_>) -> bool {
    match value {
        ColumnData::String(Some(text)) => text.len() >= TEXT_SIZE / 2,
        ColumnData::Binary(Some(bytes)) => bytes.len() >= TEXT_SIZE,
        _ => false,
    }
}

/// A row that was not read to its end.
pub(super) fn row_too_large() -> Error {
    too_large(format!(
        "a row is larger than {ROW_SIZE} bytes as the server sends it; select fewer columns of it"
    ))
}

fn too_large(message: String) -> Error {
    Error::new(ErrorCode::ResultTooLarge, message).with("limitBytes", TEXT_SIZE as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_api::SinkLimits;

    #[test]
    fn a_text_that_fits_a_row_is_never_cut() {
        let limit = SinkLimits::default().row_bytes;
        assert_eq!(TEXT_SIZE, 2 * limit + 2);
        // Two bytes a character: what has as many characters as a row has bytes is quoted yet.
        assert!(!may_be_cut(&ColumnData::String(Some("x".repeat(limit).into()))));
        assert!(may_be_cut(&ColumnData::String(Some("x".repeat(limit + 1).into()))));
        assert!(may_be_cut(&ColumnData::Binary(Some(vec![0; TEXT_SIZE].into()))));
    }
}
