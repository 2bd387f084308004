//! Exactly one end for every job, whatever happens to it.

use std::sync::Arc;

use connector_model::error::{Error, ErrorCode};
use tokio::time::Instant;

use super::events::{self, JobName};
use super::reply::{Done, Reply};
use super::running::Alive;
use crate::measured::Tally;
use crate::policy::Record;

/// Holds a job's reply until its end is sent. Dropped without one (a panic, a runtime that shuts down), it sends
/// `INTERNAL`.
pub(crate) struct Ending {
    reply: Option<Box<dyn Reply>>,
    name: Arc<JobName>,
    tally: Arc<Tally>,
    began: Instant,
    _alive: Alive,
    /// What the audit log is told, where there is one.
    record: Option<Record>,
}

impl Ending {
    /// The end of a job that began at `began`.
    pub(crate) fn new(
        reply: Box<dyn Reply>,
        name: Arc<JobName>,
        tally: Arc<Tally>,
        began: Instant,
        alive: Alive,
        record: Option<Record>,
    ) -> Self {
        Ending { reply: Some(reply), name, tally, began, _alive: alive, record }
    }

    /// Where rows go meanwhile; `None` only after the end.
    pub(crate) fn reply(&mut self) -> Option<&mut dyn Reply> {
        let reply: &mut dyn Reply = &mut **self.reply.as_mut()?;
        Some(reply)
    }

    /// What the log calls the job.
    pub(crate) fn name(&self) -> Arc<JobName> {
        self.name.clone()
    }

    /// Its figures.
    pub(crate) fn tally(&self) -> Arc<Tally> {
        self.tally.clone()
    }

    /// Sends the end.
    pub(crate) fn send(mut self, outcome: Result<Done, Error>) {
        self.end(outcome);
    }

    fn end(&mut self, outcome: Result<Done, Error>) {
        let Some(reply) = self.reply.take() else { return };
        let duration_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Some(record) = &self.record {
            record.end(
                &self.name.id,
                &self.name.source,
                &self.name.kind,
                duration_ms,
                outcome.as_ref().err(),
            );
        }
        match outcome {
            Ok(done) => {
                let done = Done { duration_ms, ..done };
                events::done(&self.name, &done);
                self.tally.ended(&self.name, None);
                reply.done(done);
            }
            Err(error) => {
                let error = with_incident(error);
                events::failed(&self.name, &error, duration_ms);
                self.tally.ended(&self.name, Some(error.code()));
                reply.error(error);
            }
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.reply.is_some() {
            self.end(Err(Error::internal("the job ended without an answer")));
        }
    }
}

/// Gives a bug an id by which the caller's error and the log's line find each other.
fn with_incident(error: Error) -> Error {
    if error.code() != ErrorCode::Internal || error.detail().contains_key("incident") {
        return error;
    }
    let incident = uuid::Uuid::new_v4().simple().to_string();
    let message = format!("{} (incident {incident}; the runner's log has it too)", error.message());
    let mut named = Error::new(ErrorCode::Internal, message).with_retryable(error.retryable());
    for (key, value) in error.detail() {
        named = named.with(key, value.clone());
    }
    named.with("incident", incident)
}
