//! Rows that are gathered, sorted and cut to a page.

use connector_model::cursor::CursorKind;
use connector_model::error::{Error, ErrorCode, Result};

use crate::cut::cell;
use crate::order::{RowOrder, Start};
use crate::value::NULL;

/// The memory that gathered rows may take, in bytes, unless something else is asked for: half of what a component has
/// by default.
pub const HELD_BYTES: usize = 64 * 1024 * 1024;

/// So many rows more than a page needs are gathered before they are sorted and cut: sorting few at a time would be
/// sorting all the time.
const SLACK_ROWS: usize = 1_024;

/// What a row costs besides its bytes.
const ROW_BYTES: usize = size_of::<Held>();

/// The rows of a page.
#[derive(Debug)]
pub struct Page {
    rows: std::vec::IntoIter<Held>,
    /// How many cells of a row are returned.
    width: usize,
    next_cursor: Option<(String, CursorKind)>,
}

impl Page {
    /// A page of no rows that no other follows.
    pub(crate) fn empty() -> Page {
        Page { rows: Vec::new().into_iter(), width: 0, next_cursor: None }
    }

    /// Hands the cells of the next row to `out`; `false` when there is none.
    ///
    /// # Errors
    /// What `out` returns.
    pub fn next(&mut self, out: impl FnOnce(&[&[u8]]) -> Result<()>) -> Result<bool> {
        let Some(row) = self.rows.next() else { return Ok(false) };
        let cells: Vec<&[u8]> = (0..self.width).map(|at| row.cell(at)).collect();
        out(&cells).map(|()| true)
    }

    /// Where the next page begins, if the limit cut this one.
    pub fn next_cursor(&self) -> Option<&(String, CursorKind)> {
        self.next_cursor.as_ref()
    }
}

#[derive(Debug)]
pub(crate) struct Gather {
    /// Over the kept cells.
    order: RowOrder,
    start: Start,
    limit: usize,
    /// How many rows from the first in order can matter; `None` is all of them.
    needed: Option<usize>,
    /// The positions of the cells that are kept: those that are returned, then those that are ordered by.
    kept: Vec<usize>,
    rows: Vec<Held>,
    held: usize,
    /// The memory that they may take, in bytes.
    pub(crate) bound: usize,
}

impl Gather {
    /// Gathers the page of these rows, of which the columns at the positions `selection` are returned.
    pub(crate) fn new(order: RowOrder, start: Start, limit: Option<u64>, selection: &[usize]) -> Gather {
        let mut kept = selection.to_vec();
        kept.extend(order.positions().filter(|at| !selection.contains(at)));
        let needed = limit.map(|limit| {
            let skipped = if let Start::Offset(rows) = start { rows } else { 0 };
            // One more than the page holds shows whether another follows.
            as_index(limit.saturating_add(skipped)).saturating_add(1)
        });
        Gather {
            order: order.over(&kept),
            start,
            limit: limit.map_or(usize::MAX, as_index),
            needed,
            kept,
            rows: Vec::new(),
            held: 0,
            bound: HELD_BYTES,
        }
    }

    /// Adds a row by its cells.
    pub(crate) fn add(&mut self, cells: &[&[u8]]) -> Result<()> {
        let row = Held::new(self.kept.iter().map(|at| cell(cells, *at)));
        if let Start::After(key) = &self.start
            && !self.order.is_after(|at| row.cell(at), key)
        {
            return Ok(());
        }
        self.held += row.bytes();
        self.rows.push(row);
        let is_long = self
            .needed
            .is_some_and(|needed| self.rows.len() >= needed.saturating_mul(2).saturating_add(SLACK_ROWS));
        if is_long || self.held > self.bound {
            self.cut();
        }
        if self.held > self.bound {
            let message = format!(
                "sorting these rows takes more than the {} bytes that the connector has for it; \
                 ask for fewer by `limit` or a filter, or for fewer columns",
                self.bound
            );
            return Err(Error::new(ErrorCode::ResultTooLarge, message).with("limitBytes", self.bound as u64));
        }
        Ok(())
    }

    fn cut(&mut self) {
        if let Some(needed) = self.needed
            && self.rows.len() > needed
        {
            self.sort();
            self.rows.truncate(needed);
            self.held = self.rows.iter().map(Held::bytes).sum();
        }
    }

    fn sort(&mut self) {
        let order = &self.order;
        // Stable: rows that tie keep the order they came in.
        self.rows.sort_by(|left, right| order.compare(|at| left.cell(at), |at| right.cell(at)));
    }

    /// The page, of rows with so many cells.
    pub(crate) fn finish(mut self, width: usize) -> Page {
        self.sort();
        let skipped = if let Start::Offset(rows) = self.start { rows } else { 0 };
        self.rows.drain(..as_index(skipped).min(self.rows.len()));
        let is_cut = self.rows.len() > self.limit;
        self.rows.truncate(self.limit);
        let passed = skipped.saturating_add(self.rows.len() as u64);
        // A page of no rows has no end to resume after.
        let last = self.rows.last().filter(|_| is_cut);
        let next_cursor =
            last.map(|last| (self.order.issue(|at| last.cell(at), passed), self.order.cursor_kind()));
        Page { rows: self.rows.into_iter(), width, next_cursor }
    }
}

/// The kept cells of one row.
#[derive(Debug)]
struct Held {
    cells: Box<[u8]>,
    /// Where each ends.
    ends: Box<[usize]>,
}

impl Held {
    fn new<'c>(cells: impl Iterator<Item = &'c [u8]>) -> Held {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for cell in cells {
            bytes.extend_from_slice(cell);
            ends.push(bytes.len());
        }
        Held { cells: bytes.into(), ends: ends.into() }
    }

    fn cell(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(at).and_then(|end| self.cells.get(start..*end)).unwrap_or(NULL)
    }

    fn bytes(&self) -> usize {
        ROW_BYTES + self.cells.len() + size_of_val(&*self.ends)
    }
}

/// A count as an index; one that no list can have is past the end of every list.
fn as_index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
