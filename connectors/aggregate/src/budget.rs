//! What an aggregate may hold in memory.

use connector_model::error::{Error, ErrorCode, Result};

/// Bytes of state that one aggregate may hold. A runner's jobs share its memory, which is small beside the database's;
/// this holds some hundred thousand groups, or eight million values of an exact percentile.
pub const STATE_BYTES: usize = 64 * 1024 * 1024;

/// Bytes that an entry of a hash table costs beside what is in it: the table's own byte, the places it keeps free, and
/// the header of the allocation.
pub(crate) const ENTRY_BYTES: usize = 48;

/// What is left of it.
#[derive(Debug)]
pub(crate) struct Budget {
    used: usize,
    limit: usize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Budget {
        Budget { used: 0, limit }
    }

    /// Takes so many bytes.
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE` when they are not there.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<()> {
        self.used = self.used.saturating_add(bytes);
        if self.used > self.limit { Err(self.exceeded()) } else { Ok(()) }
    }

    /// Gives some back.
    pub(crate) fn give(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// Changes what is held from `before` bytes to `after`.
    ///
    /// # Errors
    /// As [`Budget::take`].
    pub(crate) fn change(&mut self, before: usize, after: usize) -> Result<()> {
        self.give(before);
        self.take(after)
    }

    #[cold]
    fn exceeded(&self) -> Error {
        let message = format!(
            "the groups of this aggregate need more than {} MiB; choose fewer rows with `candidatesWhere`, make fewer \
             groups, or ask for `accuracy: \"fast\"` where measures have it",
            self.limit / (1024 * 1024)
        );
        Error::new(ErrorCode::ResultTooLarge, message).with("limitBytes", self.limit as u64)
    }
}
