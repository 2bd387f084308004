//! A guest's error as a job's.

use connector_api::Stage;
use connector_model::error::{Error, ErrorCode};

use crate::bindings::semilayer::connector::types::{Error as GuestError, ErrorKind};
use crate::log::Secrets;

/// The most characters of a message.
const MAX_MESSAGE: usize = 4_000;
/// The most characters of a code, and of a detail's name.
const MAX_NAME: usize = 128;
/// The most characters of a detail's value.
const MAX_VALUE: usize = 1_000;
/// The most details of one error.
const MAX_DETAILS: usize = 16;

/// The published code of an operator that the database does not have.
const UNSUPPORTED_OPERATOR: &str = ErrorCode::UnsupportedOperator.as_str();

/// Whether the session may serve again after an error of that kind: the connection is not in doubt.
pub(crate) fn leaves_session_usable(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::InvalidRequest
        | ErrorKind::Unsupported
        | ErrorKind::Forbidden
        | ErrorKind::NotFound
        | ErrorKind::QueryFailed
        | ErrorKind::Timeout
        | ErrorKind::ResourceExhausted => true,
        ErrorKind::Unreachable
        | ErrorKind::Unauthenticated
        | ErrorKind::Internal
        | ErrorKind::Misconfigured => false,
    }
}

/// The job's error, with the source's secrets hidden. `dialled` is how the host's last connection failed, if one did: the
/// guest only knows that it did.
pub(crate) fn error(guest: GuestError, dialled: Option<Error>, secrets: &Secrets) -> Error {
    if let (ErrorKind::Unreachable, Some(dialled)) = (guest.kind, dialled) {
        return detailed(dialled, guest.detail, secrets);
    }
    let message = secrets.shown(&guest.message, MAX_MESSAGE);
    let code = match guest.kind {
        ErrorKind::InvalidRequest => ErrorCode::InvalidJob,
        ErrorKind::Unsupported if guest.code == UNSUPPORTED_OPERATOR => ErrorCode::UnsupportedOperator,
        ErrorKind::Unsupported => ErrorCode::UnsupportedJob,
        ErrorKind::Unreachable => ErrorCode::SourceUnreachable,
        ErrorKind::Unauthenticated => ErrorCode::SourceAuthFailed,
        ErrorKind::Forbidden | ErrorKind::QueryFailed => ErrorCode::SourceQueryFailed,
        ErrorKind::NotFound => ErrorCode::InvalidTarget,
        ErrorKind::Timeout => ErrorCode::QueryTimeout,
        ErrorKind::ResourceExhausted => ErrorCode::ResultTooLarge,
        ErrorKind::Internal => ErrorCode::ConnectorFailed,
        ErrorKind::Misconfigured => ErrorCode::SourceNotConfigured,
    };
    let error = match (guest.kind, guest.code.as_str()) {
        // What the caller or the operator wrote, not what the database answered.
        (ErrorKind::Unsupported, UNSUPPORTED_OPERATOR)
        | (
            ErrorKind::InvalidRequest
            | ErrorKind::Unsupported
            | ErrorKind::NotFound
            | ErrorKind::Unreachable
            | ErrorKind::Misconfigured,
            "",
        ) => Error::new(code, message),
        (kind, "") => Error::native(code, message, kind_name(kind)),
        (_, native) => Error::native(code, message, secrets.shown(native, MAX_NAME)),
    };
    detailed(error.with_retryable(guest.retryable), guest.detail, secrets)
}

/// The stage of an open that an error belongs to, where it does not say so itself.
pub(crate) fn at_stage(error: Error, stage: Stage) -> Error {
    if error.detail().contains_key("stage") {
        return error;
    }
    let stage = match error.code() {
        ErrorCode::SourceAuthFailed => Stage::Auth,
        ErrorCode::SourceNotConfigured => Stage::Config,
        _ => stage,
    };
    error.with("stage", stage.as_str())
}

/// The host's own error of a connection. The name of a host in it is the guest's, which may have taken a part of the
/// configuration for one.
pub(crate) fn of_dial(dialled: &Error, secrets: &Secrets) -> Error {
    let message = secrets.shown(dialled.message(), MAX_MESSAGE);
    let error = Error::new(dialled.code(), message).with_retryable(dialled.retryable());
    dialled.detail().iter().fold(error, |error, (name, value)| match value.as_str() {
        Some(text) => error.with(name, secrets.shown(text, MAX_VALUE)),
        None => error.with(name, value.clone()),
    })
}

/// Adds the guest's details, which do not replace the host's own.
fn detailed(error: Error, details: Vec<(String, String)>, secrets: &Secrets) -> Error {
    details.into_iter().take(MAX_DETAILS).fold(error, |error, (name, value)| {
        let name = secrets.shown(&name, MAX_NAME);
        if error.detail().contains_key(&name) {
            error
        } else {
            error.with(&name, secrets.shown(&value, MAX_VALUE))
        }
    })
}

