//! Whether the rows that a module returned are what it says they are.
//!
//! A batch is spliced into a job's answer as it is, so everything that could reach beyond the job is looked for here:
//! bytes that are no UTF-8, control characters, an object that closes more than it opened, a number of rows that is
//! none. A module can spoil its own job with what is left, and nothing else.

mod scan;
#[cfg(test)]
mod tests;

use std::fmt;

/// How deep a row may nest. Databases stop at 100 (MySQL, SQL Server) to 1,000 (SQLite); what reads the rows recurses.
pub(crate) const MAX_DEPTH: usize = 512;

/// The most bytes of one batch: a row of the largest size, and some rows before it. A guest is asked for far less, see
/// `pull`.
pub(crate) const MAX_BYTES: usize = 9 * 1024 * 1024;

/// What is wrong with a batch. It says where, and never what stands there: that is row data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) fault: Fault,
    /// The byte of the batch at which it shows.
    pub(crate) at: usize,
}

/// The kinds of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is no UTF-8.
    NotUtf8,
    /// It has a byte below 0x20.
    Control,
    /// There is something other than objects with a comma between two of them.
    Between,
    /// It ends inside an object.
    Truncated,
    /// Something stands where a value, a key or punctuation should.
    Grammar,
    /// A string has an escape that JSON does not have, or half of a character.
    Escape,
    /// A number is none: `NaN`, `01`, `1.`.
    Number,
    /// It nests deeper than [`MAX_DEPTH`].
    Depth,
    /// It holds another number of objects than the batch says.
    Count { said: u32, found: u64 },
    /// A row has more bytes than a row may have.
    TooLarge { bytes: usize, limit: usize },
    /// It has more bytes than [`MAX_BYTES`], in several rows.
    BatchTooLarge { bytes: usize },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            Fault::NotUtf8 => f.write_str("no UTF-8")?,
            Fault::Control => f.write_str("a control character")?,
            Fault::Between => f.write_str("something other than objects with a comma between two of them")?,
            Fault::Truncated => f.write_str("an object that does not end")?,
            Fault::Grammar => f.write_str("no JSON")?,
            Fault::Escape => f.write_str("an escape that is none")?,
            Fault::Number => f.write_str("a number that is none")?,
            Fault::Depth => write!(f, "more than {MAX_DEPTH} levels")?,
            Fault::Count { said, found } => return write!(f, "{found} rows, where the batch says {said}"),
            Fault::BatchTooLarge { bytes } => write!(f, "{bytes} bytes; the limit is {MAX_BYTES}")?,
            Fault::TooLarge { bytes, limit } => write!(f, "a row of {bytes} bytes; the limit is {limit}")?,
        }
        write!(f, ", at byte {}", self.at)
    }
}

/// Checks a batch of `rows` objects, each of at most `row_bytes`.
pub(crate) fn check(rows: u32, payload: &[u8], row_bytes: usize) -> Result<(), Malformed> {
    if payload.len() > MAX_BYTES {
        let bytes = payload.len();
        let fault = match rows {
            0 | 1 => Fault::TooLarge { bytes, limit: row_bytes },
            _ => Fault::BatchTooLarge { bytes },
        };
        return Err(Malformed { fault, at: MAX_BYTES });
    }
    if let Err(error) = std::str::from_utf8(payload) {
        return Err(Malformed { fault: Fault::NotUtf8, at: error.valid_up_to() });
    }
    // One pass that vectorises, so that no other has to look.
    if payload.iter().fold(false, |found, byte| found | (*byte < 0x20)) {
        let at = payload.iter().position(|byte| *byte < 0x20).unwrap_or_default();
        return Err(Malformed { fault: Fault::Control, at });
    }
    let found = scan::objects(payload, row_bytes)?;
    if found != u64::from(rows) {
        return Err(Malformed { fault: Fault::Count { said: rows, found }, at: payload.len() });
    }
    Ok(())
}
