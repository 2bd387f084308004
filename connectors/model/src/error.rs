//! One closed set of error codes, and the error that carries one.

use std::fmt;

use serde_json::{Map, Value};

/// The result of everything a connector does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, retryable $retryable:literal;)+) => {
        /// Why a job failed. The text of each code is fixed by the runner protocol (version 1).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)+
        }

        impl ErrorCode {
            /// Every code there is.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$name,)+];

            /// The code as it stands in an `error` frame.
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$name => $text,)+ }
            }

            /// Whether the same job may succeed if it is tried again elsewhere or a little later.
            pub const fn retryable(self) -> bool {
                match self { $(ErrorCode::$name => $retryable,)+ }
            }
        }
    };
}

codes! {
    /// DNS, TCP, TLS or a timeout before authentication; `detail.stage` says which.
    SourceUnreachable = "SOURCE_UNREACHABLE", retryable true;
    /// The database refused the credentials.
    SourceAuthFailed = "SOURCE_AUTH_FAILED", retryable false;
    /// The source's configuration is missing or unusable; names the setting.
    SourceNotConfigured = "SOURCE_NOT_CONFIGURED", retryable false;
    /// The database refused the query; carries its own code.
    SourceQueryFailed = "SOURCE_QUERY_FAILED", retryable false;
    /// Unknown or malformed target.
    InvalidTarget = "INVALID_TARGET", retryable false;
    /// Options of the wrong shape; says which option.
    InvalidJob = "INVALID_JOB", retryable false;
    /// A `where` operator that the source cannot push down.
    UnsupportedOperator = "unsupported_operator", retryable false;
    /// The connector lacks this operation.
    UnsupportedJob = "UNSUPPORTED_JOB", retryable false;
    /// No driver or connector of that name is loaded.
    UnknownBridge = "UNKNOWN_BRIDGE", retryable false;
    /// The job's deadline passed.
    QueryTimeout = "QUERY_TIMEOUT", retryable false;
    /// The job was cancelled.
    Cancelled = "CANCELLED", retryable false;
    /// The runner's own policy forbids it; names the rule.
    PolicyDenied = "POLICY_DENIED", retryable false;
    /// A row or a result is larger than the limit.
    ResultTooLarge = "RESULT_TOO_LARGE", retryable false;
    /// Every job slot is taken and the queue is full.
    RunnerBusy = "RUNNER_BUSY", retryable true;
    /// The runner is shutting down.
    RunnerDraining = "RUNNER_DRAINING", retryable true;
    /// A WASM connector trapped, or ran out of fuel, time or memory.
    ConnectorFailed = "CONNECTOR_FAILED", retryable false;
    /// A bug; carries an id that the runner's log has too.
    Internal = "INTERNAL", retryable false;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One failure: a code for programs, a message for the person who reads it, and what else is known.
///
/// The message may quote what the caller sent or what the database answered, never a credential. What a log may
/// show is [`Error::loggable`].
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: ErrorCode,
    message: String,
    retryable: bool,
    quotes_data: bool,
    detail: Map<String, Value>,
}

impl Error {
    /// An error of `code`, retryable as the code usually is.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            code,
            message: message.into(),
            retryable: code.retryable(),
            quotes_data: false,
            detail: Map::new(),
        }))
    }

    /// `INVALID_JOB` for the option of that name; the message reads "`option`: what is wrong".
    pub fn option(option: &str, problem: impl fmt::Display) -> Self {
        Error::new(ErrorCode::InvalidJob, format!("option `{option}`: {problem}")).with("option", option)
    }

    /// `SOURCE_NOT_CONFIGURED` for one configuration key; the value is never part of it.
    pub fn config(key: &str, problem: impl fmt::Display) -> Self {
        Error::new(ErrorCode::SourceNotConfigured, format!("setting `{key}`: {problem}")).with("setting", key)
    }

    /// What the database itself said, with its native code (SQLSTATE, result code). Such a message can quote a
    /// value from a row or a parameter, so logs show it only scrubbed.
    pub fn native(code: ErrorCode, message: impl Into<String>, native_code: impl Into<String>) -> Self {
        let mut error = Error::new(code, message).with("nativeCode", native_code.into());
        error.0.quotes_data = true;
        error
    }

    /// A bug of ours, found where it shows.
    pub fn internal(what: impl Into<String>) -> Self {
        Error::new(ErrorCode::Internal, what)
    }

    /// Adds one field to the detail.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.detail.insert(key.to_owned(), value.into());
        self
    }

    /// Overrides whether a retry may help.
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The message, for whoever sent the job.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The message, for a log: what the database quoted is replaced by `…`.
    pub fn loggable(&self) -> String {
        if self.0.quotes_data { scrub(&self.0.message) } else { self.0.message.clone() }
    }

    /// Whether the same job may succeed if it is tried again.
    pub fn retryable(&self) -> bool {
        self.0.retryable
    }

    /// Everything else that is known, by name.
    pub fn detail(&self) -> &Map<String, Value> {
        &self.0.detail
    }
}

/// Replaces every quoted run and every number by `…`: what is left is the shape of the message.
fn scrub(message: &str) -> String {
    let mut scrubbed = String::with_capacity(message.len());
    let mut closing: Option<char> = None;
    let mut in_number = false;
    for character in message.chars() {
        match closing {
            Some(end) if character == end => {
                closing = None;
                scrubbed.push(character);
            }
            Some(_) => {}
            None if matches!(character, '"' | '\'' | '`') => {
                closing = Some(character);
                scrubbed.push(character);
                scrubbed.push('…');
            }
            None if character.is_ascii_digit() => {
                if !in_number {
                    scrubbed.push('…');
                }
            }
            None => scrubbed.push(character),
        }
        in_number = closing.is_none() && character.is_ascii_digit();
    }
    scrubbed
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.loggable())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_never_shows_what_the_database_quoted() {
        let error = Error::native(
            ErrorCode::SourceQueryFailed,
            "invalid input for type uuid: \"jo@x.org\" at 4711",
            "22P02",
        );
        assert_eq!(error.loggable(), "invalid input for type uuid: \"…\" at …");
        assert!(error.message().contains("jo@x.org"));
        assert!(!format!("{error:?}").contains("jo@x.org"));
    }

    #[test]
    fn codes_are_unique() {
        let mut texts: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), ErrorCode::ALL.len());
    }
}
