//! Rows as JSON objects in one buffer, whose bytes are what is sent.

use std::sync::Arc;

use crate::column_rules::{ColumnRule, ColumnRules, Rewriter};
use crate::error::{Error, ErrorCode, Result};

/// The most bytes of JSON that one row may have, whichever connector it comes from: what is longer is refused where it is
/// first seen, as the reader of a server's answers does, or the writer of a row.
pub const MAX_ROW_BYTES: usize = 8 * 1024 * 1024;

/// What stands before and after the rows of every chunk; the row buffer does not look inside.
#[derive(Debug, Clone, Default)]
pub struct Envelope {
    /// The bytes before the first row.
    pub prefix: Vec<u8>,
    /// The bytes after the last row.
    pub suffix: Vec<u8>,
}

/// A column of the rows that are written cell by cell.
#[derive(Debug)]
struct Key {
    /// `"name":` with the comma or brace that stands before it; empty for a column that is dropped.
    text: Box<[u8]>,
    rule: Option<ColumnRule>,
}

/// The rows written since the last chunk was taken, comma-separated, behind the envelope's prefix.
///
/// Keys are escaped once a result; a row then costs its bytes and no allocation.
#[derive(Debug)]
pub struct RowBuffer {
    bytes: Vec<u8>,
    envelope: Envelope,
    keys: Vec<Key>,
    /// Present when a column of some row is not kept as it is.
    rewriter: Option<Rewriter>,
    rows: u32,
    chunk_bytes: usize,
    max_row_bytes: usize,
}

impl RowBuffer {
    /// An empty buffer for chunks of about `chunk_bytes` and rows of at most `max_row_bytes`.
    pub fn new(envelope: Envelope, chunk_bytes: usize, max_row_bytes: usize) -> Self {
        let (bytes, keys) = (Vec::new(), Vec::new());
        let mut buffer =
            RowBuffer { bytes, envelope, keys, rewriter: None, rows: 0, chunk_bytes, max_row_bytes };
        // Small until rows come: most jobs answer with a handful of them.
        buffer.begin(512);
        buffer
    }

    fn begin(&mut self, capacity: usize) {
        self.bytes = Vec::with_capacity(capacity + self.envelope.prefix.len() + self.envelope.suffix.len());
        self.bytes.extend_from_slice(&self.envelope.prefix);
        self.rows = 0;
    }

    /// Sets the rules for the columns of all rows that follow, those that are spliced included. To be called before
    /// [`RowBuffer::columns`].
    pub fn rules(&mut self, rules: Arc<ColumnRules>) {
        self.rewriter = (!rules.is_empty()).then(|| Rewriter::new(rules));
    }

    /// Sets the columns of all rows that follow.
    pub fn columns<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        self.keys.clear();
        let mut before = b'{';
        for name in names {
            let rule = self.rewriter.as_ref().and_then(|rewriter| rewriter.of(name));
            let mut text = Vec::new();
            if !matches!(rule, Some(ColumnRule::Drop)) {
                text.push(std::mem::replace(&mut before, b','));
                super::text(&mut text, name);
                text.push(b':');
            }
            self.keys.push(Key { text: text.into_boxed_slice(), rule });
        }
    }

    /// Writes one row: `write` gives each column's value in order. When it fails, nothing of the row is left.
    ///
    /// # Errors
    /// What `write` returns; `RESULT_TOO_LARGE` for a row above the limit; `INTERNAL` when `write` gave fewer
    /// values than there are columns.
    pub fn row<R>(&mut self, write: impl FnOnce(&mut RowWriter<'_>) -> Result<R>) -> Result<R> {
        let start = self.bytes.len();
        if self.rows > 0 {
            self.bytes.push(b',');
        }
        let open = self.bytes.len();
        let mut writer = RowWriter { bytes: &mut self.bytes, keys: self.keys.iter(), ruled: None };
        let written = write(&mut writer);
        writer.settle();
        let complete = writer.keys.len() == 0;
        if self.bytes.len() == open {
            self.bytes.push(b'{');
        }
        self.bytes.push(b'}');
        let size = self.bytes.len() - start;
        let outcome = match written {
            Ok(_) if !complete => Err(Error::internal("a row has fewer values than columns")),
            Ok(_) if size > self.max_row_bytes => Err(too_large(size, self.max_row_bytes)),
            outcome => outcome,
        };
        match outcome {
            Ok(_) => self.rows += 1,
            Err(_) => self.bytes.truncate(start),
        }
        outcome
    }

    /// Adds rows that are already JSON objects, separated by commas. Where there are rules, every key of them is held
    /// against those.
    ///
    /// # Errors
    /// `INTERNAL` when there are rules and the text is not that many objects; then nothing was added.
    pub fn splice(&mut self, rows: u32, objects: &[u8]) -> Result<()> {
        if rows == 0 {
            return Ok(());
        }
        let start = self.bytes.len();
        if self.rows > 0 {
            self.bytes.push(b',');
        }
        match &mut self.rewriter {
            None => self.bytes.extend_from_slice(objects),
            Some(rewriter) => {
                rewriter.append(&mut self.bytes, rows, objects).inspect_err(|_| self.bytes.truncate(start))?
            }
        }
        self.rows += rows;
        Ok(())
    }

    /// How many rows wait.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Whether a chunk's worth of bytes waits.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= self.chunk_bytes
    }

    /// The chunk, prefix and suffix included, and how many rows it holds; the buffer begins anew.
    pub fn take(&mut self) -> (Vec<u8>, u32) {
        self.bytes.extend_from_slice(&self.envelope.suffix);
        let rows = self.rows;
        let bytes = std::mem::take(&mut self.bytes);
        // The next chunk of a result that filled one will fill one too; a little more holds its last row.
        let full = bytes.len() >= self.chunk_bytes;
        self.begin(if full { self.chunk_bytes + self.chunk_bytes / 8 } else { 512 });
        (bytes, rows)
    }
}

