//! What rows are written with.

use connector_model::json;
use connector_model::target::Column;

use crate::error::{Error, Result, internal};

/// The rows of one batch, as JSON objects.
#[derive(Debug)]
pub struct RowWriter {
    columns: Vec<Key>,
    /// The objects, a comma between two of them.
    bytes: Vec<u8>,
    rows: u32,
    /// About how large a batch may get.
    batch_bytes: usize,
    /// The values of the row that is being written, in the order they came.
    cells: Vec<u8>,
    /// Where each column's value stands in `cells`.
    places: Vec<Option<(usize, usize)>>,
}

#[derive(Debug)]
struct Key {
    name: String,
    /// `"name":` with the brace or comma before it.
    lead: Vec<u8>,
}

impl RowWriter {
    /// A writer of rows with these columns, for batches of about `batch_bytes`.
    pub fn new(columns: &[Column], batch_bytes: usize) -> RowWriter {
        let key = |(at, column): (usize, &Column)| {
            let mut lead = vec![if at == 0 { b'{' } else { b',' }];
            json::text(&mut lead, &column.name);
            lead.push(b':');
            Key { name: column.name.clone(), lead }
        };
        RowWriter {
            columns: columns.iter().enumerate().map(key).collect(),
            bytes: Vec::new(),
            rows: 0,
            batch_bytes,
            cells: Vec::new(),
            places: vec![None; columns.len()],
        }
    }

    /// Writes one row. Columns come in any order; one that is not written is null. When `write` fails, nothing of the
    /// row is left.
    ///
    /// # Errors
    /// What `write` returns; `CONNECTOR_FAILED` for a column that the result does not have or that is written twice.
    pub fn row(&mut self, write: impl FnOnce(&mut Row<'_>) -> Result<()>) -> Result<()> {
        self.cells.clear();
        self.places.fill(None);
        write(&mut Row {
            columns: &self.columns,
            cells: &mut self.cells,
            places: &mut self.places,
            next: 0,
        })?;
        if self.rows > 0 {
            self.bytes.push(b',');
        }
        for (key, place) in self.columns.iter().zip(&self.places) {
            self.bytes.extend_from_slice(&key.lead);
            let value = place.and_then(|(start, end)| self.cells.get(start..end));
            self.bytes.extend_from_slice(value.unwrap_or(b"null"));
        }
        self.end_row();
        Ok(())
    }

    /// Adds one row by the JSON of its columns, in their order.
    pub(crate) fn cells(&mut self, cells: &[&[u8]]) {
        if self.rows > 0 {
            self.bytes.push(b',');
        }
        for (key, cell) in self.columns.iter().zip(cells) {
            self.bytes.extend_from_slice(&key.lead);
            self.bytes.extend_from_slice(cell);
        }
        self.end_row();
    }

    fn end_row(&mut self) {
        if self.columns.is_empty() {
            self.bytes.push(b'{');
        }
        self.bytes.push(b'}');
        self.rows += 1;
    }

    /// Adds one row that is a JSON object already, as the server sent it. What it is not asked for stays in it: select
    /// columns at the server.
    ///
    /// # Errors
    /// `CONNECTOR_FAILED` for anything that is no object at first sight; the runner checks every byte.
    pub fn object(&mut self, json: &[u8]) -> Result<()> {
        let json = json.trim_ascii();
        if !(json.starts_with(b"{") && json.ends_with(b"}")) {
            return Err(internal("the server sent a row that is no JSON object"));
        }
        self.splice(1, json);
        Ok(())
    }

    /// Adds as many rows as `json` holds objects, with a comma between two of them. The runner counts them.
    pub fn splice(&mut self, rows: u32, json: &[u8]) {
        if rows > 0 {
            if self.rows > 0 {
                self.bytes.push(b',');
            }
            one_line(&mut self.bytes, json);
            self.rows += rows;
        }
    }

    /// Whether the batch is as large as was asked for: time to return from
    /// [`fill`](crate::rows::Rows::fill).
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= self.batch_bytes
    }

