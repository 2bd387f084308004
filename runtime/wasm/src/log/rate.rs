//! So many lines a second.

use std::time::Duration;

use tokio::time::Instant;

/// Lines that pass in one second. A connector that says one thing a call stays far below.
const LINES_A_SECOND: u32 = 20;
const SECOND: Duration = Duration::from_secs(1);

/// Counts lines second by second.
#[derive(Debug, Default)]
pub(super) struct Rate {
    began: Option<Instant>,
    passed: u32,
    left_out: u64,
    /// When it was last said how many were left out.
    told: Option<Instant>,
}

impl Rate {
    /// Whether a line at `now` is one of those that pass.
    pub(super) fn passes(&mut self, now: Instant) -> bool {
        if is_over(self.began, now) {
            self.began = Some(now);
            self.passed = 0;
        }
        let passes = self.passed < LINES_A_SECOND;
        match passes {
            true => self.passed += 1,
            false => self.left_out += 1,
        }
        passes
    }

    /// How many did not pass, to be said now: once a second, and not of a second that goes on. The count begins anew then.
    pub(super) fn take_left_out(&mut self, now: Instant) -> u64 {
        let goes_on = self.passed >= LINES_A_SECOND && !is_over(self.began, now);
        if goes_on { 0 } else { self.take_last(now) }
    }

    /// The same when nobody may come any more who would say it later.
    pub(super) fn take_last(&mut self, now: Instant) -> u64 {
        if self.left_out == 0 || !is_over(self.told, now) {
            return 0;
        }
        self.told = Some(now);
        self.take_all()
    }

    /// How many did not pass and were not taken yet.
    pub(super) fn take_all(&mut self) -> u64 {
        std::mem::take(&mut self.left_out)
    }
}

fn is_over(began: Option<Instant>, now: Instant) -> bool {
    began.is_none_or(|began| now.duration_since(began) >= SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_counted_once_a_second() {
        let start = Instant::now();
        let mut rate = Rate::default();
        let mut at = |millis: u64| {
            let now = start + Duration::from_millis(millis);
            (rate.passes(now), rate.take_left_out(now))
        };
        for n in 0..100 {
            assert_eq!(at(n), (n < 20, 0), "line {n}");
        }
        assert_eq!(at(1_000), (true, 80));
        assert_eq!(at(1_001), (true, 0));
        assert_eq!(at(5_000), (true, 0));
    }

    #[test]
    fn instances_that_end_say_it_once_a_second_too() {
        let start = Instant::now();
        let mut rate = Rate::default();
        let mut told = Vec::new();
        for millis in (0..3_000).step_by(10) {
            let now = start + Duration::from_millis(millis);
            for _ in 0..10 {
                rate.passes(now);
            }
            told.extend(Some(rate.take_last(now)).filter(|left_out| *left_out > 0));
        }
        told.push(rate.take_all());
        assert_eq!(told.len(), 4, "{told:?}");
        assert_eq!(told.iter().sum::<u64>(), 3_000 - 60);
    }
}
