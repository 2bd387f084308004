//! Rows as JSON objects in one buffer, whose bytes are what is sent.

use crate::error::{Error, ErrorCode, Result};

/// What stands before and after the rows of every chunk; the row buffer does not look inside.
#[derive(Debug, Clone, Default)]
pub struct Envelope {
    /// The bytes before the first row.
    pub prefix: Vec<u8>,
    /// The bytes after the last row.
    pub suffix: Vec<u8>,
}

/// The rows written since the last chunk was taken, comma-separated, behind the envelope's prefix.
///
/// Keys are escaped once a result; a row then costs its bytes and no allocation.
#[derive(Debug)]
pub struct RowBuffer {
    bytes: Vec<u8>,
    envelope: Envelope,
    /// `"name":` of each column, with the comma or brace that stands before it.
    keys: Vec<Box<[u8]>>,
    rows: u32,
    chunk_bytes: usize,
    max_row_bytes: usize,
}

impl RowBuffer {
    /// An empty buffer for chunks of about `chunk_bytes` and rows of at most `max_row_bytes`.
    pub fn new(envelope: Envelope, chunk_bytes: usize, max_row_bytes: usize) -> Self {
        let mut buffer =
            RowBuffer { bytes: Vec::new(), envelope, keys: Vec::new(), rows: 0, chunk_bytes, max_row_bytes };
        // Small until rows come: most jobs answer with a handful of them.
        buffer.begin(512);
        buffer
    }

    fn begin(&mut self, capacity: usize) {
        self.bytes = Vec::with_capacity(capacity + self.envelope.prefix.len() + self.envelope.suffix.len());
        self.bytes.extend_from_slice(&self.envelope.prefix);
        self.rows = 0;
    }

    /// Sets the columns of all rows that follow.
    pub fn columns<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        self.keys.clear();
        for name in names {
            let mut key = vec![if self.keys.is_empty() { b'{' } else { b',' }];
            super::text(&mut key, name);
            key.push(b':');
            self.keys.push(key.into_boxed_slice());
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
        let mut writer = RowWriter { bytes: &mut self.bytes, keys: self.keys.iter() };
        let written = write(&mut writer);
        let complete = writer.keys.len() == 0;
        if self.keys.is_empty() {
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

    /// Adds rows that are already JSON objects, separated by commas.
    pub fn splice(&mut self, rows: u32, objects: &[u8]) {
        if rows > 0 {
            if self.rows > 0 {
                self.bytes.push(b',');
            }
            self.bytes.extend_from_slice(objects);
            self.rows += rows;
        }
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

#[cold]
fn too_large(size: usize, limit: usize) -> Error {
    let message = format!("a row is {size} bytes as JSON, the limit is {limit}; select fewer columns of it");
    Error::new(ErrorCode::ResultTooLarge, message).with("limitBytes", limit as u64)
}

/// The values of one row, in column order.
#[derive(Debug)]
pub struct RowWriter<'a> {
    bytes: &'a mut Vec<u8>,
    keys: std::slice::Iter<'a, Box<[u8]>>,
}

impl RowWriter<'_> {
    /// The place for the next column's value: exactly one JSON value must be appended to it.
    ///
    /// # Errors
    /// `INTERNAL` when every column has its value already.
    pub fn cell(&mut self) -> Result<&mut Vec<u8>> {
        let key = self.keys.next().ok_or_else(|| Error::internal("a row has more values than columns"))?;
        self.bytes.extend_from_slice(key);
        Ok(self.bytes)
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
