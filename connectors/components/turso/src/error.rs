//! What servers refuse: HTTP's status codes, and the codes of Hrana's errors. A code decides, never a text.

use semilayer_connector::error::{
    forbidden, misconfigured, query_failed, timed_out, too_large, unauthenticated, unreachable,
};
use semilayer_connector::prelude::*;
use serde::Deserialize;

/// What a server says is cut to so many characters.
const SAID: usize = 500;

/// A failed exchange.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) error: Error,
    pub(crate) hint: Hint,
}

/// What may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hint {
    /// Nothing that is known here.
    None,
    /// A catalogue that is out of date would explain it.
    Stale,
    /// Asking for fewer rows.
    FewerRows,
    /// The server may not know a request of the protocol.
    OlderServer,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let hint = match error.code() {
            // A column that is not in the catalogue may be newer than it.
            ErrorCode::InvalidJob if error.detail().contains_key("column") => Hint::Stale,
            ErrorCode::ResultTooLarge => Hint::FewerRows,
            _ => Hint::None,
        };
        Fault { error, hint }
    }
}

/// An error of the protocol.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Refusal {
    #[serde(default, alias = "error")]
    message: String,
    #[serde(default)]
    code: Option<String>,
}

impl Refusal {
    /// What became of a statement. The codes are libSQL's (libsql-server/src/hrana/stmt.rs), SQLite's primary result
    /// codes by name, and those of `tursodb`.
    pub(crate) fn fault(self) -> Fault {
        let code = self.code.unwrap_or_default();
        let said = cut(&self.message);
        let failed = |message: String| query_failed(code.as_str(), message);
        let (error, hint) = match code.as_str() {
            "RESPONSE_TOO_LARGE" | "SQLITE_TOOBIG" => {
                let problem =
                    "the answer is larger than the server allows; select fewer columns or smaller groups";
                (too_large(problem).with("nativeCode", code.as_str()), Hint::FewerRows)
            }
            "BLOCKED" | "SQLITE_AUTH" | "SQLITE_PERM" => (
                forbidden(format!("the server does not permit it: {said}")).with("nativeCode", code.as_str()),
                Hint::None,
            ),
            code if code.starts_with("AUTH_") => (
                unauthenticated(format!(
                    "the server refused the token: {said}; set `authToken` to a valid one"
                ))
                .with("nativeCode", code),
                Hint::None,
            ),
            "TRANSACTION_TIMEOUT" | "SQLITE_INTERRUPT" => {
                (timed_out(format!("the server broke the query off: {said}")), Hint::None)
            }
            "TRANSACTION_BUSY" | "SQLITE_BUSY" | "SQLITE_LOCKED" | "SQLITE_PROTOCOL" => {
                (failed(format!("the database is busy: {said}")).with_retryable(true), Hint::None)
            }
            "SQLITE_NOMEM" | "SQLITE_IOERR" | "SQLITE_FULL" | "SQLITE_CANTOPEN" | "PROXY_ERROR" => (
                failed(format!("the server could not run the query: {said}")).with_retryable(true),
                Hint::None,
            ),
            "SQLITE_CORRUPT" | "SQLITE_NOTADB" => {
                (failed(format!("the database is damaged: {said}")), Hint::None)
            }
            "SQLITE_ERROR" | "SQLITE_UNKNOWN" | "SQLITE_SCHEMA" | "SQL_INPUT_ERROR" | "PREPARE_ERROR"
            | "EXECUTE_ERROR" => (failed(format!("the server refused the query: {said}")), Hint::Stale),
            _ => (failed(format!("the server refused the query: {said}")), Hint::None),
        };
        Fault { error, hint }
    }
}

/// What an HTTP status other than 200 says; `body` is the beginning of what came with it.
pub(crate) fn refused(status: u16, body: &[u8]) -> Fault {
    let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
    let said = match cut(&refusal.message) {
        said if said.is_empty() => format!("HTTP status {status}"),
        said => format!("{said} (HTTP status {status})"),
    };
    if let (400..=499, Some(_)) = (status, &refusal.code)
        && !matches!(status, 401 | 403 | 404)
    {
        return refusal.fault();
    }
    let (error, hint) = match status {
        401 => (
            unauthenticated(format!("the server refused the token: {said}; set `authToken` to a valid one")),
            Hint::None,
        ),
        403 => (
            unauthenticated(format!(
                "the token does not allow to read this database: {said}; set `authToken` to one that does"
            )),
            Hint::None,
        ),
        404 | 405 | 410 => (
            misconfigured(
                "url",
                format!("no libSQL database answers there: {said}; correct the host's name and the path"),
            ),
            Hint::None,
        ),
        300..=399 => (
            misconfigured(
                "url",
                format!("answers with a redirection ({said}), which is not followed; name its destination"),
            ),
            Hint::None,
        ),
        413 => (too_large(format!("the request is larger than the server takes: {said}")), Hint::None),
        408 | 429 => (
            query_failed(status.to_string(), format!("the server takes no more requests now: {said}"))
                .with_retryable(true),
            Hint::None,
        ),
        502..=504 => (
            unreachable(format!("the database behind the server's address does not answer: {said}")),
            Hint::None,
        ),
        500..=599 => (
            query_failed(status.to_string(), format!("the server failed: {said}")).with_retryable(true),
            Hint::OlderServer,
        ),
        _ => (
            query_failed(status.to_string(), format!("the server refused the request: {said}")),
            Hint::OlderServer,
        ),
    };
    Fault { error: error.with("httpStatus", status), hint }
}

