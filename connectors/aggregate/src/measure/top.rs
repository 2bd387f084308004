//! The most frequent values.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use connector_model::error::Result;
use connector_model::target::LogicalType;

use crate::budget::{Budget, ENTRY_BYTES};
use connector_evaluate::value::{Value, identity};

/// Counters that a sketch keeps for each value it is asked for, and the least it keeps: a value that makes up more
/// than one in so many rows is always among them.
const SPARE: usize = 8;
const LEAST: usize = 256;

/// Values with how often each occurred. With room for a fixed number of them it is a space-saving sketch (Metwally,
/// Agrawal and El Abbadi 2005) that makes room for many values at once: at twice the room the less frequent half is
/// forgotten, and a value that comes anew is counted as if it had been the most frequent of those. So a count is never
/// too low, and too high by no more than the rows divided by the room: every step of `floor` takes that much from each
/// of `room` counts, and every row gives one.
#[derive(Debug)]
pub(crate) struct Top {
    values: HashMap<Box<[u8]>, Counted>,
    /// How many values are kept at least.
    room: usize,
    /// The greatest count that was forgotten.
    floor: u64,
}

#[derive(Debug)]
struct Counted {
    /// The JSON, where it is another than what identifies the value.
    shown: Option<Box<[u8]>>,
    count: u64,
}

impl Top {
    /// Counts every value.
    pub(crate) fn exact() -> Top {
        Top { values: HashMap::new(), room: usize::MAX, floor: 0 }
    }

    /// Counts about the `k` most frequent.
    pub(crate) fn sketch(k: u32) -> Top {
        Top { values: HashMap::new(), room: (k as usize).saturating_mul(SPARE).max(LEAST), floor: 0 }
    }

    /// Counts a value.
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE`.
    pub(crate) fn add(&mut self, json: &[u8], kind: LogicalType, budget: &mut Budget) -> Result<()> {
        let mut key = Vec::with_capacity(json.len());
        identity(&mut key, json, kind);
        let shown: Option<Box<[u8]>> = (key != json).then(|| json.into());
        if let Some(known) = self.values.get_mut(key.as_slice()) {
            known.count += 1;
            // Which of several forms is shown must not depend on the order of the rows.
            let (form, before) =
                (known.shown.as_deref().unwrap_or(&key), known.shown.as_ref().map_or(0, |s| s.len()));
            if shorter(json, form) {
                budget.change(before, shown.as_ref().map_or(0, |shown| shown.len()))?;
                known.shown = shown;
            }
            return Ok(());
        }
        if self.values.len() >= self.room.saturating_mul(2) {
            self.forget(budget);
        }
        let count = self.floor + 1;
        let counted = Counted { shown, count };
        let key = key.into_boxed_slice();
        budget.take(held(&key, &counted))?;
        if let Entry::Vacant(place) = self.values.entry(key) {
            place.insert(counted);
        }
        Ok(())
    }

    fn forget(&mut self, budget: &mut Budget) {
        let mut entries: Vec<(Box<[u8]>, Counted)> = self.values.drain().collect();
        entries.select_nth_unstable_by(self.room, |(a, left), (b, right)| {
            right.count.cmp(&left.count).then_with(|| a.cmp(b))
        });
        for (key, counted) in entries.drain(self.room..) {
            self.floor = self.floor.max(counted.count);
            budget.give(held(&key, &counted));
        }
        self.values.extend(entries);
    }

    /// `[{"key":…,"count":…}]`: the `k` most frequent, the smaller first among equally frequent ones.
    pub(crate) fn write(self, out: &mut Vec<u8>, k: u32, kind: LogicalType) {
        let shown = |entry: &(Box<[u8]>, Counted)| entry.1.shown.clone().unwrap_or_else(|| entry.0.clone());
        let order = |a: &(Box<[u8]>, Counted), b: &(Box<[u8]>, Counted)| -> Ordering {
            b.1.count.cmp(&a.1.count).then_with(|| {
                let (a, b) = (shown(a), shown(b));
                Value::read(&a, kind).order(&Value::read(&b, kind)).then_with(|| a.cmp(&b))
            })
        };
        let mut entries: Vec<(Box<[u8]>, Counted)> = self.values.into_iter().collect();
        let most = k as usize;
        if entries.len() > most && most > 0 {
            entries.select_nth_unstable_by(most - 1, order);
            entries.truncate(most);
        }
        entries.sort_by(order);
        out.push(b'[');
        for (at, entry) in entries.iter().enumerate() {
            out.extend_from_slice(if at > 0 { b",{\"key\":" } else { b"{\"key\":" });
            out.extend_from_slice(&shown(entry));
            out.extend_from_slice(format!(",\"count\":{}}}", entry.1.count).as_bytes());
        }
        out.push(b']');
    }
}

/// Whether one form of a value is shown rather than another.
pub(crate) fn shorter(form: &[u8], than: &[u8]) -> bool {
    form.len().cmp(&than.len()).then_with(|| form.cmp(than)).is_lt()
}

fn held(key: &[u8], counted: &Counted) -> usize {
    key.len()
        + counted.shown.as_ref().map_or(0, |shown| shown.len())
        + size_of::<(Box<[u8]>, Counted)>()
        + ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;

    fn top(mut top: Top, values: impl IntoIterator<Item = String>, k: u32) -> serde_json::Value {
        let mut budget = Budget::new(1 << 24, &Memory::default());
        for value in values {
            top.add(value.as_bytes(), LogicalType::Integer, &mut budget).unwrap();
        }
        let mut out = Vec::new();
        top.write(&mut out, k, LogicalType::Integer);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn the_smaller_of_equally_frequent_values_comes_first() {
        let values = [10, 9, 10, 9, 1, 2, 2, 2].map(|value: i32| value.to_string());
        let found = top(Top::exact(), values, 2);
        assert_eq!(found.to_string(), r#"[{"key":2,"count":3},{"key":9,"count":2}]"#);
    }

    #[test]
    fn a_sketch_finds_what_is_frequent_and_never_counts_too_low() {
        // Value n occurs in 20,000 / 2^n of the rows, among as many rows that occur once.
        let frequent =
            (0..40_000_u32).map(|row| if row % 2 == 0 { row + 1_000 } else { row.trailing_ones() });
        let found = top(Top::sketch(3), frequent.map(|value| value.to_string()), 3);
        let entries = found.as_array().unwrap();
        let keys: Vec<u64> = entries.iter().map(|entry| entry["key"].as_u64().unwrap()).collect();
        assert_eq!(keys, [1, 2, 3], "{found}");
        for (entry, count) in entries.iter().zip([10_000, 5_000, 2_500]) {
            let error = entry["count"].as_u64().unwrap() - count;
            assert!(error <= 40_000 / LEAST as u64, "{found}");
        }
    }

    #[test]
    fn what_a_sketch_holds_is_bounded() {
        let mut top = Top::sketch(1);
        let mut budget = Budget::new(128 * 1024, &Memory::default());
        for value in 0..20_000_u32 {
            top.add(value.to_string().as_bytes(), LogicalType::Integer, &mut budget).unwrap();
        }
        assert!(top.values.len() <= 2 * LEAST);
        assert!(Top::exact().room > LEAST);
    }
}
