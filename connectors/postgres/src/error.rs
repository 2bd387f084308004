//! What the driver reports, as a connector's error.

use connector_api::Stage;
use connector_model::error::{Error, ErrorCode};
use tokio_postgres::error::{DbError, SqlState};

/// An error of the library or the server, met in `stage`.
pub(crate) fn failed(error: &tokio_postgres::Error, stage: Stage) -> Error {
    let mapped = match error.as_db_error() {
        Some(native) => refused(native, stage),
        None => lost(error),
    };
    mapped.with("stage", stage.as_str())
}

/// What the server itself said. The SQLSTATE decides, never the text (PostgreSQL documentation, appendix A).
fn refused(native: &DbError, stage: Stage) -> Error {
    let state = native.code();
    let class = state.code().get(..2).unwrap_or_default();
    let code = match (class, state) {
        ("28", _) => ErrorCode::SourceAuthFailed,
        (_, state) if *state == SqlState::INVALID_CATALOG_NAME => ErrorCode::SourceAuthFailed,
        // Out of connections, starting up, shutting down, gone: another moment may do.
        ("08" | "57", state) if *state != SqlState::QUERY_CANCELED => ErrorCode::SourceUnreachable,
        (_, state) if *state == SqlState::TOO_MANY_CONNECTIONS => ErrorCode::SourceUnreachable,
        _ if stage == Stage::Auth => ErrorCode::SourceAuthFailed,
        _ => ErrorCode::SourceQueryFailed,
    };
    // Deadlocks and serialization failures pass by themselves.
    let retryable = code.retryable() || class == "40";
    let error = Error::native(code, native.message(), state.code()).with_retryable(retryable);
    match native.hint() {
        Some(hint) => error.with("hint", hint),
        None => error,
    }
}

/// The connection broke, or the peer does not speak the protocol.
fn lost(error: &tokio_postgres::Error) -> Error {
    let io = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    let kind = io.map_or("closed", |io| dial::Kind::of_io(io).code());
    let message = match std::error::Error::source(error) {
        Some(source) => format!("the connection to the database was lost: {error}: {source}"),
        None => format!("the connection to the database was lost: {error}"),
    };
    Error::new(ErrorCode::SourceUnreachable, message).with("kind", kind)
}

/// Whether a failed statement may pass when the catalogue is read anew: a column, a table or a result type changed.
pub(crate) fn is_stale(error: &tokio_postgres::Error) -> bool {
    let stale = [
        SqlState::UNDEFINED_COLUMN,
        SqlState::UNDEFINED_TABLE,
        // An operator or a function that the column's type has no more.
        SqlState::UNDEFINED_FUNCTION,
        SqlState::FEATURE_NOT_SUPPORTED,
    ];
    error.code().is_some_and(|code| stale.contains(code))
}

/// Whether the server stopped the statement because it was asked to, or because its time was up.
pub(crate) fn is_cancelled(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::QUERY_CANCELED)
}
