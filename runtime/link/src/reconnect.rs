//! What comes after a session: another attempt, when, or the end.

use std::time::Duration;

use rand::rngs::StdRng;
use runner_protocol::{Reaction, Schedule};

use crate::Backoff;

/// The next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Wait, then connect.
    Wait { attempt: u32, delay: Duration },
    /// The credentials have been refused too often.
    CredentialsRefused { attempts: u32 },
    /// The gateway speaks another version.
    VersionRefused,
}

/// Remembers the failures since the last healthy session.
#[derive(Debug)]
pub(crate) struct Reconnect {
    normal: Backoff,
    credentials: Backoff,
    at_once_used: bool,
    auth_attempts: u32,
    rng: StdRng,
}

impl Reconnect {
    /// `auth_attempts` is how often credentials may be refused; 0 is for ever.
    pub(crate) fn new(auth_attempts: u32, rng: StdRng) -> Self {
        Self {
            normal: Backoff::normal(),
            credentials: Backoff::credentials(),
            at_once_used: false,
            auth_attempts,
            rng,
        }
    }

    /// The step after a session that ended with `reaction`. Only a `healthy` one (acknowledged, and up for
    /// 30 s) starts the waits over: a gateway that accepts and falls over at once must not be hammered.
    pub(crate) fn after(&mut self, reaction: Reaction, healthy: bool) -> Step {
        if healthy {
            self.normal.reset();
            self.credentials.reset();
            self.at_once_used = false;
        }
        match reaction {
            Reaction::GiveUp => Step::VersionRefused,
            Reaction::Reconnect(Schedule::AtOnce) if !self.at_once_used => {
                self.at_once_used = true;
                Step::Wait { attempt: 1, delay: Duration::ZERO }
            }
            Reaction::Reconnect(Schedule::AtOnce | Schedule::Normal) => {
                let delay = self.normal.next_wait(&mut self.rng);
                Step::Wait { attempt: self.normal.attempt(), delay }
            }
            Reaction::Reconnect(Schedule::Credentials) => {
                let delay = self.credentials.next_wait(&mut self.rng);
                let attempt = self.credentials.attempt();
                if self.auth_attempts != 0 && attempt >= self.auth_attempts {
                    Step::CredentialsRefused { attempts: attempt }
                } else {
                    Step::Wait { attempt, delay }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const NORMAL: Reaction = Reaction::Reconnect(Schedule::Normal);
    const AT_ONCE: Reaction = Reaction::Reconnect(Schedule::AtOnce);
    const CREDENTIALS: Reaction = Reaction::Reconnect(Schedule::Credentials);

    fn reconnect(auth_attempts: u32) -> Reconnect {
        Reconnect::new(auth_attempts, StdRng::seed_from_u64(7))
    }

    fn attempt(step: Step) -> u32 {
        match step {
            Step::Wait { attempt, .. } => attempt,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_a_healthy_session_starts_the_waits_over() {
        let mut reconnect = reconnect(0);
        assert_eq!(attempt(reconnect.after(NORMAL, false)), 1);
        assert_eq!(attempt(reconnect.after(NORMAL, false)), 2);
        assert_eq!(attempt(reconnect.after(NORMAL, true)), 1);
        assert_eq!(attempt(reconnect.after(NORMAL, false)), 2);
    }

    #[test]
    fn at_once_is_once_until_a_session_was_healthy_again() {
        let mut reconnect = reconnect(0);
        let now = Step::Wait { attempt: 1, delay: Duration::ZERO };
        assert_eq!(reconnect.after(AT_ONCE, false), now);
        for _ in 0..50 {
            assert_ne!(reconnect.after(AT_ONCE, false), now);
        }
        assert_eq!(reconnect.after(AT_ONCE, true), now);
    }

    #[test]
    fn refused_credentials_end_after_the_set_number_of_attempts_or_never() {
        let mut limited = reconnect(3);
        assert_eq!(attempt(limited.after(CREDENTIALS, false)), 1);
        assert_eq!(attempt(limited.after(NORMAL, false)), 1);
        assert_eq!(attempt(limited.after(CREDENTIALS, false)), 2);
        assert_eq!(limited.after(CREDENTIALS, false), Step::CredentialsRefused { attempts: 3 });

        let mut endless = reconnect(0);
        for expected in 1..100 {
            assert_eq!(attempt(endless.after(CREDENTIALS, false)), expected);
        }
    }
}
