//! What rows are written with.
//!
//! - `row`: the values of one row
//! - `pieces`: rows that are more than one batch

mod pieces;
mod row;

use connector_model::json;
use connector_model::target::Column;

use crate::error::{Result, internal};
use pieces::Cut;

pub(crate) use pieces::Pieces;
pub use row::Row;

/// The rows of one batch, as JSON objects.
#[derive(Debug)]
pub struct RowWriter {
    columns: Vec<Key>,
    /// The objects, a comma between two of them.
    bytes: Vec<u8>,
    rows: u32,
    /// About how large a batch may get.
    batch_bytes: usize,
    /// Where rows that are more than a batch can be cut, about a batch's size from each other.
    cuts: Vec<Cut>,
    /// The next row that ends behind this ends at a cut.
    next_cut: usize,
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
            cuts: Vec::new(),
            next_cut: batch_bytes,
            cells: Vec::new(),
            places: vec![None; columns.len()],
        }
    }

    /// Writes one row. Columns come in any order; one that is not written is null. When `write` fails, nothing of the
    /// row is left.
    ///
    /// # Errors
    /// What `write` returns; `CONNECTOR_FAILED` for a column that the result does not have or that is written twice;
    /// `RESULT_TOO_LARGE` for a row of more than 8 MiB of JSON.
    pub fn row(&mut self, write: impl FnOnce(&mut Row<'_>) -> Result<()>) -> Result<()> {
        self.cells.clear();
        self.places.fill(None);
        write(&mut Row::new(&self.columns, &mut self.cells, &mut self.places))?;
        // Not copied first.
        if self.cells.len() > json::MAX_ROW_BYTES {
            return Err(json::row_too_large());
        }
        let start = self.begin_row();
        for (key, place) in self.columns.iter().zip(&self.places) {
            self.bytes.extend_from_slice(&key.lead);
            let value = place.and_then(|(start, end)| self.cells.get(start..end));
            self.bytes.extend_from_slice(value.unwrap_or(b"null"));
        }
        self.end_row(start)
    }

    /// Adds one row by the JSON of its columns, in their order.
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE` for a row of more than 8 MiB of JSON.
    pub(crate) fn cells(&mut self, cells: &[&[u8]]) -> Result<()> {
        let start = self.begin_row();
        for (key, cell) in self.columns.iter().zip(cells) {
            self.bytes.extend_from_slice(&key.lead);
            self.bytes.extend_from_slice(cell);
        }
        self.end_row(start)
    }

    /// The place behind the rows that are there, and a comma where there are any.
    fn begin_row(&mut self) -> usize {
        let start = self.bytes.len();
        if self.rows > 0 {
            self.bytes.push(b',');
        }
        start
    }

    fn end_row(&mut self, start: usize) -> Result<()> {
        if self.columns.is_empty() {
            self.bytes.push(b'{');
        }
        self.bytes.push(b'}');
        // The comma is no part of it, which only matters to a row of exactly the limit's size.
        if self.bytes.len() - start > json::MAX_ROW_BYTES + usize::from(self.rows > 0) {
            self.bytes.truncate(start);
            return Err(json::row_too_large());
        }
        self.added(1);
        Ok(())
    }

    /// Counts rows that have been written.
    fn added(&mut self, rows: u32) {
        self.rows += rows;
        if self.bytes.len() >= self.next_cut {
            self.cuts.push(Cut { end: self.bytes.len(), rows: self.rows });
            self.next_cut = self.bytes.len() + self.batch_bytes;
        }
    }

    /// Adds one row that is a JSON object already, as the server sent it. What it is not asked for stays in it: select
    /// columns at the server.
    ///
    /// # Errors
    /// `CONNECTOR_FAILED` for anything that is no object at first sight; the runner checks every byte. `RESULT_TOO_LARGE`
    /// for a row of more than 8 MiB.
    pub fn object(&mut self, json: &[u8]) -> Result<()> {
        let json = json.trim_ascii();
        if !(json.starts_with(b"{") && json.ends_with(b"}")) {
            return Err(internal("the server sent a row that is no JSON object"));
        }
        self.splice(1, json)
    }

    /// Adds as many rows as `json` holds objects, with a comma between two of them. The runner counts them. When it fails,
    /// nothing of them is left.
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE` when one of the rows has more than 8 MiB; `CONNECTOR_FAILED` for more than a batch of rows that
    /// are not that many objects.
    pub fn splice(&mut self, rows: u32, json: &[u8]) -> Result<()> {
        match rows {
            0 => Ok(()),
            1 if json.len() > json::MAX_ROW_BYTES => Err(json::row_too_large()),
            // About a batch is not looked into: it goes out as it is.
            2.. if json.len() > self.oversize() => self.splice_each(rows, json),
            _ => {
                self.append(rows, json);
                Ok(())
            }
        }
    }

    fn append(&mut self, rows: u32, json: &[u8]) {
        self.begin_row();
        one_line(&mut self.bytes, json);
        self.added(rows);
    }

    /// Adds rows one by one, so that a batch can end behind each.
    fn splice_each(&mut self, rows: u32, json: &[u8]) -> Result<()> {
        let before = (self.bytes.len(), self.rows, self.cuts.len(), self.next_cut);
        let mut found: u32 = 0;
        let mut added = || {
            for place in json::objects(json) {
                let object = place.and_then(|place| json.get(place)).filter(|_| found < rows);
                let object = object
                    .ok_or_else(|| internal(format!("what should be {rows} rows is something else")))?;
                if object.len() > json::MAX_ROW_BYTES {
                    return Err(json::row_too_large());
                }
                self.append(1, object);
                found += 1;
            }
            match found == rows {
                true => Ok(()),
                false => Err(internal(format!("what should be {rows} rows are {found}"))),
            }
        };
        let added = added();
        if added.is_err() {
            self.bytes.truncate(before.0);
            self.cuts.truncate(before.2);
            (self.rows, self.next_cut) = (before.1, before.3);
        }
        added
    }

    /// Whether the batch is as large as was asked for: time to return from
    /// [`fill`](crate::rows::Rows::fill).
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= self.batch_bytes
    }

    /// More bytes than this are more than one batch: a little above the size that was asked for costs less than another
    /// batch and a copy.
    fn oversize(&self) -> usize {
        self.batch_bytes.saturating_mul(2)
    }

    /// Whether the rows are more than one batch, and can be cut.
    pub(crate) fn is_oversize(&self) -> bool {
        let can_be_cut = self.cuts.first().is_some_and(|cut| cut.end < self.bytes.len());
        self.bytes.len() > self.oversize() && can_be_cut
    }

    /// The rows, to be handed out batch by batch; the writer begins anew with batches of about `batch_bytes`.
    pub(crate) fn take_pieces(&mut self, batch_bytes: usize) -> Pieces {
        let end = Cut { end: self.bytes.len(), rows: self.rows };
        let mut cuts = std::mem::take(&mut self.cuts);
        if cuts.last() != Some(&end) {
            cuts.push(end);
        }
        let bytes = std::mem::take(&mut self.bytes);
        self.take(batch_bytes);
        Pieces::new(bytes, cuts)
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
        self.cuts.clear();
        self.next_cut = batch_bytes;
        // The next batch of a result is about as large as this one.
        let next = Vec::with_capacity(self.bytes.len() + self.bytes.len() / 8);
        (std::mem::take(&mut self.rows), std::mem::replace(&mut self.bytes, next))
    }
}

/// JSON without a byte below 0x20: between its tokens they are white space, within a string they are always escaped.
fn one_line(out: &mut Vec<u8>, json: &[u8]) {
    let start = out.len();
    out.extend_from_slice(json);
    out.iter_mut().skip(start).filter(|byte| **byte < 0x20).for_each(|byte| *byte = b' ');
}

#[cfg(test)]
mod tests;
