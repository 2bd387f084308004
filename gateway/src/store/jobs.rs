//! The record of jobs: what was asked and how it ended, never a payload or a row.

use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use uuid::Uuid;

use super::{Moment, Position, StoreError};

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// With a runner.
    Dispatched,
    /// Answered completely.
    Done,
    /// Ended in an error.
    Failed,
    /// The caller went away.
    Cancelled,
    /// Its deadline passed.
    Expired,
}

impl JobStatus {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dispatched => "dispatched",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// A job that was handed to a runner, or that found none.
#[derive(Debug, Clone)]
pub struct StartedJob {
    /// The job.
    pub id: Uuid,
    /// The source it reads.
    pub source_id: Uuid,
    /// The runner that got it; `None` when nobody could.
    pub runner_id: Option<Uuid>,
    /// The socket it went over.
    pub session_id: Option<Uuid>,
    /// Its kind, as on the wire.
    pub kind: &'static str,
    /// Its target.
    pub target: Option<String>,
    /// 1, or 2 when it was tried again.
    pub attempt: u32,
    /// The id of the first attempt at the same request.
    pub request_id: Uuid,
    /// Milliseconds from the dispatch to its deadline.
    pub deadline_ms: u64,
}

/// How a job ended.
#[derive(Debug, Clone)]
pub struct FinishedJob {
    /// The job.
    pub id: Uuid,
    /// How it stands now.
    pub status: JobStatus,
    /// Rows sent to the caller.
    pub rows: u64,
    /// Bytes of frames received for it.
    pub bytes: u64,
    /// The error's code.
    pub error_code: Option<String>,
    /// The error's message.
    pub error_message: Option<String>,
}

/// A job as stored.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRecord {
    /// The job.
    pub id: Uuid,
    /// The source it read.
    pub source_id: Uuid,
    /// The source's name, while the source exists.
    pub source: Option<String>,
    /// The runner that had it last.
    pub runner_id: Option<Uuid>,
    /// The runner's name.
    pub runner: Option<String>,
    /// The socket it went over.
    pub session_id: Option<Uuid>,
    /// Its kind.
    pub kind: String,
    /// Its target.
    pub target: Option<String>,
    /// `dispatched`, `done`, `failed`, `cancelled` or `expired`.
    pub status: String,
    /// When it was made.
    pub created_at: Moment,
    /// When it was handed over.
    pub dispatched_at: Option<Moment>,
    /// When it ended.
    pub finished_at: Option<Moment>,
    /// 1, or 2 when it is the second attempt at its request.
    pub attempt: u32,
    /// The id of the first attempt at the same request.
    pub request_id: Option<Uuid>,
    /// Rows sent to the caller.
    pub rows: Option<u64>,
    /// Bytes of frames received for it.
    pub bytes: Option<u64>,
    /// The error's code.
    pub error_code: Option<String>,
    /// The error's message.
    pub error_message: Option<String>,
}

/// Which jobs to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Only those of this runner.
    pub runner: Option<Uuid>,
    /// Only those of this source.
    pub source: Option<Uuid>,
    /// Only those that stand so.
    pub status: Option<String>,
    /// Only those made in this time before now.
    pub since: Option<Duration>,
    /// Only those before this one.
    pub before: Option<Position>,
    /// At most so many.
    pub limit: u32,
}

/// The record of jobs.
#[async_trait]
pub trait JobStore: Send + Sync + 'static {
    /// Writes a batch in one transaction; `age_ms` beside each entry is how long ago it happened.
    async fn record_jobs(
        &self,
        started: &[(StartedJob, u64)],
        finished: &[(FinishedJob, u64)],
    ) -> Result<(), StoreError>;

    /// Fails every job that is still `dispatched`: for the start, when no session can be answering any. Returns
    /// how many there were.
    async fn fail_abandoned_jobs(&self) -> Result<u64, StoreError>;

    /// Jobs, newest first.
    async fn jobs(&self, filter: &JobFilter) -> Result<Vec<JobRecord>, StoreError>;

    /// Deletes finished jobs and audit entries older than `keep`; returns how many rows went.
    async fn forget_older_than(&self, keep: Duration) -> Result<u64, StoreError>;
}
