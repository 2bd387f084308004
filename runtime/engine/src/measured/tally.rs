//! What one job adds to the series, and what is told of it when it has ended.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use connector_model::error::ErrorCode;
use connector_model::request::Kind;
use tokio::time::Instant;

use super::Measures;
use super::source::{SourceMeasures, kind_label};
use crate::job::TraceParent;
use crate::job::events::JobName;

/// A job that has ended. No value of a row, a parameter or a configuration is in it.
#[derive(Debug, Clone, Copy)]
pub struct EndedJob<'j> {
    /// Its id.
    pub id: &'j str,
    /// Its source's name.
    pub source: &'j str,
    /// Its kind; one of a closed set.
    pub kind: &'static str,
    /// Why it failed, if it did.
    pub code: Option<ErrorCode>,
    /// Rows sent.
    pub rows: u64,
    /// Bytes of the chunks sent.
    pub bytes: u64,
    /// How long it waited for admission.
    pub queue_wait: Duration,
    /// How long it took.
    pub took: Duration,
    /// The caller's trace.
    pub parent: Option<TraceParent>,
}

/// Is told of every job that has ended, from the job's own task: must not block.
pub trait JobObserver: Send + Sync {
    /// This one has.
    fn ended(&self, job: &EndedJob<'_>);
}

/// The figures of one job.
pub(crate) struct Tally {
    measures: Measures,
    source: Arc<SourceMeasures>,
    kind: Option<Kind>,
    began: Instant,
    queue_wait: OnceLock<Duration>,
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Tally {
    /// A job that arrived at `began`.
    pub(crate) fn new(measures: &Measures, name: &JobName, began: Instant) -> Self {
        Tally {
            measures: measures.clone(),
            source: measures.source(&name.source),
            kind: Kind::from_name(&name.kind),
            began,
            queue_wait: OnceLock::new(),
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// It was admitted, or gave up waiting for that.
    pub(crate) fn admitted(&self) {
        let wait = self.began.elapsed();
        if self.queue_wait.set(wait).is_ok() {
            self.source.queued(wait);
        }
    }

    /// It has sent so much.
    pub(crate) fn sent(&self, rows: u64, bytes: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// It has ended.
    pub(crate) fn ended(&self, name: &JobName, code: Option<ErrorCode>) {
        let took = self.began.elapsed();
        let (rows, bytes) = (self.rows.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        self.source.ended(self.kind, code, took, rows, bytes);
        if let Some(observer) = self.measures.observer() {
            observer.ended(&EndedJob {
                id: &name.id,
                source: &name.source,
                kind: kind_label(self.kind),
                code,
                rows,
                bytes,
                queue_wait: self.queue_wait.get().copied().unwrap_or_default(),
                took,
                parent: name.parent(),
            });
        }
    }
}