/// The kind as the interface names it.
fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest => "invalid-request",
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::Unreachable => "unreachable",
        ErrorKind::Unauthenticated => "unauthenticated",
        ErrorKind::Forbidden => "forbidden",
        ErrorKind::NotFound => "not-found",
        ErrorKind::QueryFailed => "query-failed",
        ErrorKind::Timeout => "timeout",
        ErrorKind::ResourceExhausted => "resource-exhausted",
        ErrorKind::Internal => "internal",
        ErrorKind::Misconfigured => "misconfigured",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(kind: ErrorKind, code: &str, message: &str) -> GuestError {
        GuestError {
            kind,
            code: code.to_owned(),
            message: message.to_owned(),
            retryable: false,
            detail: Vec::new(),
        }
    }

    #[test]
    fn every_kind_has_its_code() {
        use ErrorKind::*;
        for (kind, code) in [
            (InvalidRequest, ErrorCode::InvalidJob),
            (Unsupported, ErrorCode::UnsupportedJob),
            (Unreachable, ErrorCode::SourceUnreachable),
            (Unauthenticated, ErrorCode::SourceAuthFailed),
            (Forbidden, ErrorCode::SourceQueryFailed),
            (NotFound, ErrorCode::InvalidTarget),
            (QueryFailed, ErrorCode::SourceQueryFailed),
            (Timeout, ErrorCode::QueryTimeout),
            (ResourceExhausted, ErrorCode::ResultTooLarge),
            (Internal, ErrorCode::ConnectorFailed),
            (Misconfigured, ErrorCode::SourceNotConfigured),
        ] {
            let error = error(guest(kind, "", "m"), None, &Secrets::default());
            assert_eq!((error.code(), error.message(), error.retryable()), (code, "m", false));
        }
        let operator = error(guest(Unsupported, "unsupported_operator", "m"), None, &Secrets::default());
        assert_eq!(operator.code(), ErrorCode::UnsupportedOperator);
    }

    #[test]
    fn what_a_database_says_is_scrubbed_for_logs_and_cannot_write_into_them() {
        let error = error(
            guest(ErrorKind::QueryFailed, "42601", "near \"secret\"\n\u{1b}[2J fake line"),
            None,
            &Secrets::default(),
        );
        assert!(!error.loggable().contains("secret"), "{}", error.loggable());
        assert!(!error.message().contains(['\n', '\u{1b}']), "{}", error.message());
        assert_eq!(error.detail()["nativeCode"], "42601");
    }

    #[test]
    fn a_failed_dial_is_told_by_the_host_that_saw_it() {
        let dialled = Error::new(ErrorCode::PolicyDenied, "denied").with("stage", "dns");
        let mut said = guest(ErrorKind::Unreachable, "", "no connection");
        said.detail = vec![("stage".into(), "made up".into()), ("host".into(), "h".into())];
        let error = error(said, Some(dialled), &Secrets::default());
        assert_eq!((error.code(), error.message()), (ErrorCode::PolicyDenied, "denied"));
        assert_eq!((&error.detail()["stage"], &error.detail()["host"]), (&"dns".into(), &"h".into()));
        let other = super::error(
            guest(ErrorKind::NotFound, "", "m"),
            Some(Error::internal("dial")),
            &Secrets::default(),
        );
        assert_eq!(other.code(), ErrorCode::InvalidTarget);
    }

    #[test]
    fn texts_and_details_are_bounded() {
        let mut long = guest(ErrorKind::Internal, &"c".repeat(10_000), &"m".repeat(1 << 20));
        long.detail = (0..1_000).map(|n| (n.to_string(), "v".repeat(10_000))).collect();
        let error = error(long, None, &Secrets::default());
        assert!(error.message().chars().count() <= MAX_MESSAGE + 1);
        assert!(error.detail().len() <= MAX_DETAILS + 1);
    }

    #[test]
    fn a_secret_is_in_no_part_of_an_error() {
        let secrets = Secrets::these(&["hunter2"]);
        for (kind, dialled) in [
            (ErrorKind::QueryFailed, None),
            (
                ErrorKind::Unreachable,
                Some(Error::new(ErrorCode::PolicyDenied, "no hunter2:1").with("host", "hunter2")),
            ),
        ] {
            let mut said = guest(kind, "WRONG hunter2", "login with hunter2 refused");
            said.detail = vec![("hunter2".into(), "is hunter2".into())];
            let dialled = dialled.map(|error| of_dial(&error, &secrets));
            let error = at_stage(error(said, dialled, &secrets), Stage::Auth);
            let detail = serde_json::Value::Object(error.detail().clone()).to_string();
            for text in [error.message(), &error.loggable(), &detail] {
                assert!(text.contains("***") && !text.contains("hunter2"), "{text}");
            }
        }
    }

    #[test]
    fn an_open_says_where_it_stopped() {
        let stage = |code, own| at_stage(Error::new(code, ""), own).detail()["stage"].clone();
        assert_eq!(stage(ErrorCode::SourceAuthFailed, Stage::Query), "auth");
        assert_eq!(stage(ErrorCode::SourceNotConfigured, Stage::Auth), "config");
        assert_eq!(stage(ErrorCode::SourceQueryFailed, Stage::Query), "query");
        let own = Error::new(ErrorCode::SourceUnreachable, "").with("stage", "tcp");
        assert_eq!(at_stage(own, Stage::Auth).detail()["stage"], "tcp");
    }
}
