//! The table of jobs under way.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::lock::lock;

/// Jobs by id, each with what stops it.
#[derive(Clone, Default)]
pub(crate) struct Running(Arc<Inner>);

#[derive(Default)]
struct Inner {
    table: Mutex<Table>,
    tracker: TaskTracker,
}

#[derive(Default)]
struct Table {
    jobs: HashMap<Arc<str>, Handle>,
    is_draining: bool,
}

/// What stops a job.
struct Handle {
    cancel: CancellationToken,
    /// Whether it was the drain that stopped it: the caller still wants the answer, and may have it elsewhere.
    is_cut_off: bool,
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
                let cancel = CancellationToken::new();
                place.insert(Handle { cancel: cancel.clone(), is_cut_off: false });
                // Taken under the lock: whoever sees the drain flag set afterwards also waits for this job.
                let alive = Alive { _token: self.0.tracker.token() };
                Ok((Registered { running: self.clone(), id }, cancel, alive))
            }
        }
    }

    /// Stops one job; says whether there was one.
    pub(crate) fn cancel(&self, id: &str) -> bool {
        let cancel = lock(&self.0.table).jobs.get(id).map(|job| job.cancel.clone());
        cancel.is_some_and(|cancel| {
            cancel.cancel();
            true
        })
    }

    /// Stops every job; says how many. While draining, those that nobody stopped before are cut off by the drain.
    pub(crate) fn cancel_all(&self) -> usize {
        let tokens: Vec<CancellationToken> = {
            let mut table = lock(&self.0.table);
            let Table { jobs, is_draining } = &mut *table;
            let stop = |job: &mut Handle| {
                job.is_cut_off |= *is_draining && !job.cancel.is_cancelled();
                job.cancel.clone()
            };
            jobs.values_mut().map(stop).collect()
        };
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

impl Registered {
    /// Whether the drain stopped the job.
    pub(crate) fn is_cut_off(&self) -> bool {
        lock(&self.running.0.table).jobs.get(&self.id).is_some_and(|job| job.is_cut_off)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        lock(&self.running.0.table).jobs.remove(&self.id);
    }
}
