//! Whether jobs can come, and what the log says of the link.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use metrics::{Counter, counter};
use runner_link::{LinkState, Observer};

/// How the runner stands with its gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// No session yet, or none any more.
    Away {
        /// Why.
        reason: String,
    },
    /// The gateway has answered `hello`.
    Ready,
    /// The runner is stopping.
    Draining,
}

/// The state, shared. A clone is the same one.
#[derive(Clone)]
pub(super) struct Readiness(Arc<Shared>);

struct Shared {
    standing: Mutex<Standing>,
    reconnects: Counter,
}

struct Standing {
    state: State,
    /// Since when there is a session.
    acknowledged: Option<Instant>,
    /// Whether there was one before.
    was_lost: bool,
}

impl Readiness {
    pub(super) fn new() -> Self {
        let state = State::Away { reason: "connecting to the gateway".to_owned() };
        let standing = Mutex::new(Standing { state, acknowledged: None, was_lost: false });
        let reconnects = counter!("semilayer_gateway_reconnects_total");
        // There from the start, so that an alert sees the first one as a change.
        reconnects.increment(0);
        Readiness(Arc::new(Shared { standing, reconnects }))
    }

    pub(super) fn state(&self) -> State {
        self.lock().state.clone()
    }

    /// How long ago the gateway acknowledged the session there is.
    pub(super) fn session_age(&self) -> Option<Duration> {
        self.lock().acknowledged.map(|acknowledged| acknowledged.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.0.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draining is for good.
    pub(super) fn set(&self, new: State) {
        let mut standing = self.lock();
        match new {
            State::Ready => {
                standing.acknowledged = Some(Instant::now());
                if std::mem::take(&mut standing.was_lost) {
                    self.0.reconnects.increment(1);
                }
            }
            State::Away { .. } => standing.was_lost |= standing.acknowledged.take().is_some(),
            State::Draining => {}
        }
        if standing.state != State::Draining {
            standing.state = new;
        }
    }
}

/// Keeps the readiness and writes the published lines.
impl Observer for Readiness {
    fn changed(&self, state: &LinkState<'_>) {
        match state {
            LinkState::Acknowledged { session_id, features, sources } => {
                self.set(State::Ready);
                tracing::info!(
                    session = session_id,
                    features = features.join(","),
                    sources,
                    "→ connected, awaiting jobs"
                );
            }
            LinkState::Disconnected { reason } => {
                let (cause, reason) = (reason.name(), reason.to_string());
                // While draining, the end of the session is what was asked for.
                if self.state() == State::Draining {
                    tracing::info!(cause, reason, "disconnected: {reason}");
                } else {
                    tracing::warn!(cause, reason, "⚠ disconnected: {reason}");
                    counter!("semilayer_gateway_disconnects_total", "reason" => cause).increment(1);
                }
                self.set(State::Away { reason });
            }
            LinkState::Draining => self.set(State::Draining),
            LinkState::Connecting => tracing::debug!("connecting to the gateway"),
            LinkState::Connected => tracing::debug!("connected, hello is on its way"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runner_that_drains_is_never_ready_again() {
        let readiness = Readiness::new();
        readiness.changed(&LinkState::Acknowledged { session_id: "s", features: &[], sources: 1 });
        assert_eq!(readiness.state(), State::Ready);
        readiness.changed(&LinkState::Draining);
        readiness.changed(&LinkState::Acknowledged { session_id: "s", features: &[], sources: 1 });
        assert_eq!(readiness.state(), State::Draining);
    }
}
