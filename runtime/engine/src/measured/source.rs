//! The series of one source, looked up once.

use std::sync::OnceLock;
use std::time::Duration;

use connector_model::error::ErrorCode;
use connector_model::request::Kind;
use metrics::{Counter, Histogram, counter, histogram};

/// The outcome of a job that answered.
const OK: &str = "ok";
/// The kind of a job whose kind there is not.
const UNKNOWN: &str = "unknown";

/// The series of one source.
pub(crate) struct SourceMeasures {
    name: String,
    queue_wait: Histogram,
    rows: Counter,
    bytes: Counter,
    pool_wait: Histogram,
    opened: Counter,
    /// By [`Kind::ALL`], and a last one for kinds that there are not.
    kinds: Vec<OnceLock<KindMeasures>>,
}

/// Those of its jobs of one kind; made at the first.
struct KindMeasures {
    duration: Histogram,
    ok: Counter,
    /// By [`ErrorCode::ALL`].
    codes: Vec<OnceLock<Counter>>,
}

/// The kind's label.
pub(super) fn kind_label(kind: Option<Kind>) -> &'static str {
    kind.map_or(UNKNOWN, Kind::as_str)
}

impl SourceMeasures {
    pub(super) fn new(name: &str) -> Self {
        let source = || name.to_owned();
        SourceMeasures {
            name: source(),
            queue_wait: histogram!("semilayer_job_queue_wait_seconds", "source" => source()),
            rows: counter!("semilayer_job_rows_total", "source" => source()),
            bytes: counter!("semilayer_job_bytes_total", "source" => source()),
            pool_wait: histogram!("semilayer_pool_wait_seconds", "source" => source()),
            opened: counter!("semilayer_sessions_opened_total", "source" => source()),
            kinds: Kind::ALL.iter().map(|_| OnceLock::new()).chain([OnceLock::new()]).collect(),
        }
    }

    /// The source's label.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A job was admitted, or left the queue without that.
    pub(super) fn queued(&self, wait: Duration) {
        self.queue_wait.record(wait);
    }

    /// A job had its session after this time, or gave up.
    pub(crate) fn lent(&self, wait: Duration) {
        self.pool_wait.record(wait);
    }

    /// A session was opened, or could not be.
    pub(crate) fn opened(&self, failure: Option<ErrorCode>) {
        match failure {
            None => self.opened.increment(1),
            // Rare, and a network's round trip apart: looked up each time.
            Some(code) => counter!("semilayer_session_failures_total", "source" => self.name.clone(), "code" => code.as_str())
                .increment(1),
        }
    }

    /// A job ended.
    pub(super) fn ended(
        &self,
        kind: Option<Kind>,
        code: Option<ErrorCode>,
        took: Duration,
        rows: u64,
        bytes: u64,
    ) {
        self.rows.increment(rows);
        self.bytes.increment(bytes);
        let at = kind.and_then(|kind| Kind::ALL.iter().position(|known| *known == kind));
        let Some(slot) = self.kinds.get(at.unwrap_or(Kind::ALL.len())) else { return };
        let label = kind_label(kind);
        let measures = slot.get_or_init(|| KindMeasures {
            duration: histogram!("semilayer_job_duration_seconds", "kind" => label, "source" => self.name.clone()),
            ok: self.outcome(label, OK),
            codes: ErrorCode::ALL.iter().map(|_| OnceLock::new()).collect(),
        });
        measures.duration.record(took);
        match code {
            None => measures.ok.increment(1),
            Some(code) => {
                if let Some(slot) = measures.codes.get(code as usize) {
                    slot.get_or_init(|| self.outcome(label, code.as_str())).increment(1);
                }
            }
        }
    }

    fn outcome(&self, kind: &'static str, outcome: &'static str) -> Counter {
        counter!("semilayer_jobs_total", "kind" => kind, "source" => self.name.clone(), "outcome" => outcome)
    }
}
