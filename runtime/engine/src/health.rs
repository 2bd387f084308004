//! What jobs say of their sources.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use connector_model::error::{Error, ErrorCode};

use crate::assignment::Assignment;
use crate::lock::lock;

/// What the engine is doing, and how its sources are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Jobs under way, waiting ones included.
    pub active_jobs: usize,
    /// Jobs of those that wait for a slot.
    pub queued_jobs: usize,
    /// The sources, by name.
    pub sources: Vec<SourceHealth>,
}

/// How a source is, as its last job found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceHealth {
    /// Its name.
    pub name: String,
    /// Whether it works.
    pub state: SourceState,
    /// Why it does not.
    pub code: Option<ErrorCode>,
    /// Milliseconds until its last session was ready.
    pub latency_ms: Option<u64>,
    /// When it was found so.
    pub checked_at: Option<SystemTime>,
}

/// Whether a source works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceState {
    /// It answered.
    Ok,
    /// It cannot be reached, or refuses the credentials.
    Failing,
    /// No job has tried it.
    Unknown,
}

/// The sources' health by key.
#[derive(Clone, Default)]
pub(crate) struct HealthBoard(Arc<Mutex<HashMap<Arc<str>, SourceHealth>>>);

/// Sources remembered besides the assigned ones.
const MOST_SOURCES: usize = 4_096;

impl HealthBoard {
    /// Forgets all sources but these.
    pub(crate) fn assign(&self, assignments: &[Assignment]) {
        let mut board = lock(&self.0);
        let mut before = std::mem::take(&mut *board);
        for assignment in assignments {
            let key = assignment.key();
            let health = before.remove(&key).filter(|health| health.name == assignment.name);
            board.insert(key, health.unwrap_or_else(|| unknown(&assignment.name)));
        }
    }

    /// A job's session answered after `latency`.
    pub(crate) fn worked(&self, key: &Arc<str>, name: &str, latency: Duration) {
        self.set(key, name, |health| {
            health.state = SourceState::Ok;
            health.code = None;
            health.latency_ms = Some(u64::try_from(latency.as_millis()).unwrap_or(u64::MAX));
        });
    }

    /// A session could not be had, or was lost. Only an error that says that the source cannot be used at all counts: a
    /// typo in a query says nothing of the database.
    pub(crate) fn failed(&self, key: &Arc<str>, name: &str, error: &Error) {
        use ErrorCode::{ConnectorFailed, SourceAuthFailed, SourceUnreachable};
        if matches!(error.code(), SourceUnreachable | SourceAuthFailed | ConnectorFailed) {
            self.set(key, name, |health| {
                health.state = SourceState::Failing;
                health.code = Some(error.code());
                health.latency_ms = None;
            });
        }
    }

    /// Every source, by name.
    pub(crate) fn all(&self) -> Vec<SourceHealth> {
        let mut all: Vec<SourceHealth> = lock(&self.0).values().cloned().collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    fn set(&self, key: &Arc<str>, name: &str, change: impl FnOnce(&mut SourceHealth)) {
        let mut board = lock(&self.0);
        if let Some(health) = board.get_mut(key) {
            change(health);
            health.checked_at = Some(SystemTime::now());
        } else if board.len() < MOST_SOURCES {
            let mut health = unknown(name);
            change(&mut health);
            health.checked_at = Some(SystemTime::now());
            board.insert(key.clone(), health);
        }
    }
}

fn unknown(name: &str) -> SourceHealth {
    SourceHealth {
        name: name.to_owned(),
        state: SourceState::Unknown,
        code: None,
        latency_ms: None,
        checked_at: None,
    }
}
