//! One pool of sessions for each configured source.
//!
//! Sizing, waiting, health, age, idle close and the breaker are here, once for every connector. A session lent is
//! a `Lease`: one connection, one job.
//!
//! - `settings`: what the configuration says about it
//! - `breaker`: when a dead server is asked again
//! - `opener`: opens sessions, and judges those that were idle
//! - `lease`: a session while a job has it

mod breaker;
mod lease;
mod opener;
mod settings;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use connector_api::CallContext;
use connector_model::error::{Error, ErrorCode, Result};
use deadpool::managed::{Pool, PoolError, QueueMode};
use futures_util::FutureExt;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::policy::Catalogue;

pub(crate) use lease::Lease;
pub(crate) use opener::{Opener, Reach};
pub use settings::PoolSettings;

/// A session is closed when it is this old, so that a rebalanced or renamed server is followed.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// The bounds of how often a pool is looked after.
const CARE_EVERY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// Told when a server that was down is found again, with the time until the session was ready.
pub(crate) type Found = Box<dyn Fn(Duration) + Send + Sync>;

/// How a pool stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolState {
    /// The name that the source has in metrics.
    pub source: String,
    /// Sessions that are open, or being opened.
    pub open: usize,
    /// Sessions of those that no job has.
    pub idle: usize,
    /// Jobs that wait for a session.
    pub waiting: usize,
    /// Sessions that may be open at once.
    pub most: usize,
    /// Whether the server is taken for down.
    pub is_broken: bool,
}

/// The sessions of one source. Dropping it closes the idle ones; those lent are closed when they come back.
pub(crate) struct SourcePool {
    found: Found,
    sessions: Pool<Opener>,
    settings: PoolSettings,
    caretaker: AbortHandle,
    catalogue: Catalogue,
}

impl SourcePool {
    /// An empty pool; sessions are opened when they are asked for. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// `INTERNAL` when the pool cannot be built.
    pub(crate) fn new(opener: Opener, settings: PoolSettings, found: Found) -> Result<Arc<Self>> {
        // The session used last is lent first: what a quiet source does not need goes idle and is closed.
        let built = Pool::builder(opener).max_size(settings.max).queue_mode(QueueMode::Lifo).build();
        let sessions = built.map_err(|error| Error::internal(format!("the session pool: {error}")))?;
        Ok(Arc::new_cyclic(|pool: &Weak<SourcePool>| {
            let pool = pool.clone();
            let every = settings.idle.unwrap_or(LIFETIME).div_f64(4.0).clamp(CARE_EVERY.0, CARE_EVERY.1);
            let caretaker = tokio::spawn(care(pool, every));
            SourcePool {
                found,
                sessions,
                settings,
                caretaker: caretaker.abort_handle(),
                catalogue: Catalogue::default(),
            }
        }))
    }

    /// Lends a session: an idle one, a new one, or the next that comes back.
    ///
    /// # Errors
    /// What opening it ended with; `QUERY_TIMEOUT` or `CANCELLED` with stage `pool` when the call ends first.
    pub(crate) async fn lend(&self, call: &CallContext) -> Result<Lease> {
        let asked = Instant::now();
        let lent = self.take(call).await;
        self.sessions.manager().measures().lent(asked.elapsed());
        lent
    }

    async fn take(&self, call: &CallContext) -> Result<Lease> {
        match call.run(self.sessions.get()).await {
            Ok(Ok(object)) => Ok(Lease::new(object)),
            Ok(Err(PoolError::Backend(error))) => Err(error),
            Ok(Err(other)) => Err(Error::internal(format!("the session pool: {other}"))),
            Err(stopped) => Err(stopped.with("stage", "pool")),
        }
    }

    /// What a job's failure says of the other sessions: when the server went away under one, those that were idle
    /// at the time have lost it too.
    pub(crate) fn failed(&self, code: ErrorCode) {
        if code == ErrorCode::SourceUnreachable {
            self.sessions.manager().distrust();
        }
    }

    /// What it was made with.
    pub(crate) fn settings(&self) -> &PoolSettings {
        &self.settings
    }

    /// What the policy has seen of its targets.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// How it stands.
    pub(crate) fn state(&self) -> PoolState {
        let status = self.sessions.status();
        PoolState {
            source: self.sessions.manager().measures().name().to_owned(),
            open: status.size,
            idle: status.available.min(status.size),
            waiting: status.waiting,
            most: status.max_size,
            is_broken: self.sessions.manager().is_given_up(),
        }
    }

    /// How many sessions are open: idle, lent, and being opened or checked.
    pub(crate) fn open(&self) -> usize {
        self.sessions.status().size
    }

    /// Closes the sessions that were idle for too long or are too old.
    fn trim(&self) {
        let now = Instant::now();
        let mut open = self.open();
        let removed = self.sessions.retain(|pooled, _| {
            let idle = self.settings.idle.is_some_and(|limit| now.duration_since(pooled.used) >= limit);
            let keep = pooled.age(now) < LIFETIME && (!idle || open <= self.settings.min);
            if !keep {
                open = open.saturating_sub(1);
            }
            keep
        });
        // Closing may take a system call: not under the pool's lock.
        drop(removed);
    }

    /// Looks whether a server that was down is back, so that this is known without a job that fails first.
    async fn seek(&self) {
        if !self.sessions.manager().is_unreachable() {
            return;
        }
        let asked = Instant::now();
        // The open's own limit comes first: its end is what the breaker learns from.
        let call = CallContext::within(self.settings.open.saturating_mul(2));
        if let Ok(lease) = self.take(&call).await {
            lease.give_back();
            self.sessions.manager().reached();
            (self.found)(asked.elapsed());
        }
    }
}

/// Looks after a pool for as long as there is one.
async fn care(pool: Weak<SourcePool>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(pool) = pool.upgrade() else { return };
        pool.trim();
        if AssertUnwindSafe(pool.seek()).catch_unwind().await.is_err() {
            tracing::error!(target: "semilayer::source", "the connector failed in an unexpected way while its server was sought");
        }
    }
}

impl Drop for SourcePool {
    fn drop(&mut self) {
        self.caretaker.abort();
    }
}