    /// How many rows the batch holds.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// The names of the columns, in their order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The rows and how many they are; the writer begins anew with batches of about `batch_bytes`.
    pub fn take(&mut self, batch_bytes: usize) -> (u32, Vec<u8>) {
        self.batch_bytes = batch_bytes;
        // The next batch of a result is about as large as this one.
        let next = Vec::with_capacity(self.bytes.len() + self.bytes.len() / 8);
        (std::mem::take(&mut self.rows), std::mem::replace(&mut self.bytes, next))
    }
}

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
/// result does not have or that is written twice.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Row<'_> {
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
        self.cell(column, |out| json::text(out, value))
    }

    /// A text of bytes that should be UTF-8; what is not becomes `U+FFFD`.
    pub fn text_lossy(&mut self, column: &str, value: &[u8]) -> Result<()> {
        self.cell(column, |out| json::text_lossy(out, value))
    }

    /// Bytes, as base64.
    pub fn bytes(&mut self, column: &str, value: &[u8]) -> Result<()> {
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

/// JSON without a byte below 0x20: between its tokens they are white space, within a string they are always escaped.
fn one_line(out: &mut Vec<u8>, json: &[u8]) {
    let start = out.len();
    out.extend_from_slice(json);
    out.iter_mut().skip(start).filter(|byte| **byte < 0x20).for_each(|byte| *byte = b' ');
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_model::target::LogicalType;

    fn writer(names: &[&str]) -> RowWriter {
        let column = |name: &&str| Column { name: (*name).to_owned(), logical_type: LogicalType::Text };
        RowWriter::new(&names.iter().map(column).collect::<Vec<_>>(), 64)
    }

    fn taken(writer: &mut RowWriter) -> (u32, String) {
        let (rows, bytes) = writer.take(64);
        (rows, String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn columns_come_in_any_order_and_leave_in_theirs() {
        let mut out = writer(&["id", "n", "doc"]);
        out.row(|row| {
            row.json("doc", b"{\"a\":\t[1,\r\n2]}")?;
            row.text("id", "a\"b")
        })
        .unwrap();
        out.row(|row| {
            row.text("id", "c")?;
            row.integer("n", 9_007_199_254_740_993)?;
            row.null("doc")
        })
        .unwrap();
        assert_eq!(out.rows(), 2);
        let expected =
            r#"{"id":"a\"b","n":null,"doc":{"a": [1,  2]}},{"id":"c","n":"9007199254740993","doc":null}"#;
        assert_eq!(taken(&mut out), (2, expected.to_owned()));
        assert_eq!(taken(&mut out), (0, String::new()));
    }

    #[test]
    fn a_row_that_fails_leaves_nothing_behind() {
        let mut out = writer(&["id"]);
        let undeclared = out.row(|row| row.text("idd", "x")).unwrap_err();
        assert!(undeclared.message().contains("\"idd\" is none of the result's: id"));
        let twice = out.row(|row| row.text("id", "x").and_then(|()| row.text("id", "y"))).unwrap_err();
        assert!(twice.message().contains("twice"));
        out.row(|row| row.boolean("id", true)).unwrap();
        assert_eq!(taken(&mut out), (1, "{\"id\":true}".to_owned()));
    }

    #[test]
    fn objects_are_spliced_on_one_line() {
        let mut out = writer(&["id"]);
        out.object(b" {\"id\":\n1} \n").unwrap();
        out.splice(2, b"{\"id\":2},{\"id\":3}");
        out.splice(0, b"");
        assert!(out.object(b"[1]").is_err());
        assert!(!out.is_full());
        out.row(|row| row.text("id", &"x".repeat(64))).unwrap();
        assert!(out.is_full());
        let (rows, text) = taken(&mut out);
        assert_eq!(rows, 4);
        assert!(text.starts_with("{\"id\": 1},{\"id\":2},{\"id\":3},{\"id\":\"xx"));
    }

    #[test]
    fn no_columns_is_an_empty_object() {
        let mut out = writer(&[]);
        out.row(|_| Ok(())).unwrap();
        out.row(|_| Ok(())).unwrap();
        assert_eq!(taken(&mut out), (2, "{},{}".to_owned()));
    }
}
