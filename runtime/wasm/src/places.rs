//! The pool's instances, shared among modules so that none of them takes what another needs.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places of all modules together, sessions and interrupts. An instance takes one, and more if it has more memories or
/// tables than most have.
pub(crate) const PLACES: u32 = 256;

/// Those of them that only interrupts take: whatever sessions do, what they began can be stopped.
const FOR_INTERRUPTS: u32 = 32;

const FOR_SESSIONS: u32 = PLACES - FOR_INTERRUPTS;

/// Interrupts of one module at once; more wait for their turn. They are over in seconds.
pub(crate) const INTERRUPTS_OF_A_MODULE: usize = 8;

/// The most sessions that one module can have: half of the places, see [`Places::session`].
pub(crate) const SESSIONS_OF_A_MODULE: u32 = FOR_SESSIONS / 2;

/// Memories for each place, in the pool.
pub(crate) const MEMORIES: u32 = 1;
/// Tables for each place: a module has its own, and one that the toolchain adds.
pub(crate) const TABLES: u32 = 4;

/// The places of one engine. A clone is the same places.
#[derive(Clone)]
pub(crate) struct Places {
    free: Arc<Mutex<u32>>,
    interrupts: Arc<Semaphore>,
}

/// What one module has of them.
#[derive(Default)]
pub(crate) struct Held(Arc<AtomicU32>);

impl Held {
    /// How many places.
    pub(crate) fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A place, or several, that one instance has until this is dropped.
pub(crate) enum Place {
    Session { places: Places, held: Arc<AtomicU32>, weight: u32 },
    Interrupt { _permit: OwnedSemaphorePermit },
}

impl Places {
    /// All of them free.
    pub(crate) fn new() -> Places {
        Places {
            free: Arc::new(Mutex::new(FOR_SESSIONS)),
            interrupts: Arc::new(Semaphore::new(FOR_INTERRUPTS as usize)),
        }
    }

    /// Places for a session of the module that holds `held`; none when it has its share. Its share is as much as it leaves
    /// free: one module comes to half of the places, the next to half of what is left, and so on: whoever comes finds some.
    pub(crate) fn session(&self, held: &Held, weight: u32) -> Option<Place> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let after = held.0.load(Ordering::Relaxed).saturating_add(weight);
        let left = free.checked_sub(weight)?;
        // What does not come to a share at all may still have its first.
        if after > left && after > weight {
            return None;
        }
        *free = left;
        held.0.store(after, Ordering::Relaxed);
        Some(Place::Session { places: self.clone(), held: Arc::clone(&held.0), weight })
    }

    /// Places for an interrupt, once they are free.
    pub(crate) async fn interrupt(&self, weight: u32) -> Option<Place> {
        let permits = Arc::clone(&self.interrupts).acquire_many_owned(weight.min(FOR_INTERRUPTS));
        // Closed never.
        permits.await.ok().map(|permit| Place::Interrupt { _permit: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Place::Session { places, held, weight } = self {
            let mut free = places.free.lock().unwrap_or_else(PoisonError::into_inner);
            *free = free.saturating_add(*weight);
            held.fetch_sub(*weight, Ordering::Relaxed);
        }
    }
}

/// How many places an instance takes that has so many memories and tables.
pub(crate) fn weight(memories: u32, tables: u32) -> u32 {
    memories.div_ceil(MEMORIES).max(tables.div_ceil(TABLES)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(places: &Places, held: &Held, weight: u32) -> Vec<Place> {
        std::iter::from_fn(|| places.session(held, weight)).collect()
    }

    #[test]
    fn whatever_modules_take_the_next_one_finds_something() {
        let places = Places::new();
        let (one, two, three) = (Held::default(), Held::default(), Held::default());
        let of_one = all(&places, &one, 1);
        assert_eq!(of_one.len(), SESSIONS_OF_A_MODULE as usize);
        let of_two = all(&places, &two, 1);
        let of_three = all(&places, &three, 1);
        assert!(of_two.len() >= 50 && of_three.len() >= 25, "{} {}", of_two.len(), of_three.len());
        // A heavy one too.
        assert!(places.session(&Held::default(), weight(4, 16)).is_some());
        drop(of_one);
        assert!(places.session(&two, 1).is_some());
        drop((of_two, of_three));
        assert_eq!(*places.free.lock().unwrap(), FOR_SESSIONS);
        assert_eq!(all(&places, &three, 4).len(), 28);
    }

    #[tokio::test]
    async fn interrupts_have_places_of_their_own() {
        let places = Places::new();
        let (one, two) = (Held::default(), Held::default());
        let _sessions = (all(&places, &one, 1), all(&places, &two, 1));
        let mut interrupts = Vec::new();
        for _ in 0..FOR_INTERRUPTS {
            interrupts.extend(places.interrupt(1).await);
        }
        let more = tokio::time::timeout(std::time::Duration::from_millis(10), places.interrupt(1));
        assert!(more.await.is_err());
        interrupts.pop();
        assert!(places.interrupt(1).await.is_some());
    }

    #[test]
    fn an_instance_counts_for_what_it_takes_of_the_pool() {
        for (memories, tables, places) in [(0, 0, 1), (1, 2, 1), (1, 5, 2), (4, 16, 4), (2, 1, 2)] {
            assert_eq!(weight(memories, tables), places, "{memories} {tables}");
        }
    }
}
