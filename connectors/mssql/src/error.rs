//! What the driver reports, as a connector's error.

use connector_api::Stage;
use connector_model::error::{Error, ErrorCode};
use tiberius::error::Error as Native;

/// Errors of this class and above end the connection ("Database engine error severities").
const FATAL_CLASS: u8 = 20;

/// An error of the library or the server, met in `stage`.
pub(crate) fn failed(error: &Native, stage: Stage) -> Error {
    let mapped = match error {
        Native::Server(native) => refused(native.code(), native.class(), native.message(), stage),
        Native::Io { kind, message } => {
            let kind = dial::Kind::of_io(&std::io::Error::from(*kind)).code();
            lost(message).with("kind", kind)
        }
        Native::Protocol(message) => lost(message).with("kind", "protocol"),
        Native::Tls(message) => lost(message).with("kind", "tls"),
        Native::Routing { host, port } => lost(&format!("the server names {host}:{port} instead of itself")),
        Native::Encoding(_) | Native::Utf8 | Native::Utf16 | Native::Conversion(_) | Native::ParseInt(_) => {
            Error::internal(format!("the server sent a value that cannot be read: {error}"))
        }
        Native::BulkInput(message) => Error::internal(format!("a parameter cannot be sent: {message}")),
    };
    mapped.with("stage", stage.as_str())
}

fn lost(what: &str) -> Error {
    Error::new(ErrorCode::SourceUnreachable, format!("the connection to the database was lost: {what}"))
}

/// What the server itself said. The number decides, never the text ("Database engine events and errors").
fn refused(number: u32, class: u8, message: &str, stage: Stage) -> Error {
    let code = match number {
        // Unknown login or password, disabled, locked or expired account; a database that is not there or not for
        // this login.
        18_401..=18_499 | 4_060 | 4_062..=4_064 | 916 | 40_607 | 40_615 | 40_914 | 40_532 => {
            ErrorCode::SourceAuthFailed
        }
        // Starting, stopping, paused, being recovered or moved; out of connections: another moment may do.
        6_005
        | 17_142
        | 17_188
        | 17_809
        | 921..=927
        | 976..=983
        | 40_197
        | 40_501
        | 40_613
        | 10_928
        | 10_929
        | 10_936
        | 10_053
        | 10_054
        | 10_060
        | 49_918..=49_920
        | 42_108
        | 42_109 => ErrorCode::SourceUnreachable,
        _ if stage == Stage::Auth => ErrorCode::SourceAuthFailed,
        _ if class >= FATAL_CLASS => ErrorCode::SourceUnreachable,
        _ => ErrorCode::SourceQueryFailed,
    };
    // A deadlock's victim, a lock or memory that was not to be had in time: the same again may pass.
    let passing =
        matches!(number, 1_205 | 1_222 | 3_960 | 701 | 8_645 | 8_651 | 41_301 | 41_302 | 41_305 | 41_325);
    let retryable = code.retryable() || passing;
    Error::native(code, message, number.to_string()).with_retryable(retryable)
}

/// Whether a failed statement may pass when the catalogue is read anew: a column, a table or a view's base changed.
pub(crate) fn is_stale(error: &Native) -> bool {
    matches!(error.code(), Some(207 | 208 | 4_413 | 4_502 | 2_801))
}

/// Whether a statement cannot run in a snapshot though the database allows them: it reaches another database that does
/// not, a memory-optimized table, or a table whose shape has just changed.
pub(crate) fn is_snapshot_refused(error: &Native) -> bool {
    matches!(error.code(), Some(3_951..=3_953 | 3_961 | 41_332 | 41_333))
}

/// Whether the connection is of no use any more.
pub(crate) fn is_fatal(error: &Native) -> bool {
    match error {
        Native::Server(native) => native.class() >= FATAL_CLASS,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_decides() {
        for (code, class, stage, expected, retryable) in [
            (18_456, 14, Stage::Auth, ErrorCode::SourceAuthFailed, false),
            (4_060, 11, Stage::Auth, ErrorCode::SourceAuthFailed, false),
            (40_613, 17, Stage::Auth, ErrorCode::SourceUnreachable, true),
            (10_928, 16, Stage::Query, ErrorCode::SourceUnreachable, true),
            (1_205, 13, Stage::Query, ErrorCode::SourceQueryFailed, true),
            (1_222, 16, Stage::Query, ErrorCode::SourceQueryFailed, true),
            (229, 14, Stage::Query, ErrorCode::SourceQueryFailed, false),
            (8_134, 16, Stage::Query, ErrorCode::SourceQueryFailed, false),
            (596, 21, Stage::Query, ErrorCode::SourceUnreachable, true),
        ] {
            let error = refused(code, class, "said", stage);
            assert_eq!((error.code(), error.retryable()), (expected, retryable), "{code}");
            assert_eq!(error.detail()["nativeCode"], code.to_string());
        }
    }

    #[test]
    fn what_the_library_found_names_the_stage() {
        let native = Native::Io { kind: std::io::ErrorKind::UnexpectedEof, message: "eof".into() };
        let error = failed(&native, Stage::Auth);
        assert_eq!((error.code(), &error.detail()["stage"]), (ErrorCode::SourceUnreachable, &"auth".into()));
        assert!(is_fatal(&native) && !is_stale(&native));
    }
}
