//! How long to wait before the next attempt.

use std::time::Duration;

use rand::Rng;

/// Exponential backoff with full jitter: each wait is chosen evenly between nothing and a ceiling, and the
/// ceiling doubles up to a cap. Spreading over the whole range is what keeps runners that lost the same
/// gateway from returning together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    attempt: u32,
}

impl Backoff {
    /// For a gateway that is away: half a second, up to 30 s.
    #[must_use]
    pub fn normal() -> Self {
        Self::new(Duration::from_millis(500), Duration::from_secs(30))
    }

    /// For refused credentials: 5 s, up to 5 min.
    #[must_use]
    pub fn credentials() -> Self {
        Self::new(Duration::from_secs(5), Duration::from_secs(300))
    }

    /// Starts at `base`, ends at `cap`.
    #[must_use]
    pub fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, attempt: 0 }
    }

    /// Waits handed out since the start or the last reset.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The most that the next wait can be.
    #[must_use]
    pub fn ceiling(&self) -> Duration {
        let factor = 2_u32.checked_pow(self.attempt).unwrap_or(u32::MAX);
        self.base.checked_mul(factor).unwrap_or(self.cap).min(self.cap)
    }

    /// The next wait.
    pub fn next_wait(&mut self, rng: &mut impl Rng) -> Duration {
        let ceiling = self.ceiling();
        self.attempt = self.attempt.saturating_add(1);
        rng.random_range(Duration::ZERO..=ceiling)
    }

    /// Starts over.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_cap_and_starts_over_after_a_reset() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut backoff = Backoff::normal();
        let mut ceilings = Vec::new();
        for _ in 0..8 {
            ceilings.push(backoff.ceiling().as_millis());
            backoff.next_wait(&mut rng);
        }
        assert_eq!(ceilings, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        backoff.reset();
        assert_eq!(backoff.ceiling(), Duration::from_millis(500));
        assert_eq!(backoff.attempt(), 0);
    }

    #[test]
    fn a_thousand_runners_spread_over_the_whole_range() {
        let mut buckets = [0_u32; 10];
        for seed in 0..1_000 {
            let wait = Backoff::normal().next_wait(&mut StdRng::seed_from_u64(seed));
            buckets[((wait.as_millis() / 50) as usize).min(9)] += 1;
        }
        assert!(buckets.iter().all(|&count| (50..=170).contains(&count)), "{buckets:?}");
    }

    proptest! {
        #[test]
        fn no_wait_is_over_its_ceiling_or_the_cap(
            seed: u64, base_ms in 0..100_000_u64, cap_ms in 0..1_000_000_u64, attempts in 1..200_usize
        ) {
            let cap = Duration::from_millis(cap_ms);
            let mut backoff = Backoff::new(Duration::from_millis(base_ms), cap);
            let mut rng = StdRng::seed_from_u64(seed);
            let mut previous = Duration::ZERO;
            for _ in 0..attempts {
                let ceiling = backoff.ceiling();
                prop_assert!(ceiling <= cap);
                prop_assert!(ceiling >= previous);
                prop_assert!(backoff.next_wait(&mut rng) <= ceiling);
                previous = ceiling;
            }
        }

        #[test]
        fn the_same_seed_gives_the_same_waits(seed: u64) {
            let waits = || {
                let (mut backoff, mut rng) = (Backoff::credentials(), StdRng::seed_from_u64(seed));
                (0..20).map(|_| backoff.next_wait(&mut rng)).collect::<Vec<_>>()
            };
            prop_assert_eq!(waits(), waits());
        }
    }
}
