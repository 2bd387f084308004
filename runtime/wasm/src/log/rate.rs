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
}

impl Rate {
    /// Whether a line at `now` is one of those that pass.
    pub(super) fn passes(&mut self, now: Instant) -> bool {
        if self.began.is_none_or(|began| now.duration_since(began) >= SECOND) {
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

    /// How many did not pass, once in every second that has lines at all: the count begins anew then.
    pub(super) fn take_left_out(&mut self, now: Instant) -> u64 {
        // The first line of a new second.
        if self.began == Some(now) && self.passed == 1 { std::mem::take(&mut self.left_out) } else { 0 }
    }

    /// How many did not pass and were not taken yet.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }
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
}
