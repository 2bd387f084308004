//! What answers a job.

use async_trait::async_trait;
use connector_api::{Chunks, Counted};
use connector_model::cursor::CursorKind;
use connector_model::error::{Error, Result};
use connector_model::json::Envelope;

/// Where a job's answer goes: chunks of rows, then one end. The engine ends every reply exactly once; the one
/// exception is the reply of a job whose id is still running, which is dropped, since anything said under that id
/// would speak for the other job.
///
/// [`Chunks::send`] is awaited no longer than the job's deadline and cancel allow; the future is dropped then, and
/// the chunk must not be half sent.
#[async_trait]
pub trait Reply: Chunks {
    /// The bytes before and after the groups of every chunk of an aggregate, in place of [`Chunks::envelope`].
    fn aggregate_envelope(&self) -> Envelope;

    /// Sends a number of rows instead of rows.
    ///
    /// # Errors
    /// As [`Chunks::send`].
    async fn total(&mut self, counted: Counted) -> Result<()>;

    /// The job has answered. Never waits.
    fn done(self: Box<Self>, done: Done);

    /// The job has failed. Never waits.
    fn error(self: Box<Self>, error: Error);
}

/// How a job ended that answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Rows sent.
    pub rows: u64,
    /// Bytes of the chunks sent, envelopes included.
    pub bytes: u64,
    /// Milliseconds since the job arrived.
    pub duration_ms: u64,
    /// Where the next page begins, if there is one.
    pub next_cursor: Option<String>,
    /// What kind of cursor that is.
    pub cursor_kind: Option<CursorKind>,
    /// Rows there are without limit and offset, where that was asked for.
    pub total: Option<u64>,
}
