//! When a server that does not answer is asked again.

use std::time::Duration;

use connector_model::error::Error;
use tokio::time::Instant;

/// The wait after the first failure; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait: a server that is back is found within this time.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// While a server is down, one attempt at a time is let through, with growing pauses; everyone else is told at once
/// what the last attempt ended with.
#[derive(Debug, Default)]
pub(crate) enum Breaker {
    /// The server answered last time, or was never asked.
    #[default]
    Closed,
    /// It did not.
    Open {
        /// What the last attempt ended with.
        error: Error,
        /// Failures in a row.
        failures: u32,
        /// When the next attempt may be made.
        retry_at: Instant,
        /// Whether one is under way.
        probing: bool,
    },
}

impl Breaker {
    /// Asks whether a session may be opened now.
    ///
    /// # Errors
    /// The last attempt's error when not.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<Admitted, Error> {
        match self {
            Breaker::Closed => Ok(Admitted::Freely),
            Breaker::Open { retry_at, probing, .. } if !*probing && now >= *retry_at => {
                *probing = true;
                Ok(Admitted::AsProbe)
            }
            Breaker::Open { error, .. } => Err(error.clone()),
        }
    }

    /// What the last attempt ended with, while the server is down.
    pub(crate) fn error(&self) -> Option<&Error> {
        match self {
            Breaker::Closed => None,
            Breaker::Open { error, .. } => Some(error),
        }
    }

    /// An attempt worked.
    pub(crate) fn worked(&mut self) {
        *self = Breaker::Closed;
    }

    /// An attempt failed.
    pub(crate) fn failed(&mut self, admitted: Admitted, failure: &Error, now: Instant) {
        let failures = match (&mut *self, admitted) {
            (Breaker::Closed, _) => 1,
            (Breaker::Open { failures, .. }, Admitted::AsProbe) => failures.saturating_add(1),
            // It began before the breaker opened: the same failure, seen once more.
            (Breaker::Open { error, .. }, Admitted::Freely) => {
                *error = failure.clone();
                return;
            }
        };
        let wait =
            FIRST_WAIT.saturating_mul(1u32.checked_shl(failures - 1).unwrap_or(u32::MAX)).min(LONGEST_WAIT);
        *self = Breaker::Open { error: failure.clone(), failures, retry_at: now + wait, probing: false };
    }

    /// An attempt was given up by whoever wanted it: that says nothing of the server.
    pub(crate) fn given_up(&mut self, admitted: Admitted) {
        if let (Breaker::Open { probing, .. }, Admitted::AsProbe) = (self, admitted) {
            *probing = false;
        }
    }
}

/// How an attempt was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// Like any other: nothing is known against the server.
    Freely,
    /// As the one attempt that finds out whether the server is back.
    AsProbe,
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_model::error::ErrorCode;

    fn down() -> Error {
        Error::new(ErrorCode::SourceUnreachable, "down")
    }

    #[tokio::test(start_paused = true)]
    async fn one_attempt_at_a_time_with_growing_pauses_until_it_works() {
        let mut breaker = Breaker::default();
        let mut waits = Vec::new();
        assert!(breaker.admit(Instant::now()).is_ok());
        breaker.failed(Admitted::Freely, &down(), Instant::now());
        for _ in 0..8 {
            let failed_at = Instant::now();
            while breaker.admit(Instant::now()).is_err() {
                tokio::time::advance(Duration::from_millis(10)).await;
            }
            waits.push(failed_at.elapsed().as_millis());
            assert_eq!(breaker.admit(Instant::now()).unwrap_err().code(), ErrorCode::SourceUnreachable);
            breaker.failed(Admitted::AsProbe, &down(), Instant::now());
        }
        assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        tokio::time::advance(LONGEST_WAIT).await;
        assert!(breaker.admit(Instant::now()).is_ok());
        breaker.worked();
        assert!(breaker.admit(Instant::now()).is_ok() && breaker.admit(Instant::now()).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_given_up_attempt_lets_the_next_one_try() {
        let mut breaker = Breaker::default();
        breaker.failed(Admitted::Freely, &down(), Instant::now());
        tokio::time::advance(LONGEST_WAIT).await;
        assert!(breaker.admit(Instant::now()).is_ok());
        assert!(breaker.admit(Instant::now()).is_err());
        breaker.given_up(Admitted::Freely);
        assert!(breaker.admit(Instant::now()).is_err(), "only the probe's own end ends the probe");
        breaker.given_up(Admitted::AsProbe);
        assert!(breaker.admit(Instant::now()).is_ok());
    }
}
