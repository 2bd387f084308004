//! How a job's result gets back to the gateway.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use runner_protocol::{
    CHUNK_SUFFIX, Done, DoneMeta, JobError, RunnerFrame, aggregate_prefix, chunk_prefix, codes,
};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::fair_queue::LaneKey;
use crate::send_queue::SendQueue;

/// The socket is gone, and with it whoever waited for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the connection to the gateway is gone")]
pub struct Gone;

/// One job's way back.
///
/// Exactly one end is sent for every job: [`done`](Self::done) and [`error`](Self::error) take the reply,
/// and one that is dropped without either (a task that panicked or was aborted) ends in `INTERNAL`.
#[derive(Debug)]
pub struct JobReply {
    queue: Arc<SendQueue>,
    key: LaneKey,
    id: Arc<str>,
    ended: bool,
}

impl JobReply {
    pub(crate) fn new(queue: Arc<SendQueue>, key: LaneKey, id: Arc<str>) -> Self {
        Self { queue, key, id, ended: false }
    }

    /// The job's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What a chunk's frame begins with; rows follow, separated by commas, then [`suffix`](Self::suffix).
    #[must_use]
    pub fn prefix(&self) -> Bytes {
        chunk_prefix(&self.id)
    }

    /// What the frame of an aggregate's chunk begins with; groups follow, then [`suffix`](Self::suffix).
    #[must_use]
    pub fn aggregate_prefix(&self) -> Bytes {
        aggregate_prefix(&self.id)
    }

    /// What a chunk's frame ends with.
    #[must_use]
    pub fn suffix(&self) -> Bytes {
        Bytes::from_static(CHUNK_SUFFIX)
    }

    /// Queues one whole `chunk` frame, which must be UTF-8. Waits while two of this job's frames wait
    /// already, and for the job's window where the gateway has one. A wait that is dropped sends nothing.
    ///
    /// # Errors
    /// [`Gone`]: there is no point in going on.
    pub async fn chunk(&mut self, frame: Bytes) -> Result<(), Gone> {
        let mut frame = Some(frame);
        poll_fn(|cx| self.queue.poll_chunk(self.key, &mut frame, cx)).await
    }

    /// Ends the job well. Does not wait.
    pub fn done(mut self, meta: DoneMeta) {
        self.end(&RunnerFrame::Done(Done { id: self.id.to_string(), meta: Some(meta) }));
    }

    /// Ends the job badly. Does not wait.
    pub fn error(mut self, code: &str, message: &str, retryable: bool, detail: Option<Map<String, Value>>) {
        self.fail(code, message, retryable, detail);
    }

    fn fail(&mut self, code: &str, message: &str, retryable: bool, detail: Option<Map<String, Value>>) {
        self.end(&RunnerFrame::Error(JobError {
            id: self.id.to_string(),
            code: code.to_owned(),
            message: message.to_owned(),
            retryable: Some(retryable),
            detail,
        }));
    }

    fn end(&mut self, frame: &RunnerFrame) {
        self.ended = true;
        self.queue.end(self.key, frame.encode().into());
    }
}

impl Drop for JobReply {
    fn drop(&mut self) {
        // Where the socket is gone, nobody waits for an end and this does nothing.
        if !self.ended && self.queue.is_running(&self.id) {
            tracing::error!(job = %self.id, "job {} was dropped without an end; answering INTERNAL", self.id);
            self.fail(codes::INTERNAL, "the runner dropped this job; its log says why", false, None);
        }
    }
}
