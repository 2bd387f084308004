//! A small cache that a change can never be outrun by.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use tokio::time::Instant;

/// Entries that are kept: keys and sources in use on one instance. Past it the cache starts over, which costs one
/// look-up an entry.
const MOST: usize = 65_536;

/// Values by key, each for a limited time.
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    state: RwLock<State<K, V>>,
    keep: Duration,
}

#[derive(Debug)]
struct State<K, V> {
    entries: HashMap<K, (V, Instant)>,
    generation: u64,
}

/// Which state of the world a look-up in the database began in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation(u64);

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// A cache whose entries are good for `keep`.
    pub(super) fn new(keep: Duration) -> Self {
        Self { state: RwLock::new(State { entries: HashMap::new(), generation: 0 }), keep }
    }

    /// The value, or the generation to hand to [`Cache::insert`] after looking it up elsewhere.
    pub(super) fn get<Q>(&self, key: &Q) -> Result<V, Generation>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        match state.entries.get(key) {
            Some((value, since)) if since.elapsed() < self.keep => Ok(value.clone()),
            _ => Err(Generation(state.generation)),
        }
    }

    /// Keeps a value that was looked up, unless something has changed since the look-up began: it might be from
    /// before the change.
    pub(super) fn insert(&self, key: K, value: V, looked_up_in: Generation) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.generation != looked_up_in.0 {
            return;
        }
        if state.entries.len() >= MOST {
            state.entries.clear();
        }
        state.entries.insert(key, (value, Instant::now()));
    }

    /// Forgets everything: something has changed.
    pub(super) fn clear(&self) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.generation = state.generation.wrapping_add(1);
        state.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_entry_is_good_for_its_time_and_no_longer() {
        let cache = Cache::new(Duration::from_secs(10));
        let Err(generation) = cache.get(&1) else { panic!("an empty cache answered") };
        cache.insert(1, "one", generation);
        assert_eq!(cache.get(&1), Ok("one"));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(cache.get(&1).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_up_that_a_change_overtook_is_not_kept() {
        let cache = Cache::new(Duration::from_secs(10));
        let Err(before) = cache.get(&1) else { panic!("an empty cache answered") };
        cache.clear();
        cache.insert(1, "stale", before);
        assert!(cache.get(&1).is_err());
    }
}
