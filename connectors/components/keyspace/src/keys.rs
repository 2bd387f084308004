//! Which keys a result looks at, and in what order.

use std::collections::{BTreeSet, VecDeque};

use semilayer_connector::filter::{Cast, Filter, Operand, Test, Typed, cast};
use semilayer_connector::prelude::{LogicalType, Result};

use crate::commands::Commands;
use crate::document::KEY;
use crate::name::Prefix;
use crate::seen::Seen;
use crate::sweep::{STEP_KEYS, Sweep};

/// How many keys are held to be handed on in order: one sweep of the whole database for so many rows.
const WINDOW_KEYS: usize = 100_000;

/// And how many bytes of them.
const WINDOW_BYTES: usize = 16 * 1024 * 1024;

/// Keys that hold no row, or are gone, when as many are looked at as rows are wanted.
const SPARE_KEYS: u64 = 64;

/// Keys to look at.
pub enum Keys {
    /// These, in ascending order.
    Listed(VecDeque<Box<str>>),
    /// All of a prefix, in ascending order.
    Ordered(Ordered),
    /// All of a prefix, in the server's own order.
    Swept(Sweep, Box<Seen>),
}

/// The keys of a prefix in ascending order, a window at a time: each is one sweep that remembers the smallest keys behind
/// the window before.
pub struct Ordered {
    prefix: Prefix,
    after: Option<Box<str>>,
    window: usize,
    ended: bool,
}

impl Keys {
    /// All keys of the prefix, in the server's own order.
    pub fn swept(sweep: Sweep) -> Keys {
        Keys::Swept(sweep, Box::default())
    }

    /// All keys of the prefix behind `after`, in order. `wanted` rows are taken, if that is known.
    pub fn ordered(prefix: &Prefix, after: Option<&str>, wanted: Option<u64>) -> Keys {
        let window = wanted.and_then(|rows| usize::try_from(rows.saturating_add(SPARE_KEYS)).ok());
        Keys::Ordered(Ordered {
            prefix: prefix.clone(),
            after: after.map(Into::into),
            window: window.unwrap_or(WINDOW_KEYS).min(WINDOW_KEYS),
            ended: false,
        })
    }

    /// The keys that a filter names, if it names any: every row that passes has one of them.
    pub fn named(filter: &Filter, prefix: &Prefix) -> Option<Keys> {
        let mut keys = keys_in(filter)?;
        keys.retain(|key| prefix.has(key));
        Some(Keys::Listed(keys.into_iter().collect()))
    }

    /// Leaves out what a page before had.
    pub fn skip_to(&mut self, after: &str) {
        if let Keys::Listed(keys) = self {
            keys.retain(|key| **key > *after);
        }
    }

    /// Whether a key may have come twice without being noticed.
    pub fn may_repeat(&self) -> bool {
        matches!(self, Keys::Swept(_, seen) if seen.forgot())
    }

    /// Adds some keys; `false` when there are no more. `wanted` is about how many rows are still to come.
    ///
    /// # Errors
    /// What the server refused, or the network broke.
    pub fn next(
        &mut self,
        commands: &mut impl Commands,
        wanted: Option<u64>,
        into: &mut VecDeque<Box<str>>,
    ) -> Result<bool> {
        match self {
            Keys::Listed(keys) => {
                into.append(keys);
                Ok(false)
            }
            Keys::Ordered(ordered) => ordered.next(commands, into),
            Keys::Swept(sweep, seen) => {
                let count = wanted.map_or(STEP_KEYS, |rows| sweep.count_for(rows));
                sweep.step(commands, count, &mut |key| {
                    if seen.is_new(&key) {
                        into.push_back(key);
                    }
                })?;
                Ok(!sweep.ended())
            }
        }
    }
}

impl Ordered {
    fn next(&mut self, commands: &mut impl Commands, into: &mut VecDeque<Box<str>>) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let (after, window) = (self.after.as_deref(), self.window);
        let mut smallest: BTreeSet<Box<str>> = BTreeSet::new();
        let (mut bytes, mut cut) = (0, false);
        let mut sweep = Sweep::new(Some(&self.prefix));
        while !sweep.ended() {
            sweep.step(commands, STEP_KEYS, &mut |key| {
                if after.is_some_and(|after| *key <= *after) {
                    return;
                }
                if cut && smallest.last().is_some_and(|last| key >= *last) {
                    return;
                }
                let length = key.len();
                if smallest.insert(key) {
                    bytes += length;
                }
                while smallest.len() > window || (bytes > WINDOW_BYTES && smallest.len() > 1) {
                    let dropped = smallest.pop_last().map_or(0, |key| key.len());
                    bytes -= dropped;
                    cut = true;
                }
            })?;
        }
        self.ended = !cut;
        self.after = smallest.last().cloned();
        into.extend(smallest);
        Ok(cut)
    }
}

