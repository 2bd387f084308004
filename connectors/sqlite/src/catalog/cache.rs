//! Described targets, kept for a while for all sessions of a source.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector_sql::sqlite::Described;
use rusqlite::Connection;
use tokio::time::Instant;

use super::{describe, resolve};
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

    /// Runs `work` with the targets' descriptions. If one came from the cache and `work` fails as it would with one
    /// that is out of date, all are read again and `work` runs once more, unless `spent` says that the first run cannot
    /// be undone.
    ///
    /// # Errors
    /// `INVALID_TARGET` with the nearest names, where `targets` are; what `work` returns.
    pub(crate) fn with<T>(
        &self,
        connection: &Connection,
        targets: &[&str],
        now: Instant,
        spent: impl Fn() -> bool,
        mut work: impl FnMut(&[Arc<Described>]) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut known: Vec<_> = targets.iter().map(|target| self.fresh(target, now)).collect();
        if let Some(known) = known.iter().cloned().collect::<Option<Vec<_>>>() {
            match work(&known) {
                Err(fault) if fault.stale && !spent() => {}
                done => return done,
            }
        }
        let read_again = known.iter().all(Option::is_some);
        for (at, (target, known)) in targets.iter().zip(&mut known).enumerate() {
            if known.is_none() || read_again {
                let described = self.read(connection, target, now);
                *known = Some(described.map_err(|fault| match at.checked_sub(1) {
                    None => fault,
                    Some(join) => fault.of_option(&format!("joins[{join}].target")),
                })?);
            }
        }
        match work(&known.iter().flatten().cloned().collect::<Vec<_>>()) {
            // Some were read just now, the others may still be out of date.
            Err(fault) if fault.stale && !spent() && !read_again && targets.len() > 1 => {
                let described = targets.iter().map(|target| self.read(connection, target, now));
                work(&described.collect::<Result<Vec<_>, _>>()?)
            }
            done => done,
        }
    }

    /// The description that is kept, if it is still believed.
    fn fresh(&self, target: &str, now: Instant) -> Option<Arc<Described>> {
        let known = self.lock().get(target).cloned()?;
        (now.saturating_duration_since(known.since) < LIFE).then_some(known.described)
    }

    fn read(&self, connection: &Connection, target: &str, now: Instant) -> Result<Arc<Described>, Fault> {
        self.lock().remove(target);
        let described = Arc::new(describe(connection, &resolve(connection, target)?)?);
        let mut known = self.lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(target.to_owned(), Known { described: Arc::clone(&described), since: now });
        Ok(described)
    }
}
