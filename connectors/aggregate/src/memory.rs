//! What all aggregates of a process may hold in memory together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that the aggregates of one process may hold together: four of the largest, or thousands of small ones. Beyond
/// that a runner would no longer fit the small containers it is run in, however many jobs it is allowed.
pub const SHARED_BYTES: usize = 256 * 1024 * 1024;

/// The memory that aggregates share. A clone is the same memory.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bytes: usize,
    held: AtomicUsize,
}

impl Memory {
    /// So many bytes.
    pub fn new(bytes: usize) -> Memory {
        Memory(Arc::new(Shared { bytes, held: AtomicUsize::new(0) }))
    }

    /// The bytes that are held now.
    pub fn held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.bytes
    }

    /// Takes so many bytes; whether they were there.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        let taken = |held: usize| held.checked_add(bytes).filter(|held| *held <= self.0.bytes);
        self.0.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }

    /// Gives back what was taken.
    pub(crate) fn give(&self, bytes: usize) {
        self.0.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// [`SHARED_BYTES`] of it.
impl Default for Memory {
    fn default() -> Self {
        Memory::new(SHARED_BYTES)
    }
}
