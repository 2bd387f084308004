//! What the driver reports, as a connector's error.
//!
//! Numbers are those of the servers' own reference ("Server Error Message Reference" of MySQL 8.4, "MariaDB Error
//! Code Reference"); a number decides, never the text beside it.

use connector_api::Stage;
use connector_model::error::{Error, ErrorCode};

use crate::wire::{Failure, ServerError};

const ER_CON_COUNT_ERROR: u16 = 1040;
const ER_DBACCESS_DENIED: u16 = 1044;
const ER_ACCESS_DENIED: u16 = 1045;
const ER_BAD_DB: u16 = 1049;
const ER_SERVER_SHUTDOWN: u16 = 1053;
const ER_BAD_FIELD: u16 = 1054;
const ER_HOST_IS_BLOCKED: u16 = 1129;
const ER_HOST_NOT_PRIVILEGED: u16 = 1130;
const ER_NO_SUCH_TABLE: u16 = 1146;
const ER_NEW_ABORTING_CONNECTION: u16 = 1184;
const ER_TOO_MANY_USER_CONNECTIONS: u16 = 1203;
const ER_LOCK_WAIT_TIMEOUT: u16 = 1205;
const ER_LOCK_DEADLOCK: u16 = 1213;
const ER_USER_LIMIT_REACHED: u16 = 1226;
const ER_NOT_SUPPORTED_AUTH_MODE: u16 = 1251;
/// Two texts that cannot be compared: one has a character that the other's character set does not have.
const ER_CANT_AGGREGATE_2COLLATIONS: u16 = 1267;
const ER_CANT_AGGREGATE_3COLLATIONS: u16 = 1270;
const ER_CANT_AGGREGATE_NCOLLATIONS: u16 = 1271;
const ER_QUERY_INTERRUPTED: u16 = 1317;
const ER_VIEW_INVALID: u16 = 1356;
const ER_TABLE_DEF_CHANGED: u16 = 1412;
const ER_NEED_REPREPARE: u16 = 1615;
const ER_ACCESS_DENIED_NO_PASSWORD: u16 = 1698;
const ER_MUST_CHANGE_PASSWORD: u16 = 1820;
const ER_MUST_CHANGE_PASSWORD_LOGIN: u16 = 1862;
/// MySQL: `max_execution_time` is over.
const ER_QUERY_TIMEOUT: u16 = 3024;
const ER_SECURE_TRANSPORT_REQUIRED: u16 = 3159;
const ER_ACCOUNT_HAS_BEEN_LOCKED: u16 = 3118;
/// MariaDB: `max_statement_time` is over.
const ER_STATEMENT_TIMEOUT: u16 = 1969;
/// MariaDB: the connection was ended by an administrator.
const ER_CONNECTION_KILLED: u16 = 1927;
/// MariaDB's number for a locked account.
const ER_ACCOUNT_LOCKED: u16 = 4151;
const ER_CLIENT_INTERACTION_TIMEOUT: u16 = 4031;

/// A failure met in `stage`.
pub(crate) fn failed(failure: &Failure, stage: Stage) -> Error {
    let mapped = match failure {
        Failure::Refused(native) => return refused(native, stage),
        Failure::Lost(error) => {
            let message = format!("the connection to the database was lost: {error}");
            Error::new(ErrorCode::SourceUnreachable, message).with("kind", dial::Kind::of_io(error).code())
        }
        Failure::Garbled(what) => {
            let message = format!("what answers does not speak MySQL's protocol as it should: {what}");
            Error::new(ErrorCode::SourceUnreachable, message).with("kind", "not_mysql")
        }
        Failure::TooLarge(limit) => {
            let message = format!("a row is larger than {limit} bytes; select fewer columns of it");
            Error::new(ErrorCode::ResultTooLarge, message).with("limitBytes", *limit as u64)
        }
    };
    mapped.with("stage", stage.as_str())
}

/// What the server itself said.
pub(crate) fn refused(native: &ServerError, stage: Stage) -> Error {
    let code = match native.number {
        ER_DBACCESS_DENIED
        | ER_ACCESS_DENIED
        | ER_BAD_DB
        | ER_ACCESS_DENIED_NO_PASSWORD
        | ER_HOST_NOT_PRIVILEGED
        | ER_NOT_SUPPORTED_AUTH_MODE
        | ER_MUST_CHANGE_PASSWORD
        | ER_MUST_CHANGE_PASSWORD_LOGIN
        | ER_SECURE_TRANSPORT_REQUIRED
        | ER_ACCOUNT_HAS_BEEN_LOCKED
        | ER_ACCOUNT_LOCKED => ErrorCode::SourceAuthFailed,
        // Out of connections, shutting down, gone: another moment may do.
        ER_CON_COUNT_ERROR
        | ER_SERVER_SHUTDOWN
        | ER_HOST_IS_BLOCKED
        | ER_NEW_ABORTING_CONNECTION
        | ER_TOO_MANY_USER_CONNECTIONS
        | ER_USER_LIMIT_REACHED
        | ER_CONNECTION_KILLED
        | ER_CLIENT_INTERACTION_TIMEOUT => ErrorCode::SourceUnreachable,
        _ if native.state.starts_with("08") => ErrorCode::SourceUnreachable,
        _ if native.state.starts_with("28") || stage == Stage::Auth => ErrorCode::SourceAuthFailed,
        ER_QUERY_TIMEOUT | ER_STATEMENT_TIMEOUT => ErrorCode::QueryTimeout,
        _ => ErrorCode::SourceQueryFailed,
    };
    // Deadlocks and lock waits pass by themselves.
    let retryable = code.retryable() || matches!(native.number, ER_LOCK_DEADLOCK | ER_LOCK_WAIT_TIMEOUT);
    Error::native(code, native.message.clone(), native.number.to_string())
        .with_retryable(retryable)
        .with("sqlState", native.state.clone())
        .with("stage", stage.as_str())
}

/// Whether a failed statement may pass when the catalogue is read anew: a column, a table or a view changed.
pub(crate) fn is_stale(error: &ServerError) -> bool {
    matches!(
        error.number,
        ER_BAD_FIELD | ER_NO_SUCH_TABLE | ER_VIEW_INVALID | ER_TABLE_DEF_CHANGED | ER_NEED_REPREPARE
    )
}

/// Whether a statement failed because an operand holds a character that a column's character set does not have.
pub(crate) fn is_foreign_text(error: &ServerError) -> bool {
    matches!(
        error.number,
        ER_CANT_AGGREGATE_2COLLATIONS | ER_CANT_AGGREGATE_3COLLATIONS | ER_CANT_AGGREGATE_NCOLLATIONS
    )
}

/// Whether the server stopped the statement because it was asked to, or because its time was up.
pub(crate) fn is_stopped(error: &ServerError) -> bool {
    matches!(error.number, ER_QUERY_INTERRUPTED | ER_QUERY_TIMEOUT | ER_STATEMENT_TIMEOUT)
}
