//! SQLite's result codes (sqlite.org/rescode.html) to error codes. The code decides, never the text.

use std::ffi::c_int;

use connector_model::{Error, ErrorCode};
use rusqlite::ffi;

/// A failure on the session's thread.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) error: Error,
    /// Whether a catalogue that is out of date would explain it.
    pub(crate) stale: bool,
}

impl Fault {
    /// The same, found in this option of the job.
    pub(crate) fn of_option(self, option: &str) -> Fault {
        Fault { error: self.error.with("option", option), ..self }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        // A column that is not in the catalogue may be newer than it.
        let stale = error.code() == ErrorCode::InvalidJob && error.detail().contains_key("column");
        Fault { error, stale }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let stale = matches!(result_code(&error), Some(ffi::SQLITE_ERROR | ffi::SQLITE_SCHEMA));
        Fault { error: query_failed(&error), stale }
    }
}

/// The extended result code, where SQLite gave one.
pub(crate) fn result_code(error: &rusqlite::Error) -> Option<c_int> {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => Some(failure.extended_code),
        rusqlite::Error::SqlInputError { error, .. } => Some(error.extended_code),
        _ => None,
    }
}

/// The part of a result code that says what happened, without the details.
pub(crate) fn primary(code: c_int) -> c_int {
    code & 0xff
}

/// A failed statement.
pub(crate) fn query_failed(error: &rusqlite::Error) -> Error {
    let Some(code) = result_code(error) else {
        return Error::internal(format!("SQLite was used in a way it does not allow: {error}"));
    };
    let said = said(error);
    let (kind, message, retryable) = match primary(code) {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => {
            (ErrorCode::SourceQueryFailed, format!("another process holds the database's lock: {said}"), true)
        }
        ffi::SQLITE_INTERRUPT => (ErrorCode::Cancelled, "the job was cancelled".to_owned(), false),
        ffi::SQLITE_TOOBIG => (
            ErrorCode::ResultTooLarge,
            format!("a value is larger than this driver reads: {said}; select fewer columns"),
            false,
        ),
        ffi::SQLITE_NOMEM => {
            (ErrorCode::SourceQueryFailed, format!("SQLite ran out of memory: {said}"), true)
        }
        ffi::SQLITE_IOERR => {
            (ErrorCode::SourceQueryFailed, format!("the file could not be read: {said}"), true)
        }
        ffi::SQLITE_FULL => (
            ErrorCode::SourceQueryFailed,
            format!("no space is left for SQLite's temporary files: {said}"),
            true,
        ),
        ffi::SQLITE_CANTOPEN => {
            (ErrorCode::SourceQueryFailed, format!("a file that SQLite needs does not open: {said}"), true)
        }
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => (
            ErrorCode::SourceQueryFailed,
            format!("the database is damaged: {said}; `PRAGMA integrity_check` says more"),
            false,
        ),
        ffi::SQLITE_PERM | ffi::SQLITE_AUTH | ffi::SQLITE_READONLY => {
            (ErrorCode::SourceQueryFailed, format!("SQLite does not permit it: {said}"), false)
        }
        _ => (ErrorCode::SourceQueryFailed, format!("SQLite refused the query: {said}"), false),
    };
    Error::native(kind, message, code.to_string()).with_retryable(retryable)
}

/// What SQLite said, without the statement that rusqlite appends to it.
pub(crate) fn said(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqliteFailure(failure, None) => ffi::code_to_str(failure.extended_code).to_owned(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: c_int) -> Error {
        query_failed(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
    }

    #[test]
    fn the_result_code_decides_the_code_and_whether_a_retry_may_help() {
        for (code, expected, retryable) in [
            (ffi::SQLITE_BUSY, ErrorCode::SourceQueryFailed, true),
            (ffi::SQLITE_BUSY_RECOVERY, ErrorCode::SourceQueryFailed, true),
            (ffi::SQLITE_LOCKED_SHAREDCACHE, ErrorCode::SourceQueryFailed, true),
            (ffi::SQLITE_CORRUPT_VTAB, ErrorCode::SourceQueryFailed, false),
            (ffi::SQLITE_IOERR_READ, ErrorCode::SourceQueryFailed, true),
            (ffi::SQLITE_FULL, ErrorCode::SourceQueryFailed, true),
            (ffi::SQLITE_TOOBIG, ErrorCode::ResultTooLarge, false),
            (ffi::SQLITE_AUTH, ErrorCode::SourceQueryFailed, false),
            (ffi::SQLITE_PERM, ErrorCode::SourceQueryFailed, false),
            (ffi::SQLITE_INTERRUPT, ErrorCode::Cancelled, false),
            (ffi::SQLITE_ERROR, ErrorCode::SourceQueryFailed, false),
        ] {
            let error = of(code);
            assert_eq!((error.code(), error.retryable()), (expected, retryable), "{code}");
            assert_eq!(error.detail()["nativeCode"], code.to_string());
        }
    }

    #[test]
    fn only_what_a_changed_schema_explains_is_stale() {
        let fault = |code| Fault::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        assert!(fault(ffi::SQLITE_ERROR).stale);
        assert!(fault(ffi::SQLITE_SCHEMA).stale);
        assert!(!fault(ffi::SQLITE_BUSY).stale);
        assert!(Fault::from(Error::option("select", "…").with("column", "a")).stale);
        assert!(!Fault::from(Error::option("limit", "…")).stale);
    }
}
