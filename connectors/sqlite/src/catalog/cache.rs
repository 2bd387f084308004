//! Described targets, kept for a while for all sessions of a source.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::time::Instant;

use super::{Described, describe, resolve};
use crate::error::Fault;

/// How long a description is believed.
const LIFE: Duration = Duration::from_secs(60);

/// More targets than this are described anew each time; a description is about a kilobyte.
const MOST: usize = 1_000;

/// The source's catalogue.
#[derive(Default)]
pub(crate) struct Catalog {
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Clone)]
struct Known {
    described: Arc<Described>,
    since: Instant,
}

impl Catalog {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` with the target's description. If the description came from the cache and `work` fails as it would
    /// with one that is out of date, it is read again and `work` runs once more, unless `spent` says that the first run
    /// cannot be undone.
    ///
    /// # Errors
    /// `INVALID_TARGET` with the nearest names; what `work` returns.
    pub(crate) fn with<T>(
        &self,
        connection: &Connection,
        target: &str,
        now: Instant,
        spent: impl Fn() -> bool,
        mut work: impl FnMut(&Described) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let known = self.lock().get(target).cloned();
        if let Some(known) = known
            && now.saturating_duration_since(known.since) < LIFE
        {
            match work(&known.described) {
                Err(fault) if fault.stale && !spent() => {
                    self.lock().remove(target);
                }
                done => return done,
            }
        }
        let described = Arc::new(describe(connection, &resolve(connection, target)?)?);
        let mut known = self.lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(target.to_owned(), Known { described: Arc::clone(&described), since: now });
        drop(known);
        work(&described)
    }
}
