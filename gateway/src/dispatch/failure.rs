//! A job's bad end, as its caller is told of it.

use std::borrow::Cow;

use runner_protocol::{JobError, codes};
use serde_json::{Map, Value};

use crate::store::JobStatus;

/// Longest code that a runner may send, in characters: the protocol's are under thirty.
const LONGEST_CODE: usize = 64;
/// Longest message that a runner may send, in characters: one sentence, and what a database says beside it.
const LONGEST_MESSAGE: usize = 8_192;
/// Longest message that the record keeps, in characters.
const LONGEST_RECORDED: usize = 1_024;
/// The name in `detail` of a database's own error code.
const NATIVE_CODE: &str = "nativeCode";
/// Longest native code that the record keeps, in bytes: SQLSTATE has five, the longest symbolic names some forty.
const LONGEST_NATIVE_CODE: usize = 64;

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

    /// The runner cannot be given the job: too much waits for its socket.
    pub(crate) fn busy(runner: &str) -> Self {
        let message = format!("too much is already waiting to be sent to runner `{runner}`; try again");
        Self::new(codes::RUNNER_BUSY, message, true)
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

    /// How a job that ended so stands in the record.
    pub(crate) fn status(&self) -> JobStatus {
        if self.code == codes::QUERY_TIMEOUT { JobStatus::Expired } else { JobStatus::Failed }
    }

    /// The message as the record keeps it. What a database says quotes parameters and cells, so of its errors only
    /// their code is kept.
    pub(crate) fn recorded_message(&self) -> String {
        let native = self.detail.get(NATIVE_CODE);
        if native.is_none() && self.code != codes::SOURCE_QUERY_FAILED {
            return self.message.chars().take(LONGEST_RECORDED).collect();
        }
        match native.and_then(plain_code) {
            Some(code) => {
                format!("the database reported an error with its code `{code}`; its message is not kept")
            }
            None => "the database reported an error; its message is not kept".to_owned(),
        }
    }
}

/// A native code that can be nothing but a code: a number, or one short word.
fn plain_code(value: &Value) -> Option<String> {
    let code = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (!code.is_empty() && code.len() <= LONGEST_NATIVE_CODE && code.bytes().all(plain)).then_some(code)
}

fn cut(mut text: String, longest: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(longest) {
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reported(code: &str, detail: Value) -> JobFailure {
        let Value::Object(detail) = detail else { panic!("not an object") };
        JobFailure::reported(JobError {
            id: String::new(),
            code: code.to_owned(),
            message: "duplicate key (email)=(ada@example.org)".to_owned(),
            detail: Some(detail),
            retryable: None,
        })
    }

    #[test]
    fn what_a_database_says_is_never_recorded() {
        for (code, detail, native) in [
            ("SOURCE_QUERY_FAILED", json!({ "nativeCode": "23505" }), Some("`23505`")),
            ("SOURCE_QUERY_FAILED", json!({}), None),
            ("SOURCE_UNREACHABLE", json!({ "nativeCode": 1040 }), Some("`1040`")),
            ("REDIS_MOVED", json!({ "nativeCode": "(email)=(ada@example.org)" }), None),
            ("REDIS_MOVED", json!({ "nativeCode": "a".repeat(65) }), None),
            ("REDIS_MOVED", json!({ "nativeCode": ["ada"] }), None),
        ] {
            let failure = reported(code, detail);
            let kept = failure.recorded_message();
            assert!(!kept.contains("ada") && !kept.contains("aaa"), "{code}: {kept}");
            assert_eq!(
                kept.split_whitespace().find_map(|word| word.strip_suffix(';')),
                native.or(Some("error"))
            );
            assert!(failure.message.contains("ada@example.org"), "its caller still reads it");
        }
    }

    #[test]
    fn the_message_of_any_other_code_is_recorded() {
        let failure = reported("INVALID_JOB", json!({}));
        assert_eq!(failure.recorded_message(), failure.message);
    }
}
