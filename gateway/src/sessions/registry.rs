//! Which sockets are live on this instance.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;
use uuid::Uuid;

use super::session::{Closing, Session};

/// The live sockets by runner. A runner may have several: replicas that share a token.
#[derive(Debug)]
pub(crate) struct Registry {
    live: RwLock<HashMap<Uuid, Vec<Arc<Session>>>>,
    arrivals: watch::Sender<u64>,
}

impl Registry {
    /// No socket yet.
    pub(crate) fn new() -> Self {
        Self { live: RwLock::default(), arrivals: watch::Sender::new(0) }
    }

    /// Makes a socket selectable.
    pub(super) fn add(&self, session: &Arc<Session>) {
        {
            let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
            live.entry(session.runner_id).or_default().push(Arc::clone(session));
        }
        self.arrivals.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Takes a socket out.
    pub(super) fn remove(&self, session: &Session) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(sessions) = live.get_mut(&session.runner_id) {
            sessions.retain(|other| other.id != session.id);
            if sessions.is_empty() {
                live.remove(&session.runner_id);
            }
        }
    }

    /// The live sockets of these runners.
    pub(crate) fn of(&self, runners: &[Uuid]) -> Vec<Arc<Session>> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        runners.iter().filter_map(|runner| live.get(runner)).flatten().map(Arc::clone).collect()
    }

    /// Every live socket.
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.values().flatten().map(Arc::clone).collect()
    }

    /// Changes whenever a socket becomes selectable.
    pub(crate) fn arrivals(&self) -> watch::Receiver<u64> {
        self.arrivals.subscribe()
    }

    /// Closes every socket of a runner.
    pub(crate) fn close_runner(&self, runner: Uuid, closing: Closing) {
        for session in self.of(&[runner]) {
            session.close(closing);
        }
    }

    /// Jobs in flight over all sockets.
    pub(crate) fn in_flight(&self) -> usize {
        self.all().iter().map(|session| session.in_flight()).sum()
    }
}
