//! Which keys came already: `SCAN` may bring one twice while the server resizes its table.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// How many keys one generation remembers unless it is told otherwise: about 5 MiB. A repeated key stands close behind its first, in the same place of
/// the table; the last of them, one generation at least, are enough by far.
pub(crate) const GENERATION: usize = 1 << 17;

/// Remembers the last keys by two hashes of 64 bits with keys of their own: two different keys share both with a
/// probability below 10⁻²⁷.
pub struct Seen {
    first: RandomState,
    second: RandomState,
    current: HashSet<(u64, u64)>,
    previous: HashSet<(u64, u64)>,
    generation: usize,
    forgot: bool,
}

impl Default for Seen {
    fn default() -> Self {
        Seen::remembering(GENERATION)
    }
}

impl Seen {
    /// Remembers twice so many keys at most.
    pub(crate) fn remembering(generation: usize) -> Seen {
        Seen {
            first: RandomState::new(),
            second: RandomState::new(),
            current: HashSet::new(),
            previous: HashSet::new(),
            generation,
            forgot: false,
        }
    }

    /// Whether keys were forgotten: one of them that came again would be taken for new.
    pub fn forgot(&self) -> bool {
        self.forgot
    }

    /// Whether the key is new; it is remembered.
    pub fn is_new(&mut self, key: &str) -> bool {
        let hashes = (self.first.hash_one(key), self.second.hash_one(key));
        if self.previous.contains(&hashes) || !self.current.insert(hashes) {
            return false;
        }
        if self.current.len() >= self.generation {
            self.forgot |= !self.previous.is_empty();
            self.previous = std::mem::take(&mut self.current);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_new_once() {
        let mut seen = Seen::default();
        assert!(seen.is_new("a") && seen.is_new("b") && !seen.is_new("a") && !seen.is_new("b"));
    }

    #[test]
    fn memory_is_bounded_and_the_last_keys_are_kept() {
        let mut seen = Seen::remembering(10);
        for n in 0..1_000 {
            // Nothing is lost before a third generation begins.
            assert_eq!(seen.forgot(), n >= 20, "{n}");
            assert!(seen.is_new(&n.to_string()));
            assert!(!seen.is_new(&n.to_string()));
            assert!(seen.current.len() + seen.previous.len() <= 20);
        }
        assert!((990..1_000).all(|n| !seen.is_new(&n.to_string())));
    }
}