/// The error of a row beyond [`MAX_ROW_BYTES`] whose size nobody knows, since it was not written to its end.
#[cold]
pub fn row_too_large() -> Error {
    let message = format!(
        "a row is more than {MAX_ROW_BYTES} bytes as JSON, the most that a row may have; select fewer columns of it, or \
         leave it out"
    );
    Error::new(ErrorCode::ResultTooLarge, message).with("limitBytes", MAX_ROW_BYTES as u64)
}

#[cold]
fn too_large(size: usize, limit: usize) -> Error {
    let message = format!("a row is {size} bytes as JSON, the limit is {limit}; select fewer columns of it");
    Error::new(ErrorCode::ResultTooLarge, message).with("limitBytes", limit as u64)
}

/// The values of one row, in column order.
#[derive(Debug)]
pub struct RowWriter<'a> {
    bytes: &'a mut Vec<u8>,
    keys: std::slice::Iter<'a, Key>,
    /// Where the value begins that is being written, when a rule waits for its end.
    ruled: Option<(usize, &'a ColumnRule)>,
}

impl RowWriter<'_> {
    /// The place for the next column's value: exactly one JSON value must be appended to it.
    ///
    /// # Errors
    /// `INTERNAL` when every column has its value already.
    pub fn cell(&mut self) -> Result<&mut Vec<u8>> {
        let key = self.keys.next().ok_or_else(|| Error::internal("a row has more values than columns"))?;
        self.settle();
        self.bytes.extend_from_slice(&key.text);
        if let Some(rule) = &key.rule {
            self.ruled = Some((self.bytes.len(), rule));
        }
        Ok(self.bytes)
    }

    /// Applies the rule of the column whose value has just been written.
    fn settle(&mut self) {
        if let Some((start, rule)) = self.ruled.take() {
            rule.settle(self.bytes, start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn buffer() -> RowBuffer {
        let envelope = Envelope { prefix: b"[".to_vec(), suffix: b"]".to_vec() };
        let mut buffer = RowBuffer::new(envelope, 64, 200);
        buffer.columns(["id", "odd \"name\""]);
        buffer
    }

    fn put(buffer: &mut RowBuffer, id: i64, text: &str) -> Result<()> {
        buffer.row(|row| {
            json::integer(row.cell()?, id);
            json::text(row.cell()?, text);
            Ok(())
        })
    }

    #[test]
    fn rows_are_objects_in_one_envelope() {
        let mut buffer = buffer();
        put(&mut buffer, 1, "a").unwrap();
        put(&mut buffer, 2, "b").unwrap();
        let (bytes, rows) = buffer.take();
        assert_eq!(rows, 2);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            r#"[{"id":1,"odd \"name\"":"a"},{"id":2,"odd \"name\"":"b"}]"#
        );
        assert_eq!(buffer.take().0, b"[]");
    }

    #[test]
    fn a_failed_row_leaves_nothing_behind() {
        let mut buffer = buffer();
        put(&mut buffer, 1, "a").unwrap();
        let error = put(&mut buffer, 2, &"x".repeat(500)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ResultTooLarge);
        let short = buffer.row(|row| {
            json::integer(row.cell()?, 3);
            Ok(())
        });
        assert_eq!(short.unwrap_err().code(), ErrorCode::Internal);
        put(&mut buffer, 4, "d").unwrap();
        let (bytes, _) = buffer.take();
        let read: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read.as_array().unwrap().len(), 2);
    }

    #[test]
    fn no_columns_is_an_empty_object() {
        let mut buffer = RowBuffer::new(Envelope::default(), 64, 64);
        buffer.columns([]);
        buffer.row(|_| Ok(())).unwrap();
        buffer.row(|_| Ok(())).unwrap();
        assert_eq!(buffer.take().0, b"{},{}");
    }
}
