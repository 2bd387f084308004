//! Whether jobs can come, and what the log says of the link.

use std::sync::{Arc, Mutex, PoisonError};

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
#[derive(Debug, Clone)]
pub(super) struct Readiness(Arc<Mutex<State>>);

impl Readiness {
    pub(super) fn new() -> Self {
        Readiness(Arc::new(Mutex::new(State::Away { reason: "connecting to the gateway".to_owned() })))
    }

    pub(super) fn state(&self) -> State {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Draining is for good.
    pub(super) fn set(&self, new: State) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *state != State::Draining {
            *state = new;
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
                let reason = reason.to_string();
                // While draining, the end of the session is what was asked for.
                if self.state() == State::Draining {
                    tracing::info!("disconnected: {reason}");
                } else {
                    tracing::warn!("⚠ disconnected: {reason}");
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
