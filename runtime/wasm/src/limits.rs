//! What one instance may use of memory, and how it is told that it was too much.

use wasmtime::ResourceLimiter;

/// Host resources that one guest may hold at once: its connections, and some for each request that is under way. What one
/// of them keeps of the host's memory no other limit sees.
pub(crate) const MAX_RESOURCES: usize = 256;

/// The most random bytes that are made in one call: a seed or a nonce takes some dozens.
pub(crate) const MAX_RANDOM_BYTES: u64 = 64 * 1024;

/// The most elements of one table: a Python interpreter has some ten thousand functions.
pub(crate) const MAX_TABLE_ELEMENTS: usize = 100_000;

/// Core instances, tables and memories of one component: toolchains that link dynamically make a dozen.
pub(crate) const MAX_CORE_INSTANCES: u32 = 64;
/// As [`MAX_CORE_INSTANCES`], for tables.
pub(crate) const MAX_TABLES: u32 = 16;
/// As [`MAX_CORE_INSTANCES`], for memories.
pub(crate) const MAX_MEMORIES: u32 = 4;

/// The memory of one instance, all of its linear memories together, against what its module is allowed.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Bytes.
    allowed: usize,
    used: usize,
    /// Whether the present call asked for more.
    refused: bool,
}

impl Limits {
    /// Memories of `allowed` bytes together.
    pub(crate) fn new(allowed: usize) -> Self {
        Limits { allowed, used: 0, refused: false }
    }

    /// The bytes in use; a memory never shrinks.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// Begins a call.
    pub(crate) fn begin(&mut self) {
        self.refused = false;
    }

    /// The bytes that are allowed, if the present call asked for more.
    pub(crate) fn exceeded(&self) -> Option<usize> {
        self.refused.then_some(self.allowed)
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = self.used.saturating_sub(current).saturating_add(desired);
        if wanted > self.allowed {
            self.refused = true;
            return Ok(false);
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.used = wanted;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        MAX_CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        MAX_TABLES as usize
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_share_what_is_allowed() {
        let mut limits = Limits::new(1_000);
        assert!(limits.memory_growing(0, 400, None).unwrap());
        assert!(limits.memory_growing(0, 500, Some(4_000)).unwrap());
        assert_eq!((limits.used(), limits.exceeded()), (900, None));
        assert!(!limits.memory_growing(400, 501, None).unwrap());
        assert_eq!((limits.used(), limits.exceeded()), (900, Some(1_000)));
        assert!(limits.memory_growing(400, 500, None).unwrap());
        assert_eq!(limits.used(), 1_000);
        // What a call was refused says nothing of the next.
        limits.begin();
        assert_eq!(limits.exceeded(), None);
    }

    #[test]
    fn a_memory_that_its_own_maximum_stops_has_not_exceeded_anything() {
        let mut limits = Limits::new(1_000);
        assert!(!limits.memory_growing(0, 500, Some(400)).unwrap());
        assert_eq!((limits.used(), limits.exceeded()), (0, None));
    }
}
