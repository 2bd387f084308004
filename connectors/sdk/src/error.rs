//! Errors by name.
//!
//! A message says what is wrong, where, and what to do. It never holds a credential, and a value from a row only in what
//! the database itself said ([`query_failed`]).

use std::fmt::Display;

use connector_model::nearest::suggestion;

pub use connector_model::error::{Error, ErrorCode, Result};

/// The key in an error's detail that tells a missing right from a bad query; both have one code.
pub(crate) const FORBIDDEN: &str = "forbidden";

/// `INVALID_JOB`: an option of the job that makes no sense here.
pub fn invalid_request(option: &str, problem: impl Display) -> Error {
    Error::option(option, problem)
}

/// `UNSUPPORTED_JOB`: something that this connector does not do, such as "changedSince on a view".
pub fn unsupported(what: impl Display) -> Error {
    Error::new(ErrorCode::UnsupportedJob, format!("this connector does not do {what}"))
}

/// `SOURCE_UNREACHABLE`: the database cannot be reached; the same job may succeed a little later.
/// [`net::unreachable`](crate::net::unreachable) makes one of an [`std::io::Error`].
pub fn unreachable(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::SourceUnreachable, message)
}

/// `SOURCE_AUTH_FAILED`: the database refused the credentials.
pub fn unauthenticated(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::SourceAuthFailed, message)
}

/// `SOURCE_QUERY_FAILED`: the credentials are good, and do not allow this.
pub fn forbidden(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::SourceQueryFailed, message).with(FORBIDDEN, true)
}

/// `INVALID_TARGET`: there is no such target; `names` are those that exist, the nearest are offered.
pub fn not_found<'n>(target: &str, names: impl IntoIterator<Item = &'n str>) -> Error {
    let hint = suggestion(target, names);
    Error::new(ErrorCode::InvalidTarget, format!("there is no target \"{target}\"{hint}"))
        .with("target", target)
}

/// `SOURCE_QUERY_FAILED`: the database refused or broke off the query, with its own code and what it said.
pub fn query_failed(native_code: impl Into<String>, message: impl Into<String>) -> Error {
    Error::native(ErrorCode::SourceQueryFailed, message, native_code)
}

/// `QUERY_TIMEOUT`: the database itself gave up because of the time.
pub fn timed_out(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::QueryTimeout, message)
}

/// `RESULT_TOO_LARGE`: the answer is larger than somebody allows.
pub fn too_large(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::ResultTooLarge, message)
}

/// `CONNECTOR_FAILED`: a fault of this connector, or an answer that it does not understand.
pub fn internal(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::ConnectorFailed, message)
}

/// `SOURCE_NOT_CONFIGURED`: a setting that is complete in form and cannot be used. Say what is wrong without the value:
/// a password may stand where it does not belong.
pub fn misconfigured(field: &str, problem: impl Display) -> Error {
    Error::config(field, problem)
}
