//! What the log says of jobs: fields for machines, and the published tokens in the text. Never a value of a row, a
//! parameter or a configuration.

use connector_model::error::{Error, ErrorCode};

use super::reply::Done;
use super::request::id8;

/// The target of every event here.
pub const TARGET: &str = "semilayer::job";

/// What the log calls a job.
#[derive(Debug, Clone)]
pub struct JobName {
    /// Its id.
    pub id: String,
    /// Its source's name.
    pub source: String,
    /// Its kind as on the wire.
    pub kind: String,
}

impl JobName {
    /// The first characters of the id.
    pub fn id8(&self) -> &str {
        id8(&self.id)
    }
}

pub(super) fn began(job: &JobName) {
    tracing::info!(target: TARGET, source = job.source, kind = job.kind, "← job {}", job.id8());
}

pub(super) fn done(job: &JobName, done: &Done) {
    tracing::info!(
        target: TARGET,
        source = job.source,
        kind = job.kind,
        rows = done.rows,
        bytes = done.bytes,
        ms = done.duration_ms,
        "→ done {}",
        job.id8()
    );
}

pub(crate) fn failed(job: &JobName, error: &Error, ms: u64) {
    let code = error.code().as_str();
    let message = error.loggable();
    if error.code() == ErrorCode::Internal {
        tracing::error!(target: TARGET, source = job.source, kind = job.kind, ms, code, error = message, "→ error {}", job.id8());
    } else {
        tracing::info!(target: TARGET, source = job.source, kind = job.kind, ms, code, error = message, "→ error {}", job.id8());
    }
}

pub(crate) fn duplicate(id: &str) {
    tracing::warn!(target: TARGET, "job {} came again while it is running; the second one is dropped", id8(id));
}

pub(super) fn abandoned(job: &JobName) {
    tracing::warn!(
        target: TARGET,
        source = job.source,
        "job {}: the session did not return within a second of being stopped, and was closed",
        job.id8()
    );
}
