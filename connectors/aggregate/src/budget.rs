//! What an aggregate may hold in memory.

use connector_model::error::{Error, ErrorCode, Result};

use crate::memory::Memory;

/// Bytes of state that one aggregate may hold. A runner's jobs share its memory, which is small beside the database's;
/// this holds some hundred thousand groups, or eight million values of an exact percentile.
pub const STATE_BYTES: usize = 64 * 1024 * 1024;

/// Bytes that are taken of the shared memory at a time: one jump of a counter that all aggregates share for some hundred
/// groups.
const STRIDE: usize = 64 * 1024;

/// Bytes that an entry of a hash table costs beside what is in it: the table's own byte, the places it keeps free, and
/// the header of the allocation.
pub(crate) const ENTRY_BYTES: usize = 48;

/// What is left of it. Its memory is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Budget {
    used: usize,
    limit: usize,
    /// What of the shared memory is this aggregate's.
    reserved: usize,
    memory: Memory,
}

impl Budget {
    pub(crate) fn new(limit: usize, memory: &Memory) -> Budget {
        Budget { used: 0, limit, reserved: 0, memory: memory.clone() }
    }

    /// Takes so many bytes.
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE` when this aggregate may not have them, `RUNNER_BUSY` when others hold them.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<()> {
        self.used = self.used.saturating_add(bytes);
        if self.used > self.limit {
            return Err(self.exceeded());
        }
        if self.used > self.reserved { self.reserve() } else { Ok(()) }
    }

    /// Takes bytes for what is made of the state at the end: they come on top of the aggregate's own limit, and are
    /// counted among what all hold.
    ///
    /// # Errors
    /// `RUNNER_BUSY` when others hold them.
    pub(crate) fn take_for_answer(&mut self, bytes: usize) -> Result<()> {
        self.limit = self.limit.saturating_add(bytes);
        self.take(bytes)
    }

    #[cold]
    fn reserve(&mut self) -> Result<()> {
        let missing = self.used.saturating_sub(self.reserved);
        let wanted = [missing.next_multiple_of(STRIDE), missing];
        let Some(taken) = wanted.into_iter().find(|bytes| self.memory.take(*bytes)) else {
            return Err(self.others_hold_it());
        };
        self.reserved += taken;
        Ok(())
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
    fn others_hold_it(&self) -> Error {
        let bytes = self.memory.bytes();
        let message = format!(
            "the aggregates that are being computed hold the {} MiB that the runner has for all of them; try again \
             shortly",
            bytes / (1024 * 1024)
        );
        Error::new(ErrorCode::RunnerBusy, message).with("limitBytes", bytes as u64)
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

impl Drop for Budget {
    fn drop(&mut self) {
        self.memory.give(self.reserved);
    }
}
