//! One job in flight, from its caller's side.

use std::sync::Arc;
use std::time::Duration;

use runner_protocol::{Chunk, DoneMeta, Opaque};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::{JobFailure, Recorder};
use crate::directory::Route;
use crate::sessions::{Delivery, Inbox, Session};
use crate::store::{FinishedJob, JobStatus};

/// Bytes taken before the runner is told: a quarter of the first window, so that it is never empty while the caller
/// keeps up, and a small job needs no credit at all.
const CREDIT_STEP: u64 = runner_protocol::limits::INITIAL_WINDOW_BYTES / 4;

/// A job to be run.
pub(crate) struct JobRequest {
    /// The source, and who serves it.
    pub(crate) route: Arc<Route>,
    /// The operation.
    pub(crate) kind: &'static str,
    /// What it is about.
    pub(crate) target: Option<String>,
    /// Its options, unparsed.
    pub(crate) options: Option<Opaque>,
    /// How long it may take, from now.
    pub(crate) deadline: Duration,
}

/// What a job does next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Part of the result.
    Chunk(Box<Chunk>),
    /// The good end.
    Done(DoneMeta),
    /// The bad end.
    Failed(JobFailure),
}

/// A job that has begun to answer: anything but an error.
pub(crate) struct Answer {
    /// What it began with.
    pub(crate) first: Step,
    /// The rest of it.
    pub(crate) job: RunningJob,
}

/// A job that a runner has. Dropping it before its end cancels it.
pub(crate) struct RunningJob {
    /// The id on the wire and in the record.
    pub(crate) id: Uuid,
    session: Arc<Session>,
    inbox: Arc<Inbox>,
    /// When this side gives up. A little after the deadline, since the runner's own timeout says more.
    give_up: Instant,
    deadline_ms: u64,
    taken: u64,
    rows: u64,
    bytes: u64,
    /// Set as long as neither side has ended it.
    open: bool,
    /// Set as long as the record has no end of it.
    unrecorded: bool,
    recorder: Recorder,
}

impl RunningJob {
    /// A job that `session` has just been given.
    pub(super) fn new(
        id: Uuid,
        session: Arc<Session>,
        inbox: Arc<Inbox>,
        deadline_ms: u64,
        grace: Duration,
        recorder: Recorder,
    ) -> Self {
        let give_up = inbox.deadline + grace;
        Self {
            id,
            session,
            inbox,
            give_up,
            deadline_ms,
            taken: 0,
            rows: 0,
            bytes: 0,
            open: true,
            unrecorded: true,
            recorder,
        }
    }

    /// The runner that has it.
    pub(crate) fn runner_name(&self) -> &str {
        &self.session.runner_name
    }

    /// Notes rows that went to the caller.
    pub(crate) fn count_rows(&mut self, rows: usize) {
        self.rows = self.rows.saturating_add(u64::try_from(rows).unwrap_or(u64::MAX));
    }

    /// The next step. Asking for it says that the steps before have been consumed, which is what opens the runner's
    /// send window again. Nothing follows an end.
    pub(crate) async fn next(&mut self) -> Step {
        let delivery = timeout_at(self.give_up, async {
            if self.taken >= CREDIT_STEP && self.session.keeps_windows() {
                self.session.credit(self.id, self.taken).await;
                self.taken = 0;
            }
            self.inbox.take().await
        })
        .await
        .unwrap_or(Delivery::Expired);
        match delivery {
            Delivery::Chunk { chunk, frame_bytes } => {
                let frame_bytes = u64::try_from(frame_bytes).unwrap_or(u64::MAX);
                self.taken = self.taken.saturating_add(frame_bytes);
                self.bytes = self.bytes.saturating_add(frame_bytes);
                Step::Chunk(chunk)
            }
            Delivery::Done(meta) => {
                self.open = false;
                let meta = meta.unwrap_or_default();
                self.rows = self.rows.max(meta.count);
                self.record(JobStatus::Done, None);
                Step::Done(meta)
            }
            Delivery::Failed(error) => {
                self.open = false;
                self.fail(JobFailure::reported(*error))
            }
            Delivery::Lost => {
                self.open = false;
                let failure = JobFailure::socket_lost(self.runner_name());
                self.fail(failure)
            }
            Delivery::Malformed(reason) => {
                let failure = JobFailure::malformed(self.runner_name(), reason);
                self.fail(failure)
            }
            Delivery::Lagged => self.fail(JobFailure::lagged()),
            Delivery::Expired => self.fail(JobFailure::expired(self.deadline_ms)),
        }
    }

    /// Ends the job from this side: the runner's answer makes no sense.
    pub(crate) fn reject(&mut self, reason: &str) -> JobFailure {
        let failure = JobFailure::malformed(self.runner_name(), reason);
        self.stop();
        self.record(JobStatus::Failed, Some(&failure));
        failure
    }

    fn fail(&mut self, failure: JobFailure) -> Step {
        self.stop();
        self.record(failure.status(), Some(&failure));
        Step::Failed(failure)
    }

    fn stop(&mut self) {
        if std::mem::take(&mut self.open) && self.inbox.abandon() {
            self.session.cancel(self.id);
        }
    }

    fn record(&mut self, status: JobStatus, failure: Option<&JobFailure>) {
        if std::mem::take(&mut self.unrecorded) {
            self.recorder.finished(FinishedJob {
                id: self.id,
                status,
                rows: self.rows,
                bytes: self.bytes,
                error_code: failure.map(|failure| failure.code.to_string()),
                error_message: failure.map(JobFailure::recorded_message),
            });
        }
    }
}

impl Drop for RunningJob {
    fn drop(&mut self) {
        self.stop();
        self.record(JobStatus::Cancelled, None);
    }
}
