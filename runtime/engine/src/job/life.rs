//! A job's life from admission to its end.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_aggregate::Memory;
use connector_api::{CallContext, Stopped};
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::request::{self, Kind, Request};
use futures_util::FutureExt;
use tokio::time::Instant;

use super::ending::Ending;
use super::events::{self, JobName};
use super::reply::{Done, Reply};
use super::request::JobRequest;
use super::running::Registered;
use super::work::{self, Around};
use crate::admission::{Entry, Slot};
use crate::health::HealthBoard;
use crate::lock::lock;
use crate::measured::Tally;
use crate::policy::{Guard, Limit, Policies, Policy, Set, Trace};
use crate::pool::{Lease, SourcePool};
use crate::source::registry::Sources;

/// How long a session has to come back after its job was stopped; then it is closed and the job ends without it.
pub(crate) const CANCEL_GRACE: Duration = Duration::from_secs(1);

/// What a job needs of the engine.
pub(crate) struct Surroundings {
    pub(crate) sources: Arc<Sources>,
    pub(crate) health: HealthBoard,
    /// What the aggregates that are computed here hold together.
    pub(crate) memory: Memory,
    /// What the operator allows.
    pub(crate) policies: Mutex<Policies>,
}

impl Surroundings {
    /// What the operator allows jobs of a source.
    pub(crate) fn policy(&self, source: &str) -> Arc<Policy> {
        lock(&self.policies).of(source)
    }
}

/// A job that was taken in.
pub(crate) struct Job {
    pub(crate) request: JobRequest,
    /// What tells its source from every other.
    pub(crate) key: Arc<str>,
    pub(crate) call: CallContext,
    /// The policy's timeout, where it is what the deadline was made from.
    pub(crate) shorter: Option<Set<Duration>>,
    /// What is known of it for the audit log.
    pub(crate) trace: Arc<Trace>,
}

/// Lives the job's life; its end is sent when this is over, or dropped.
pub(crate) async fn live(
    engine: Arc<Surroundings>,
    job: Job,
    entry: Entry,
    registered: Registered,
    mut ending: Ending,
) {
    let (name, tally) = (ending.name(), ending.tally());
    name.find_trace(job.request.options.as_deref());
    events::began(&name);
    let outcome = match ending.reply() {
        Some(reply) => supervise(&name, &job.call, run(&engine, &job, entry, &tally, reply)).await,
        None => Err(Error::internal("a job began after its end")),
    };
    let outcome = match outcome {
        Err(error) if error.code() == ErrorCode::Cancelled && registered.is_cut_off() => Err(cut_off(&error)),
        Err(error) if error.code() == ErrorCode::QueryTimeout => Err(timed_out(error, &job)),
        outcome => outcome,
    };
    // Slot and id are free before the end is sent: whoever sees it may send the next job under either.
    drop(registered);
    ending.send(outcome);
}

/// Whose deadline it was, where it was not the job's own.
fn timed_out(error: Error, job: &Job) -> Error {
    let Some(Set { value, setting }) = &job.shorter else { return error };
    let message = format!("{}; {setting} on this runner allows {value:?}", error.message());
    let named = Error::new(ErrorCode::QueryTimeout, message).with_retryable(error.retryable());
    let named = error.detail().iter().fold(named, |named, (key, value)| named.with(key, value.clone()));
    named.with("setting", &**setting)
}

/// The drain's end of a job: nobody cancelled it, so another runner may do it.
fn cut_off(stopped: &Error) -> Error {
    let message = "this runner shut down before the job ended; another one may take it";
    let draining = Error::new(ErrorCode::RunnerDraining, message);
    stopped.detail().iter().fold(draining, |error, (key, value)| error.with(key, value.clone()))
}

