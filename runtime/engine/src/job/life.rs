//! A job's life from admission to its end.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use connector_api::{CallContext, Stopped};
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::request::{self, Kind};
use futures_util::FutureExt;
use tokio::time::Instant;

use super::ending::Ending;
use super::events::{self, JobName};
use super::reply::{Done, Reply};
use super::request::JobRequest;
use super::running::Registered;
use super::work;
use crate::admission::{Entry, Slot};
use crate::health::HealthBoard;
use crate::source::registry::Sources;

/// How long a session has to come back after its job was stopped; then it is closed and the job ends without it.
pub const CANCEL_GRACE: Duration = Duration::from_secs(1);

/// What a job needs of the engine.
pub(crate) struct Surroundings {
    pub(crate) sources: Arc<Sources>,
    pub(crate) health: HealthBoard,
}

/// Lives the job's life; its end is sent when this is over, or dropped.
pub(crate) async fn live(
    engine: Arc<Surroundings>,
    job: JobRequest,
    call: CallContext,
    entry: Entry,
    registered: Registered,
    mut ending: Ending,
) {
    events::began(ending.name());
    let name = ending.name().clone();
    let outcome = match ending.reply() {
        Some(reply) => supervise(&name, &call, run(&engine, &job, &call, entry, reply)).await,
        None => Err(Error::internal("a job began after its end")),
    };
    // Slot and id are free before the end is sent: whoever sees it may send the next job under either.
    drop(registered);
    ending.send(outcome);
}

async fn run(
    engine: &Surroundings,
    job: &JobRequest,
    call: &CallContext,
    entry: Entry,
    reply: &mut dyn Reply,
) -> Result<Done> {
    let _slot: Slot = match entry {
        Entry::Slot(slot) => slot,
        Entry::Waiting(waiting) => {
            call.run(waiting).await.map_err(|stopped| stopped.with("stage", "queue"))?
        }
    };
    let outcome = run_admitted(engine, job, call, reply).await;
    // However the stopped database put it: the caller wanted the end.
    match outcome {
        Err(error) if call.cancel.is_cancelled() && error.code() != ErrorCode::Internal => {
            Err(Stopped::Cancelled.error())
        }
        outcome => outcome,
    }
}

async fn run_admitted(
    engine: &Surroundings,
    job: &JobRequest,
    call: &CallContext,
    reply: &mut dyn Reply,
) -> Result<Done> {
    let Some(kind) = Kind::from_name(&job.kind) else {
        let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        let message = format!("no kind of job is called \"{}\"; there are {}", job.kind, known.join(", "));
        return Err(Error::new(ErrorCode::InvalidJob, message).with("option", "kind"));
    };
    let bridge = engine.sources.bridge(&job.source)?;
    let options = job.options.as_deref().map(|options| options.get());
    let request = request::parse(kind, job.target.as_deref(), options, bridge)?;

    let asked = Instant::now();
    let key = job.source.key();
    let pool = engine.sources.pool(&key, &job.source).await?;
    let lent = pool.lend(call).await;
    let latency = asked.elapsed();
    let mut lease = match lent {
        Ok(lease) => lease,
        Err(error) => {
            engine.health.failed(&key, &job.source.name, &error);
            if error.code() == ErrorCode::SourceAuthFailed {
                engine.sources.doubt(&key, &pool);
            }
            return Err(error);
        }
    };
    let Some(session) = lease.session() else {
        return Err(Error::internal("a lease without a session"));
    };
    let outcome = work::run(session, call, &request, reply).await;
    lease.give_back();
    match &outcome {
        Ok(_) => engine.health.worked(&key, &job.source.name, latency),
        Err(error) => {
            pool.failed(error.code());
            engine.health.failed(&key, &job.source.name, error);
        }
    }
    outcome
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
