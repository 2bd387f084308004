//! The engine's answers as frames of the link.

use async_trait::async_trait;
use bytes::Bytes;
use connector_api::{Chunks, Counted, Stopped};
use connector_model::cursor::CursorKind;
use connector_model::error::{Error, Result};
use connector_model::json::Envelope;
use runner_engine::{Done, Reply};
use runner_link::{Gone, JobReply};
use runner_protocol::{Chunk, DoneMeta, RunnerFrame};

use super::jobs::Running;

/// A job's way back through the link.
pub(super) struct LinkReply {
    pub(super) reply: JobReply,
    /// Ends with it.
    pub(super) _running: Running,
}

impl LinkReply {
    async fn frame(&mut self, frame: Bytes) -> Result<()> {
        // With the socket gone nobody waits for the answer, which is what a cancel says.
        self.reply.chunk(frame).await.map_err(|Gone| Stopped::Cancelled.error())
    }
}

#[async_trait]
impl Chunks for LinkReply {
    fn envelope(&self) -> Envelope {
        Envelope { prefix: self.reply.prefix().to_vec(), suffix: self.reply.suffix().to_vec() }
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
        self.frame(chunk.into()).await
    }
}

#[async_trait]
impl Reply for LinkReply {
    fn aggregate_envelope(&self) -> Envelope {
        Envelope { prefix: self.reply.aggregate_prefix().to_vec(), suffix: self.reply.suffix().to_vec() }
    }

    async fn total(&mut self, counted: Counted) -> Result<()> {
        let chunk = Chunk::count(self.reply.id(), counted.total, counted.approximate);
        self.frame(RunnerFrame::Chunk(chunk).encode().into()).await
    }

    fn done(self: Box<Self>, done: Done) {
        self.reply.done(DoneMeta {
            count: done.rows,
            duration_ms: done.duration_ms,
            next_cursor: done.next_cursor,
            total: done.total,
            cursor_kind: done.cursor_kind.map(kind_name),
        });
    }

    fn error(self: Box<Self>, error: Error) {
        let detail = Some(error.detail().clone()).filter(|detail| !detail.is_empty());
        self.reply.error(error.code().as_str(), error.message(), error.retryable(), detail);
    }
}

fn kind_name(kind: CursorKind) -> String {
    match kind {
        CursorKind::Keyset => "keyset",
        CursorKind::Offset => "offset",
        CursorKind::Scan => "scan",
    }
    .to_owned()
}