fn cut(message: &str) -> String {
    message.chars().take(SAID).map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(code: &str) -> Fault {
        Refusal { message: "no such column: \"x\"".into(), code: Some(code.into()) }.fault()
    }

    #[test]
    fn the_server_s_code_decides_the_code_and_what_may_help() {
        for (code, expected, retryable, hint) in [
            ("SQLITE_UNKNOWN", ErrorCode::SourceQueryFailed, false, Hint::Stale),
            ("SQL_INPUT_ERROR", ErrorCode::SourceQueryFailed, false, Hint::Stale),
            ("PREPARE_ERROR", ErrorCode::SourceQueryFailed, false, Hint::Stale),
            ("SQLITE_BUSY", ErrorCode::SourceQueryFailed, true, Hint::None),
            ("PROXY_ERROR", ErrorCode::SourceQueryFailed, true, Hint::None),
            ("SQLITE_CORRUPT", ErrorCode::SourceQueryFailed, false, Hint::None),
            ("BLOCKED", ErrorCode::SourceQueryFailed, false, Hint::None),
            ("RESPONSE_TOO_LARGE", ErrorCode::ResultTooLarge, false, Hint::FewerRows),
            ("TRANSACTION_TIMEOUT", ErrorCode::QueryTimeout, false, Hint::None),
            ("AUTH_JWT_EXPIRED", ErrorCode::SourceAuthFailed, false, Hint::None),
            ("SOMETHING_NEW", ErrorCode::SourceQueryFailed, false, Hint::None),
            ("", ErrorCode::SourceQueryFailed, false, Hint::None),
        ] {
            let Fault { error, hint: found } = statement(code);
            assert_eq!((error.code(), error.retryable(), found), (expected, retryable, hint), "{code}");
        }
        assert!(!statement("SQLITE_ERROR").error.loggable().contains("\"x\""));
    }

    #[test]
    fn a_status_says_what_to_do() {
        for (status, body, expected, part) in [
            (401, r#"{"error":"The JWT is invalid"}"#, ErrorCode::SourceAuthFailed, "The JWT is invalid"),
            (401, "", ErrorCode::SourceAuthFailed, "`authToken`"),
            (403, "<html>", ErrorCode::SourceAuthFailed, "`authToken`"),
            (404, r#"{"error":"Namespace doesn't exist"}"#, ErrorCode::SourceNotConfigured, "`url`"),
            (308, "", ErrorCode::SourceNotConfigured, "redirection"),
            (429, "", ErrorCode::SourceQueryFailed, "429"),
            (503, "", ErrorCode::SourceUnreachable, "503"),
            (
                500,
                r#"{"message":"stream is gone","code":"STREAM_EXPIRED"}"#,
                ErrorCode::SourceQueryFailed,
                "stream is gone",
            ),
            (
                400,
                r#"{"message":"blocked","code":"BLOCKED"}"#,
                ErrorCode::SourceQueryFailed,
                "does not permit",
            ),
            (400, "", ErrorCode::SourceQueryFailed, "400"),
        ] {
            let error = refused(status, body.as_bytes()).error;
            assert_eq!(error.code(), expected, "{status} {body}");
            assert!(error.message().contains(part), "{status}: {error}");
        }
        assert!(refused(429, b"").error.retryable() && refused(503, b"").error.retryable());
        assert_eq!(refused(500, b"").hint, Hint::OlderServer);
    }

    #[test]
    fn what_a_server_says_is_bounded_and_on_one_line() {
        let body = serde_json::json!({"error": "x\n".repeat(5_000)}).to_string();
        let error = refused(401, body.as_bytes()).error;
        assert!(error.message().len() < 1_000 && !error.message().contains('\n'));
    }
}
