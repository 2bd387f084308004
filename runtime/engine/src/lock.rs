//! Short critical sections.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. No code of a connector ever runs inside one of the engine's locks, so a poisoned one can only mean a
/// failed allocation, and its data is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
