//! What targets there are, and what their rows look like, as far as a bounded look at the keys tells.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use semilayer_connector::error;
use semilayer_connector::log;
use semilayer_connector::prelude::{Result, Target};

use crate::commands::Commands;
use crate::fetch::Fetcher;
use crate::name::{Prefix, listed};
use crate::seen::Seen;
use crate::shape::{Sample, Shape, TARGET_KIND};
use crate::sweep::{STEP_KEYS, Sweep};

/// How many keys are looked at for the list of targets: the server's order has nothing to do with names, so a prefix that
/// is missing among so many has next to no keys.
const LISTED_KEYS: u64 = 1_000_000;

/// And to offer names in the place of one that does not exist.
const SUGGESTED_KEYS: u64 = 100_000;

/// How many targets are told apart.
const MOST_TARGETS: usize = 10_000;

/// How many bytes of values one sample reads.
const SAMPLE_BYTES: usize = 16 * 1024 * 1024;

/// How long a sample holds.
const FRESH: Duration = Duration::from_secs(60);

/// How many targets' shapes a session remembers.
const REMEMBERED: usize = 64;

/// The prefixes of the keys, by name.
///
/// # Errors
/// What the server refused, or the network broke.
pub fn targets(commands: &mut impl Commands) -> Result<Vec<Target>> {
    let (counts, whole) = prefixes(commands, LISTED_KEYS)?;
    if !whole {
        let count = LISTED_KEYS.to_string();
        log::warn("the list of targets is of a part of the keys", &[("keys", count.as_str())]);
    }
    let mut targets: Vec<Target> = counts
        .into_iter()
        .map(|(name, keys)| Target {
            name: name.into(),
            kind: TARGET_KIND.to_owned(),
            schema: None,
            estimated_rows: whole.then_some(keys),
        })
        .collect();
    targets.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(targets)
}

/// How many keys each prefix has, and whether all keys were looked at.
fn prefixes(commands: &mut impl Commands, most: u64) -> Result<(HashMap<Box<str>, u64>, bool)> {
    let mut counts: HashMap<Box<str>, u64> = HashMap::new();
    let (mut sweep, mut seen) = (Sweep::new(None), Seen::default());
    let mut all_told = true;
    while !sweep.ended() && sweep.looked_at() < most {
        sweep.step(commands, STEP_KEYS, &mut |key| {
            let Some(name) = listed(&key).filter(|_| seen.is_new(&key)) else { return };
            let is_full = counts.len() >= MOST_TARGETS;
            match counts.get_mut(name) {
                Some(count) => *count += 1,
                None if !is_full => {
                    counts.insert(name.into(), 1);
                }
                None => all_told = false,
            }
        })?;
    }
    Ok((counts, sweep.ended() && all_told))
}

/// The error for a target without rows.
///
/// # Errors
/// Always: `INVALID_TARGET` with the nearest names, or what kept them from being looked up.
pub fn unknown<T>(commands: &mut impl Commands, prefix: &Prefix) -> Result<T> {
    let (counts, _) = prefixes(commands, SUGGESTED_KEYS)?;
    Err(error::not_found(&prefix.name, counts.keys().map(AsRef::as_ref)))
}

/// What a sample of so many rows shows of a target.
///
/// # Errors
/// `INVALID_TARGET` when there is no row; what the server refused, or the network broke.
fn sampled(commands: &mut impl Commands, prefix: &Prefix, rows: u64) -> Result<Shape> {
    let (mut sweep, mut seen) = (Sweep::new(Some(prefix)), Seen::default());
    let (mut fetcher, mut sample) = (Fetcher::default(), Sample::default());
    let (mut waiting, mut ready) = (VecDeque::new(), VecDeque::new());
    let mut bytes = 0;
    while !(sweep.ended() && waiting.is_empty()) && sample.rows() < rows && bytes < SAMPLE_BYTES {
        if waiting.is_empty() {
            // A look at too many keys costs less than another step, mostly.
            let count = sweep.count_for(rows - sample.rows()).max(STEP_KEYS / 4);
            sweep.step(commands, count, &mut |key| {
                if seen.is_new(&key) {
                    waiting.push_back(key);
                }
            })?;
            continue;
        }
        fetcher.fetch(commands, &mut waiting, &mut ready)?;
        for row in ready.drain(..) {
            bytes += row.stored.len();
            sample.add(&row);
        }
    }
    if sample.rows() == 0 {
        return unknown(commands, prefix);
    }
    Ok(sample.shape(&prefix.name, sweep.ended() && waiting.is_empty()))
}

/// The shapes that were looked up last.
#[derive(Debug, Default)]
pub struct Shapes {
    known: Vec<(Instant, Shape)>,
}

impl Shapes {
    /// A target's shape with all of these columns; a sample that does not show them is taken anew before they are called
    /// unknown.
    ///
    /// # Errors
    /// `INVALID_TARGET` when there is no row; what the server refused, or the network broke.
    pub fn of(
        &mut self,
        commands: &mut impl Commands,
        prefix: &Prefix,
        rows: u64,
        needed: &[&str],
    ) -> Result<Shape> {
        self.known.retain(|(taken, _)| taken.elapsed() < FRESH);
        let known = self.known.iter().find(|(_, shape)| shape.name == prefix.name);
        if let Some((_, shape)) = known
            && needed.iter().all(|name| shape.has(name))
        {
            return Ok(shape.clone());
        }
        self.known.retain(|(_, shape)| shape.name != prefix.name);
        let shape = sampled(commands, prefix, rows)?;
        if self.known.len() >= REMEMBERED {
            self.known.remove(0);
        }
        self.known.push((Instant::now(), shape.clone()));
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Shelf;
    use semilayer_connector::prelude::ErrorCode;

    #[test]
    fn targets_are_the_prefixes_of_keys() {
        let mut shelf = Shelf::default();
        for key in ["users:1", "users:2", "orders:2024:1", "plain", ":empty", "a b:1"] {
            shelf.text(key, "{}");
        }
        let found = targets(&mut shelf).unwrap();
        let found: Vec<_> =
            found.iter().map(|target| (target.name.as_str(), target.estimated_rows)).collect();
        assert_eq!(found, [("a b", Some(1)), ("orders", Some(1)), ("users", Some(2))]);
    }

    #[test]
    fn a_shape_is_remembered_until_a_column_is_missing() {
        let (mut shelf, mut shapes) = (Shelf::default(), Shapes::default());
        shelf.text("t:1", r#"{"a": 1}"#);
        shelf.other("list:1");
        let t = Prefix::of("t").unwrap();
        assert!(shapes.of(&mut shelf, &t, 100, &[]).unwrap().complete);
        let sent = shelf.sent.len();
        shelf.text("t:2", r#"{"b": 1}"#);
        assert!(!shapes.of(&mut shelf, &t, 100, &["a"]).unwrap().has("b"));
        assert_eq!(shelf.sent.len(), sent, "the first sample holds");
        assert!(shapes.of(&mut shelf, &t, 100, &["b"]).unwrap().has("b"));
        let small = shapes.of(&mut shelf, &t, 1, &["none"]).unwrap();
        assert!(small.sampled >= 1);
        for (name, hint) in [("tt", "\"t\""), ("list", ""), ("", "")] {
            let failed = Prefix::of(name).and_then(|prefix| shapes.of(&mut shelf, &prefix, 100, &[]));
            let error = failed.unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidTarget, "{name}");
            assert!(error.message().contains(hint), "{error}");
        }
    }
}
