//! A job's bad end, as its caller is told of it.

use std::borrow::Cow;

use runner_protocol::{JobError, codes};
use serde_json::{Map, Value};

/// Longest code that a runner may send, in characters: the protocol's are under thirty.
const LONGEST_CODE: usize = 64;
/// Longest message that a runner may send, in characters: one sentence, and what a database says beside it.
const LONGEST_MESSAGE: usize = 8_192;

/// A job's bad end. `code` decides the HTTP status.
#[derive(Debug, Clone)]
pub(crate) struct JobFailure {
    /// One of the protocol's codes, or a connector's own.
    pub(crate) code: Cow<'static, str>,
    /// One sentence for a person.
    pub(crate) message: String,
    /// Facts for a program.
    pub(crate) detail: Map<String, Value>,
    /// Whether another try may succeed.
    pub(crate) retryable: bool,
}

impl JobFailure {
    fn new(code: &'static str, message: impl Into<String>, retryable: bool) -> Self {
        Self { code: Cow::Borrowed(code), message: message.into(), detail: Map::new(), retryable }
    }

    /// Nobody can run the job now; `message` says why and what to do.
    pub(crate) fn no_runner(message: String) -> Self {
        Self::new(codes::NO_RUNNERS_ONLINE, message, true)
    }

    /// The socket was lost while the job ran.
    pub(crate) fn socket_lost(runner: &str) -> Self {
        let message = format!("runner `{runner}` disconnected while the job ran; try again");
        Self::new(codes::RUNNER_FAILED, message, true)
    }

    /// The runner sent something for the job that makes no sense.
    pub(crate) fn malformed(runner: &str, reason: &str) -> Self {
        let message = format!("runner `{runner}` sent a frame that could not be read: {reason}");
        Self::new(codes::RUNNER_FAILED, message, false)
    }

    /// The deadline passed.
    pub(crate) fn expired(deadline_ms: u64) -> Self {
        let message = format!("the job was not finished within {deadline_ms} ms");
        Self::new(codes::QUERY_TIMEOUT, message, false)
    }

    /// The caller read too slowly for a runner that keeps no send window.
    pub(crate) fn lagged() -> Self {
        let message = "the answer was read too slowly: more than 16 MiB were waiting, and this runner cannot be slowed down";
        Self::new(codes::CANCELLED, message, false)
    }

    /// What the runner said.
    pub(crate) fn reported(error: JobError) -> Self {
        let known = matches!(
            error.code.as_str(),
            codes::SOURCE_UNREACHABLE | codes::RUNNER_BUSY | codes::RUNNER_DRAINING
        );
        Self {
            retryable: error.retryable.unwrap_or(known),
            code: Cow::Owned(cut(error.code, LONGEST_CODE)),
            message: cut(error.message, LONGEST_MESSAGE),
            detail: error.detail.unwrap_or_default(),
        }
    }
}

fn cut(mut text: String, longest: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(longest) {
        text.truncate(end);
    }
    text
}
