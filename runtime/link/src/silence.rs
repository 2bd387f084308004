//! When to ask a silent peer for a sign of life, and when to give it up.

use runner_protocol::limits::{DEAD_PEER_AFTER, PING_AFTER_SILENCE};
use tokio::time::Instant;

/// What to do about a peer's silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Look again then.
    Wait(Instant),
    /// Send a ping now.
    Ping,
    /// Pings have gone unanswered for too long.
    Dead,
}

/// Watches one peer's silence. A peer that merely has nothing to say answers the pings and lives on.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    first_unanswered: Option<Instant>,
    last_ping: Option<Instant>,
}

impl Silence {
    /// Judges the silence since `heard`, the arrival of the last byte.
    pub(crate) fn judge(&mut self, heard: Instant, now: Instant) -> Verdict {
        if self.last_ping.is_some_and(|ping| ping <= heard) {
            *self = Self::default();
        }
        // After this machine was suspended the silence looks long though nobody was asked: a peer has at
        // least the time between two pings to answer the first.
        let dead_at =
            self.first_unanswered.map(|first| (heard + DEAD_PEER_AFTER).max(first + PING_AFTER_SILENCE));
        if dead_at.is_some_and(|at| now >= at) {
            return Verdict::Dead;
        }
        let ping_at = self.last_ping.unwrap_or(heard).max(heard) + PING_AFTER_SILENCE;
        if now >= ping_at {
            self.first_unanswered.get_or_insert(now);
            self.last_ping = Some(now);
            return Verdict::Ping;
        }
        Verdict::Wait(dead_at.map_or(ping_at, |at| at.min(ping_at)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_silent_peer_is_asked_twice_and_then_given_up() {
        let heard = Instant::now();
        let mut silence = Silence::default();
        assert_eq!(silence.judge(heard, heard), Verdict::Wait(heard + s(20)));
        assert_eq!(silence.judge(heard, heard + s(20)), Verdict::Ping);
        assert_eq!(silence.judge(heard, heard + s(20)), Verdict::Wait(heard + s(40)));
        assert_eq!(silence.judge(heard, heard + s(40)), Verdict::Ping);
        assert_eq!(silence.judge(heard, heard + s(40)), Verdict::Wait(heard + s(60)));
        assert_eq!(silence.judge(heard, heard + s(60)), Verdict::Dead);
    }

    #[test]
    fn any_byte_starts_over() {
        let start = Instant::now();
        let mut silence = Silence::default();
        assert_eq!(silence.judge(start, start + s(20)), Verdict::Ping);
        let heard = start + s(21);
        assert_eq!(silence.judge(heard, start + s(40)), Verdict::Wait(heard + s(20)));
        assert_eq!(silence.judge(heard, start + s(65)), Verdict::Ping);
        assert_eq!(silence.judge(heard, start + s(65)), Verdict::Wait(start + s(85)));
    }

    #[test]
    fn a_machine_that_slept_asks_before_it_judges() {
        let heard = Instant::now();
        let mut silence = Silence::default();
        assert_eq!(silence.judge(heard, heard + s(5_000)), Verdict::Ping);
        assert_eq!(silence.judge(heard, heard + s(5_001)), Verdict::Wait(heard + s(5_020)));
        assert_eq!(silence.judge(heard, heard + s(5_020)), Verdict::Dead);
    }
}
