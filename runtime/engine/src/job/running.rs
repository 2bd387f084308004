//! The table of jobs under way.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::lock::lock;

/// Jobs by id, each with the token that stops it.
#[derive(Clone, Default)]
pub(crate) struct Running(Arc<Inner>);

#[derive(Default)]
struct Inner {
    table: Mutex<Table>,
    tracker: TaskTracker,
}

#[derive(Default)]
struct Table {
    jobs: HashMap<Arc<str>, CancellationToken>,
    is_draining: bool,
}

/// A job's place in the table; dropping it frees the id.
pub(crate) struct Registered {
    running: Running,
    id: Arc<str>,
}

/// Keeps [`Running::all_ended`] waiting.
pub(crate) struct Alive {
    _token: TaskTrackerToken,
}

/// Why a job is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// A job of that id is running.
    Duplicate,
    /// No job is taken any more.
    Draining,
}

impl Running {
    /// Takes a job in.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub(crate) fn register(&self, id: &str) -> Result<(Registered, CancellationToken, Alive), NotTaken> {
        let mut table = lock(&self.0.table);
        let is_draining = table.is_draining;
        match table.jobs.entry(Arc::from(id)) {
            Entry::Occupied(_) => Err(NotTaken::Duplicate),
            Entry::Vacant(_) if is_draining => Err(NotTaken::Draining),
            Entry::Vacant(place) => {
                let id = place.key().clone();
                let token = place.insert(CancellationToken::new()).clone();
                // Taken under the lock: whoever sees the drain flag set afterwards also waits for this job.
                let alive = Alive { _token: self.0.tracker.token() };
                Ok((Registered { running: self.clone(), id }, token, alive))
            }
        }
    }

    /// Stops one job; says whether there was one.
    pub(crate) fn cancel(&self, id: &str) -> bool {
        let token = lock(&self.0.table).jobs.get(id).cloned();
        token.is_some_and(|token| {
            token.cancel();
            true
        })
    }

    /// Stops every job; says how many.
    pub(crate) fn cancel_all(&self) -> usize {
        let tokens: Vec<CancellationToken> = lock(&self.0.table).jobs.values().cloned().collect();
        // Outside the lock: waking a job may run its end on this very thread.
        tokens.iter().for_each(CancellationToken::cancel);
        tokens.len()
    }

    /// How many jobs are under way, waiting ones included.
    pub(crate) fn count(&self) -> usize {
        lock(&self.0.table).jobs.len()
    }

    /// Takes no further job in.
    pub(crate) fn drain(&self) {
        lock(&self.0.table).is_draining = true;
        self.0.tracker.close();
    }

    /// Waits until every job's end was sent; only after [`Running::drain`].
    pub(crate) async fn all_ended(&self) {
        self.0.tracker.wait().await;
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        lock(&self.running.0.table).jobs.remove(&self.id);
    }
}
