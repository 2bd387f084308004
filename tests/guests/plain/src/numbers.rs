//! A result of numbers, in batches.

use std::cell::Cell;
use std::io::Write;
use std::time::Duration;

use crate::semilayer::connector::types::{Cursor, CursorKind, Page, RowBatch, Step};

/// The one target's name.
pub const NUMBERS: &str = "numbers";

/// What is left of a result.
pub struct Numbers {
    next: Cell<u64>,
    end: u64,
    /// Whether the limit ends it before the table does.
    cut: bool,
    /// Whether the row after the first takes an hour.
    slow: bool,
}

impl Numbers {
    pub fn new(first: u64, rows: u64, limit: Option<u64>) -> Self {
        let end = limit.map_or(rows, |limit| first.saturating_add(limit).min(rows));
        Numbers { next: Cell::new(first), end, cut: end < rows, slow: false }
    }

    /// One row now, and the others much later.
    pub fn slow(rows: u64) -> Self {
        Numbers { slow: true, ..Numbers::new(0, rows, None) }
    }

    pub fn step(&self, max_bytes: u32) -> Step {
        if self.slow && self.next.get() > 0 {
            std::thread::sleep(Duration::from_secs(3600));
        }
        let max_bytes = if self.slow { 1 } else { max_bytes };
        let mut payload = Vec::with_capacity(max_bytes as usize + 64);
        let mut rows = 0;
        while self.next.get() < self.end && payload.len() < max_bytes as usize {
            let id = self.next.get();
            let comma = if rows > 0 { "," } else { "" };
            let _ = write!(payload, r#"{comma}{{"id":{id},"label":"row \"{id}\" of the table of numbers"}}"#);
            self.next.set(id + 1);
            rows += 1;
        }
        if rows > 0 {
            return Step::Batch(RowBatch { rows, payload });
        }
        let next_cursor = self.cut.then(|| Cursor { text: self.end.to_string(), kind: CursorKind::Keyset });
        Step::End(Page { next_cursor })
    }
}