/// The keys that a filter allows, if it says which: one of its conditions that all have to hold is on the key, by `$eq` or
/// `$in`.
fn keys_in(filter: &Filter) -> Option<BTreeSet<Box<str>>> {
    match filter {
        Filter::And(parts) => parts.iter().filter_map(keys_in).min_by_key(BTreeSet::len),
        Filter::Column(column, test) if column == KEY => {
            let text = |operand: &Operand| match cast(operand, LogicalType::Text) {
                Cast::Value(Typed::Text(text)) => Some(text.into_boxed_str()),
                _ => None,
            };
            match test {
                Test::Equal(operand) => Some(text(operand).into_iter().collect()),
                Test::In(operands) => Some(operands.iter().filter_map(text).collect()),
                Test::Never => Some(BTreeSet::new()),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Shelf;

    fn shelf(keys: u32) -> Shelf {
        let mut shelf = Shelf::default();
        (0..keys).for_each(|n| shelf.text(&format!("a:{n:05}"), "1"));
        (0..50).for_each(|n| shelf.text(&format!("b:{n}"), "1"));
        shelf
    }

    fn all(keys: &mut Keys, shelf: &mut Shelf) -> Vec<Box<str>> {
        let mut into = VecDeque::new();
        while keys.next(shelf, None, &mut into).unwrap() {}
        into.into()
    }

    #[test]
    fn windows_follow_each_other_in_order() {
        let (mut shelf, prefix) = (shelf(2_500), Prefix::of("a").unwrap());
        let mut keys = Keys::ordered(&prefix, None, Some(300));
        let ordered = all(&mut keys, &mut shelf);
        assert_eq!(ordered.len(), 2_500);
        assert!(ordered.is_sorted_by(|left, right| left < right));
        let mut keys = Keys::ordered(&prefix, Some("a:02497"), None);
        assert_eq!(all(&mut keys, &mut shelf), ["a:02498".into(), "a:02499".into()] as [Box<str>; 2]);
    }

    #[test]
    fn a_sweep_brings_a_repeated_key_once() {
        let mut shelf = shelf(2_500);
        let mut keys = Keys::swept(Sweep::new(Some(&Prefix::of("a").unwrap())));
        let mut swept = all(&mut keys, &mut shelf);
        assert_eq!(swept.len(), 2_500);
        swept.sort();
        swept.dedup();
        assert_eq!(swept.len(), 2_500);
    }

    #[test]
    fn a_filter_names_keys_where_all_of_it_has_to_hold() {
        let prefix = Prefix::of("a").unwrap();
        let text = |text: &str| Operand::Text(text.to_owned());
        let key = |test| Filter::Column(KEY.to_owned(), test);
        let other = Filter::Column("n".to_owned(), Test::Equal(Operand::Integer(1)));
        let named = |filter: &Filter| match Keys::named(filter, &prefix) {
            Some(Keys::Listed(keys)) => Some(keys.into_iter().map(String::from).collect::<Vec<_>>()),
            _ => None,
        };
        let list = key(Test::In(vec![text("a:2"), text("b:1"), text("a:1"), Operand::Null, text("a:2")]));
        assert_eq!(named(&list), Some(vec!["a:1".to_owned(), "a:2".to_owned()]));
        let one = Filter::And(vec![other.clone(), list.clone(), key(Test::Equal(text("a:1")))]);
        assert_eq!(named(&one), Some(vec!["a:1".to_owned()]));
        assert_eq!(named(&key(Test::Equal(Operand::Null))), Some(vec![]));
        for open in [
            other.clone(),
            Filter::Or(vec![list.clone(), other]),
            Filter::Not(Box::new(list)),
            key(Test::NotEqual(text("a:1"))),
            Filter::TRUE,
        ] {
            assert_eq!(named(&open), None, "{open:?}");
        }
        let mut keys = Keys::Listed(["a:1".into(), "a:2".into(), "a:3".into()].into());
        keys.skip_to("a:1");
        assert_eq!(all(&mut keys, &mut Shelf::default()).len(), 2);
    }
}