async fn run(
    engine: &Surroundings,
    job: &Job,
    entry: Entry,
    tally: &Tally,
    reply: &mut dyn Reply,
) -> Result<Done> {
    let slot: Result<Slot> = match entry {
        Entry::Slot(slot) => Ok(slot),
        Entry::Waiting(waiting) => {
            job.call.run(waiting).await.map_err(|stopped| stopped.with("stage", "queue"))
        }
    };
    tally.admitted();
    let slot = slot?;
    // It may have been replaced while the job waited.
    let policy = engine.policy(&job.request.source.name);
    policy.admit(&job.request.kind)?;
    let request = parse(engine, &job.request)?;
    job.trace.names(&request);
    let outcome = answer(engine, job, &policy, &request, tally, reply, &slot).await;
    match outcome {
        // However the database put it that it was stopped: the caller wanted the end.
        Err(error)
            if job.call.cancel.is_cancelled()
                && !matches!(error.code(), ErrorCode::Cancelled | ErrorCode::Internal) =>
        {
            Err(Stopped::Cancelled.error())
        }
        outcome => outcome,
    }
}

fn parse(engine: &Surroundings, job: &JobRequest) -> Result<Request> {
    let Some(kind) = Kind::from_name(&job.kind) else {
        let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        let message = format!("no kind of job is called \"{}\"; there are {}", job.kind, known.join(", "));
        return Err(Error::new(ErrorCode::InvalidJob, message).with("option", "kind"));
    };
    let bridge = engine.sources.bridge(&job.source)?;
    let options = job.options.as_deref().map(|options| options.get());
    request::parse(kind, job.target.as_deref(), options, &bridge)
}

async fn answer(
    engine: &Surroundings,
    job: &Job,
    policy: &Policy,
    request: &Request,
    tally: &Tally,
    reply: &mut dyn Reply,
    slot: &Slot,
) -> Result<Done> {
    let name = &job.request.source.name;
    let asked = Instant::now();
    let (pool, lent) = lend(engine, job).await?;
    let latency = asked.elapsed();
    let mut lease = match lent {
        Ok(lease) => lease,
        Err(error) => {
            engine.health.failed(&job.key, name, &error);
            return Err(error);
        }
    };
    let Some(session) = lease.session() else {
        return Err(Error::internal("a lease without a session"));
    };
    let outcome = match Guard::new(policy, session, &job.call, pool.catalogue(), request).await {
        Ok(guard) => {
            let limit = Limit::new(policy, request);
            let around =
                Around { call: &job.call, slot, memory: &engine.memory, guard, limit, left: &job.trace.left };
            work::run(session, request, tally, reply, &around).await
        }
        Err(error) => Err(error),
    };
    lease.give_back();
    match &outcome {
        Ok(_) => engine.health.worked(&job.key, name, latency),
        // A connection that was closed to stop its work says nothing of the server.
        Err(_) if job.call.cancel.is_cancelled() => {}
        Err(error) => {
            pool.failed(error.code());
            // What one request breaks in a connector says nothing of the others; one that is left alone for it does, and
            // gives no session.
            if error.code() != ErrorCode::ConnectorFailed {
                engine.health.failed(&job.key, name, error);
            }
        }
    }
    outcome
}

/// A session of the job's source. When the credentials were refused and others are there now (a password was
/// rotated), these are tried at once.
async fn lend(engine: &Surroundings, job: &Job) -> Result<(Arc<SourcePool>, Result<Lease>)> {
    let source = &job.request.source;
    let pool = engine.sources.pool(&job.key, source).await?;
    let lent = pool.lend(&job.call).await;
    match &lent {
        Err(error) if error.code() == ErrorCode::SourceAuthFailed => {
            engine.sources.doubt(&job.key, &pool);
            let renewed = engine.sources.pool(&job.key, source).await?;
            if Arc::ptr_eq(&renewed, &pool) {
                return Ok((pool, lent));
            }
            let lent = renewed.lend(&job.call).await;
            Ok((renewed, lent))
        }
        _ => Ok((pool, lent)),
    }
}

/// Runs `work` to its end. A panic ends it as a bug; work that does not end within the grace after it was stopped
/// is dropped, and its session with it.
async fn supervise<T>(
    name: &JobName,
    call: &CallContext,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let work = pin!(AssertUnwindSafe(work).catch_unwind());
    tokio::select! {
        biased;
        outcome = work => outcome.unwrap_or_else(|_| Err(Error::internal("the connector failed in an unexpected way"))),
        stopped = overdue(call) => {
            events::abandoned(name);
            Err(stopped.error().with("stage", "session"))
        }
    }
}

async fn overdue(call: &CallContext) -> Stopped {
    let stopped = call.stopped().await;
    tokio::time::sleep(CANCEL_GRACE).await;
    stopped
}
