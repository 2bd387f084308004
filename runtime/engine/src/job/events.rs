//! What the log says of jobs: fields for machines, and the published tokens in the text. Never a value of a row, a
//! parameter or a configuration.

use std::sync::OnceLock;

use connector_model::error::{Error, ErrorCode};
use serde_json::value::RawValue;

use super::reply::Done;
use super::request::{JobRequest, id8};
use super::trace::TraceParent;

/// The target of every event here.
pub const TARGET: &str = "semilayer::job";

/// What the log calls a job.
#[derive(Debug)]
pub struct JobName {
    /// Its id.
    pub id: String,
    /// Its source's name.
    pub source: String,
    /// Its kind as on the wire.
    pub kind: String,
    trace: OnceLock<Option<Trace>>,
}

/// The caller's trace, and its id as it is written.
#[derive(Debug)]
struct Trace {
    parent: TraceParent,
    hex: String,
}

/// Options up to this size are looked through where the job arrives; longer ones in its own task, so that they hold up nobody.
const SMALL: usize = 16 * 1024;

impl JobName {
    /// The name of a job that arrives.
    pub(crate) fn new(job: &JobRequest) -> Self {
        let name = JobName {
            id: job.id.clone(),
            source: job.source.name.clone(),
            kind: job.kind.clone(),
            trace: OnceLock::new(),
        };
        if job.options.as_ref().is_none_or(|options| options.get().len() <= SMALL) {
            name.find_trace(job.options.as_deref());
        }
        name
    }

    /// Looks for the caller's trace, unless that was done.
    pub(crate) fn find_trace(&self, options: Option<&RawValue>) {
        self.trace.get_or_init(|| {
            let parent = options.and_then(TraceParent::of)?;
            Some(Trace { parent, hex: parent.trace_hex() })
        });
    }

    /// The caller's trace.
    pub(crate) fn parent(&self) -> Option<TraceParent> {
        self.trace().map(|trace| trace.parent)
    }

    fn trace(&self) -> Option<&Trace> {
        self.trace.get()?.as_ref()
    }

    /// The caller's trace, as lines show it.
    fn trace_hex(&self) -> Option<&str> {
        self.trace().map(|trace| trace.hex.as_str())
    }

    /// The first characters of the id.
    pub fn id8(&self) -> &str {
        id8(&self.id)
    }
}

pub(super) fn began(job: &JobName) {
    let (id, trace) = (job.id8(), job.trace_hex());
    tracing::info!(target: TARGET, job = id, source = job.source, kind = job.kind, trace, "← job {id}");
}

pub(super) fn done(job: &JobName, done: &Done) {
    let (id, trace) = (job.id8(), job.trace_hex());
    tracing::info!(
        target: TARGET,
        job = id,
        source = job.source,
        kind = job.kind,
        rows = done.rows,
        bytes = done.bytes,
        ms = done.duration_ms,
        trace,
        "→ done {id}"
    );
}

pub(crate) fn failed(job: &JobName, error: &Error, ms: u64) {
    let code = error.code().as_str();
    let message = error.loggable();
    let (id, trace) = (job.id8(), job.trace_hex());
    if error.code() == ErrorCode::Internal {
        tracing::error!(target: TARGET, job = id, source = job.source, kind = job.kind, ms, code, error = message, trace, "→ error {id}");
    } else {
        tracing::info!(target: TARGET, job = id, source = job.source, kind = job.kind, ms, code, error = message, trace, "→ error {id}");
    }
}

pub(crate) fn duplicate(id: &str) {
    tracing::warn!(target: TARGET, "job {} came again while it is running; the second one is dropped", id8(id));
}

pub(super) fn abandoned(job: &JobName) {
    tracing::warn!(
        target: TARGET,
        job = job.id8(),
        source = job.source,
        trace = job.trace_hex(),
        "job {}: the session did not return within a second of being stopped, and was closed",
        job.id8()
    );
}
