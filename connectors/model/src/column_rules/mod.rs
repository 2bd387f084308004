//! What a runner's own policy does to columns on their way out: write, drop, null, redact, or a keyed hash.
//!
//! Rules act on rows, wherever those come from: cell by cell while a driver writes, and on the objects that a module or
//! another buffer hands over whole. They do not act on the groups of an aggregate, on counts, on cursors, or on which
//! rows a `where` or an `orderBy` chooses: a guarded column shows through each of these, so whoever admits requests has
//! to refuse those that name one.

mod objects;
pub(crate) mod scan;
mod value;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

pub(crate) use objects::Rewriter;

use crate::wildcard::Wildcard;

/// What a redacted value is replaced with, as JSON.
pub const REDACTED: &[u8] = b"\"***\"";

/// A hash that nobody without the key can compute, so that values cannot be found by hashing guesses.
pub trait KeyedHash: Send + Sync {
    /// The hash of these bytes.
    fn digest(&self, value: &[u8]) -> [u8; 32];
}

impl fmt::Debug for dyn KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHash")
    }
}

/// What becomes of one column.
#[derive(Debug, Clone)]
pub enum ColumnRule {
    /// Its values are written as they are.
    Keep,
    /// Each value is replaced by its keyed hash, 64 hexadecimal digits in a string. A text is hashed as its characters in
    /// UTF-8, anything else as its JSON: equal values stay equal, across rows and across sources with the same key. NULL
    /// stays null.
    Hash(Arc<dyn KeyedHash>),
    /// Each value is replaced by [`REDACTED`], NULL too.
    Redact,
    /// Each value is null.
    Null,
    /// Rows do not have the column.
    Drop,
}

impl ColumnRule {
    /// How much it hides: where two rules meet, the one that hides more is meant.
    pub fn strictness(&self) -> u8 {
        match self {
            ColumnRule::Keep => 0,
            ColumnRule::Hash(_) => 1,
            ColumnRule::Redact => 2,
            ColumnRule::Null => 3,
            ColumnRule::Drop => 4,
        }
    }
}

/// The rules of one target's columns, by name.
///
/// Names are compared without regard to case: databases differ in whether `Email` is another column than `email`, and a
/// rule that hides one column too many is mended sooner than one that hides nothing. A column without a rule is kept.
/// Only a row's own columns are meant, not the members of a document in one.
#[derive(Debug, Clone, Default)]
pub struct ColumnRules {
    rules: HashMap<Box<str>, ColumnRule>,
    /// Those for names with a wildcard.
    patterns: Vec<(Wildcard, ColumnRule)>,
}

impl ColumnRules {
    /// The rules; of two for one column the stricter counts.
    pub fn new<N: AsRef<str>>(rules: impl IntoIterator<Item = (N, ColumnRule)>) -> Self {
        ColumnRules::of_patterns(
            rules.into_iter().map(|(name, rule)| (Wildcard::literal(name.as_ref()), rule)),
        )
    }

    /// The rules for all columns that these names fit; of two for one column the stricter counts.
    pub fn of_patterns(rules: impl IntoIterator<Item = (Wildcard, ColumnRule)>) -> Self {
        let mut found = ColumnRules::default();
        for (pattern, rule) in rules {
            if matches!(rule, ColumnRule::Keep) {
                continue;
            }
            let Some(name) = pattern.name() else {
                found.patterns.push((pattern, rule));
                continue;
            };
            let kept = found.rules.entry(name.into()).or_insert(ColumnRule::Keep);
            if rule.strictness() > kept.strictness() {
                *kept = rule;
            }
        }
        found
    }

    /// Whether every column is kept.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.patterns.is_empty()
    }

    /// What becomes of this column; `None` when it is kept.
    pub fn of(&self, name: &str) -> Option<&ColumnRule> {
        let named = self.rules.get(&folded(name));
        let fitting = self.patterns.iter().filter(|(pattern, _)| pattern.matches(name)).map(|(_, rule)| rule);
        named.into_iter().chain(fitting).max_by_key(|rule| rule.strictness())
    }
}

fn folded(name: &str) -> Box<str> {
    name.to_lowercase().into_boxed_str()
}
