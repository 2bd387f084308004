//! Batches that are none.

use std::cell::Cell;

use crate::error;
use crate::exports::semilayer::connector::source::Error;
use crate::semilayer::connector::types::{Cursor, CursorKind, Page, RowBatch, Step};

/// What a real batch that is far too large has: less than a guest may have of memory.
const HUGE: usize = 48 << 20;

/// What a batch has that is only somewhat too large.
const TOO_LARGE: usize = 12 << 20;

/// A result, wrong in the way that its target is called.
pub struct Batches {
    pub what: String,
    asked: Cell<u32>,
}

impl Batches {
    pub fn new(what: &str) -> Self {
        Batches { what: what.to_owned(), asked: Cell::new(0) }
    }

    pub fn step(&self, max_bytes: u32) -> Result<Step, Error> {
        let asked = self.asked.replace(self.asked.get().wrapping_add(1));
        let once = |rows: u32, payload: &[u8]| match asked {
            0 => batch(rows, payload.to_vec()),
            _ => end(None),
        };
        Ok(match self.what.as_str() {
            "count-more" => once(3, br#"{"id":1},{"id":2}"#),
            "count-less" => once(1, br#"{"id":1},{"id":2}"#),
            "count-most" => once(u32::MAX, b"{}"),
            "not-utf8" => once(1, b"{\"id\":\"\xff\xfe\"}"),
            "closes-early" => once(2, br#"{"id":1}]},{"type":"done","rows":[{"id":2}"#),
            "closes-within" => once(1, br#"{"id":1}}"#),
            "nan" => once(1, br#"{"id":NaN}"#),
            "line-break" => once(1, b"{\"id\":\n1}"),
            "string-break" => once(1, b"{\"id\":\"a\nb\"}"),
            "no-object" => once(1, b"[1]"),
            "empty" => once(1, b""),
            "open-string" => once(1, br#"{"id":"#),
            "deep" => {
                let deep = format!("{{\"id\":{}{}}}", "[".repeat(500_000), "]".repeat(500_000));
                once(1, deep.as_bytes())
            }
            "claims-most" if asked == 0 => claims(u32::MAX as usize),
            "claims-half" if asked == 0 => claims(i32::MAX as usize),
            "claims-nothing-there" if asked == 0 => claims(512 << 20),
            "claims-most" | "claims-half" | "claims-nothing-there" => end(None),
            "huge" if asked == 0 => {
                let row = format!("{{\"id\":\"{}\"}}", "x".repeat(1000));
                let rows = (HUGE / (row.len() + 1)) as u32;
                let mut payload = Vec::with_capacity(HUGE);
                for at in 0..rows {
                    if at > 0 {
                        payload.push(b',');
                    }
                    payload.extend_from_slice(row.as_bytes());
                }
                batch(rows, payload)
            }
            "batch-too-large" if asked == 0 => {
                let row = format!("{{\"id\":\"{}\"}}", "x".repeat(1000));
                let rows = TOO_LARGE / row.len();
                batch(rows as u32, vec![row; rows].join(",").into_bytes())
            }
            "row-too-large" if asked == 0 => {
                batch(1, format!("{{\"id\":\"{}\"}}", "x".repeat(TOO_LARGE)).into_bytes())
            }
            // The first of them, or the rest, is still in the connection when the error comes.
            "fails-at-once" => return Err(error("midway", String::new())),
            "fails-midway" if asked > 0 => return Err(error("midway", String::new())),
            "fails-midway" => once(2, br#"{"id":1},{"id":2}"#),
            "huge-row" if asked == 0 => batch(1, format!("{{\"id\":\"{}\"}}", "x".repeat(HUGE)).into_bytes()),
            "huge" | "huge-row" => end(None),
            // As many bytes as are asked for, for ever.
            "endless-rows" => {
                let rows = (max_bytes / 9).max(1);
                batch(rows, vec![r#"{"id":1}"#; rows as usize].join(",").into_bytes())
            }
            "endless-nothing" => batch(0, Vec::new()),
            "long-cursor" => end(Some("c".repeat(16 << 20))),
            "strange-cursor" => end(Some("a\r\n\u{0}\u{1b}b".to_owned())),
            "next-panics" => panic!("no next row"),
            _ => end(None),
        })
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        match self.what.as_str() {
            "drop-panics" => panic!("never let go"),
            "drop-endless" => crate::takes::spin(),
            _ => {}
        }
    }
}

fn batch(rows: u32, payload: Vec<u8>) -> Step {
    Step::Batch(RowBatch { rows, payload })
}

fn end(cursor: Option<String>) -> Step {
    Step::End(Page { next_cursor: cursor.map(|text| Cursor { text, kind: CursorKind::Keyset }) })
}

/// A batch that says it is as long as that and is not: the bytes behind its first are somebody else's, or nowhere.
fn claims(bytes: usize) -> Step {
    let first: &'static mut [u8; 2] = Box::leak(Box::new(*b"{}"));
    // SAFETY: there is none; the length is the lie that the host has to see through. The list is given away at once, so
    // nothing in here reads or frees it.
    let payload = unsafe { Vec::from_raw_parts(first.as_mut_ptr(), bytes, bytes) };
    batch(1, payload)
}
