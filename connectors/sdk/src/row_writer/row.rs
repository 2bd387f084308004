//! The values of one row.

use connector_model::json;

use super::{Key, one_line};
use crate::error::{Error, Result, internal};

/// A text of more bytes than this may grow beyond what a row may have when it is escaped: a control character becomes six.
const LONG_BYTES: usize = json::MAX_ROW_BYTES / 6;

/// The values of one row, by their columns.
#[derive(Debug)]
pub struct Row<'w> {
    columns: &'w [Key],
    cells: &'w mut Vec<u8>,
    places: &'w mut [Option<(usize, usize)>],
    /// The column behind the one that was written last: mostly the one that is written next.
    next: usize,
}

/// Every method writes the value of the column of that name; each returns `CONNECTOR_FAILED` for a column that the
/// result does not have or that is written twice, and `RESULT_TOO_LARGE` for a value that is longer than a row may be.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl<'w> Row<'w> {
    pub(super) fn new(
        columns: &'w [Key],
        cells: &'w mut Vec<u8>,
        places: &'w mut [Option<(usize, usize)>],
    ) -> Row<'w> {
        Row { columns, cells, places, next: 0 }
    }

    /// NULL; a column that is not written at all is NULL too.
    pub fn null(&mut self, column: &str) -> Result<()> {
        self.cell(column, json::null)
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, column: &str, value: bool) -> Result<()> {
        self.cell(column, |out| json::boolean(out, value))
    }

    /// A whole number: a JSON number while a double holds it exactly, a string of digits beyond 2^53.
    pub fn integer(&mut self, column: &str, value: i64) -> Result<()> {
        self.cell(column, |out| json::integer_if_exact(out, value))
    }

    /// As [`Row::integer`], for whole numbers without a sign.
    pub fn unsigned(&mut self, column: &str, value: u64) -> Result<()> {
        self.cell(column, |out| json::unsigned_if_exact(out, value))
    }

    /// A whole number as a string of digits, always.
    pub fn integer_text(&mut self, column: &str, value: i64) -> Result<()> {
        self.cell(column, |out| json::integer_text(out, value))
    }

    /// A double; NaN and infinities are NULL.
    pub fn float(&mut self, column: &str, value: f64) -> Result<()> {
        self.cell(column, |out| json::float64(out, value))
    }

    /// A number of single precision, by its own shortest digits; NaN and infinities are NULL.
    pub fn float32(&mut self, column: &str, value: f32) -> Result<()> {
        self.cell(column, |out| json::float32(out, value))
    }

    /// An exact decimal, by its digits: a string, its scale kept.
    pub fn decimal(&mut self, column: &str, digits: &str) -> Result<()> {
        self.cell(column, |out| json::text(out, digits))
    }

    /// A text.
    pub fn text(&mut self, column: &str, value: &str) -> Result<()> {
        fits(value.as_bytes())?;
        self.cell(column, |out| json::text(out, value))
    }

    /// A text of bytes that should be UTF-8; what is not becomes `U+FFFD`.
    pub fn text_lossy(&mut self, column: &str, value: &[u8]) -> Result<()> {
        fits(value)?;
        self.cell(column, |out| json::text_lossy(out, value))
    }

    /// Bytes, as base64.
    pub fn bytes(&mut self, column: &str, value: &[u8]) -> Result<()> {
        // Three of them are four digits.
        if value.len() > json::MAX_ROW_BYTES / 4 * 3 {
            return Err(json::row_too_large());
        }
        self.cell(column, |out| json::base64(out, value))
    }

    /// A day; `days` since 1970-01-01.
    pub fn date(&mut self, column: &str, days: i64) -> Result<()> {
        self.cell(column, |out| json::date(out, days))
    }

    /// A time of day; `micros` since midnight.
    pub fn time(&mut self, column: &str, micros: i64) -> Result<()> {
        self.cell(column, |out| json::time_of_day(out, micros))
    }

    /// A date and time without a zone; `micros` since 1970-01-01 00:00.
    pub fn timestamp(&mut self, column: &str, micros: i64) -> Result<()> {
        self.cell(column, |out| json::timestamp(out, micros))
    }

    /// A moment; `micros` since 1970-01-01 UTC.
    pub fn timestamp_tz(&mut self, column: &str, micros: i64) -> Result<()> {
        self.cell(column, |out| json::timestamp(out, micros))
    }

    /// A UUID.
    pub fn uuid(&mut self, column: &str, value: &[u8; 16]) -> Result<()> {
        self.cell(column, |out| json::uuid(out, value))
    }

    /// A JSON text as the server sent it; the runner checks it.
    pub fn json(&mut self, column: &str, value: &[u8]) -> Result<()> {
        if value.trim_ascii().is_empty() {
            return Err(internal(format!("column \"{column}\" was given an empty text as JSON")));
        }
        if value.len() > json::MAX_ROW_BYTES {
            return Err(json::row_too_large());
        }
        self.cell(column, |out| one_line(out, value))
    }

    /// A JSON value.
    pub fn value(&mut self, column: &str, value: &serde_json::Value) -> Result<()> {
        self.cell(column, |out| out.extend_from_slice(value.to_string().as_bytes()))
    }

    fn cell(&mut self, column: &str, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        let expected = self.columns.get(self.next).is_some_and(|key| key.name == column);
        let at =
            if expected { Some(self.next) } else { self.columns.iter().position(|key| key.name == column) };
        let (Some(at), start) = (at, self.cells.len()) else { return Err(self.undeclared(column)) };
        match self.places.get_mut(at) {
            Some(place @ None) => {
                write(self.cells);
                *place = Some((start, self.cells.len()));
                self.next = at + 1;
                Ok(())
            }
            _ => Err(internal(format!("column \"{column}\" is written twice in one row"))),
        }
    }

    #[cold]
    fn undeclared(&self, column: &str) -> Error {
        let known: Vec<&str> = self.columns.iter().map(|key| key.name.as_str()).collect();
        internal(format!("column \"{column}\" is none of the result's: {}", known.join(", ")))
    }
}

/// Refuses a text that alone is longer than a row may be, before memory is taken for what it would become.
fn fits(text: &[u8]) -> Result<()> {
    match text.len() > LONG_BYTES && json::text_len(text) > json::MAX_ROW_BYTES {
        true => Err(json::row_too_large()),
        false => Ok(()),
    }
}
