//! Every error of the HTTP API: `{"error", "code", "message", …detail}` and its status.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use runner_protocol::codes;
use serde_json::{Map, Value};

use crate::administration::ChangeError;
use crate::dispatch::{JobFailure, Unanswered};
use crate::store::StoreError;

/// What a caller is told to wait after an error that another try may cure: long enough for a runner to reconnect.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// The status for a request whose caller is gone (nginx's number; RFC 9110 has none).
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// An error answer. Boxed, so that the good path does not carry its size.
#[derive(Debug)]
pub(crate) struct ApiError(Box<Answer>);

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    code: String,
    message: String,
    detail: Map<String, Value>,
    retry_after: Option<Duration>,
    challenge: Option<&'static str>,
}

impl ApiError {
    /// An error of the gateway's own.
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self(Box::new(Answer {
            status,
            code: code.to_owned(),
            message: message.into(),
            detail: Map::new(),
            retry_after: None,
            challenge: None,
        }))
    }

    fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// A request whose body or parameters make no sense.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// No such thing.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// No credentials, or bad ones. `challenge` is the `WWW-Authenticate` value.
    pub(crate) fn unauthorized(message: &'static str, challenge: &'static str) -> Self {
        let mut error = Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message);
        error.0.challenge = Some(challenge);
        error
    }

    /// Good credentials that do not open this.
    pub(crate) fn forbidden(message: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// An address that has been refused too often.
    pub(crate) fn too_many_refusals(retry_after: Duration) -> Self {
        let message = "too many refused attempts from this address; wait, and check the token";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_refusals", message).retry_after(retry_after)
    }

    /// The body is over its limit.
    pub(crate) fn too_large(limit: usize) -> Self {
        let message = format!("the request body is over {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
    }

    /// The gateway is stopping.
    pub(crate) fn stopping() -> Self {
        let message = "this gateway is shutting down; try again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "gateway_draining", message).retry_after(RETRY_AFTER)
    }

    /// A job that ended before it answered.
    pub(crate) fn of_job(unanswered: Unanswered) -> Self {
        let Unanswered { failure, job } = unanswered;
        let status = status_of(&failure.code);
        let retry =
            failure.retryable && matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE);
        let mut detail = failure.detail;
        detail.insert("jobId".to_owned(), Value::from(job.to_string()));
        Self(Box::new(Answer {
            status,
            code: failure.code.into_owned(),
            message: failure.message,
            detail,
            retry_after: retry.then_some(RETRY_AFTER),
            challenge: None,
        }))
    }
}

/// The bad end of a job whose first rows are out: what stands in the place of `meta`.
pub(super) fn failure_value(failure: JobFailure) -> Value {
    let mut body = failure.detail;
    body.insert("code".to_owned(), Value::from(failure.code.into_owned()));
    body.insert("message".to_owned(), Value::from(failure.message));
    Value::Object(body)
}

/// The status for a runner's code. A code that is not listed is a connector's own: the fault is behind the gateway.
fn status_of(code: &str) -> StatusCode {
    match code {
        codes::SOURCE_QUERY_FAILED | codes::INVALID_TARGET | codes::RESULT_TOO_LARGE => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        codes::INVALID_JOB | codes::UNSUPPORTED_OPERATOR | codes::UNSUPPORTED_JOB => StatusCode::BAD_REQUEST,
        codes::QUERY_TIMEOUT => StatusCode::GATEWAY_TIMEOUT,
        codes::CANCELLED => {
            StatusCode::from_u16(CLIENT_CLOSED_REQUEST).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        }
        codes::POLICY_DENIED => StatusCode::FORBIDDEN,
        codes::RUNNER_BUSY | codes::RUNNER_DRAINING | codes::NO_RUNNERS_ONLINE => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        codes::INTERNAL => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_GATEWAY,
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if let StoreError::Conflict { .. } = error {
            return Self::new(StatusCode::CONFLICT, "conflict", error.to_string());
        }
        // What the database said is for the log; a caller can do nothing with it.
        tracing::error!(%error, "the store failed");
        let message = "the gateway's database failed; its log says how";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_failed", message).retry_after(RETRY_AFTER)
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Store(error) => error.into(),
            ChangeError::Invalid { .. } => Self::bad_request(error.to_string()),
            ChangeError::NotFound { .. } => Self::not_found(error.to_string()),
            ChangeError::Revoked { .. } => Self::new(StatusCode::CONFLICT, "revoked", error.to_string()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let answer = *self.0;
        let mut body = answer.detail;
        // A runner's detail may not speak for the fields that every error has.
        for (name, value) in
            [("error", &answer.message), ("code", &answer.code), ("message", &answer.message)]
        {
            body.insert(name.to_owned(), Value::from(value.as_str()));
        }
        let mut response = Response::new(Body::from(Value::Object(body).to_string()));
        *response.status_mut() = answer.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = answer.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        if let Some(challenge) = answer.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// protocol.md's table of codes, and those of the gateway itself.
    const TABLE: [(&str, u16); 19] = [
        ("SOURCE_UNREACHABLE", 502),
        ("SOURCE_AUTH_FAILED", 502),
        ("SOURCE_NOT_CONFIGURED", 502),
        ("SOURCE_QUERY_FAILED", 422),
        ("INVALID_TARGET", 422),
        ("INVALID_JOB", 400),
        ("unsupported_operator", 400),
        ("UNSUPPORTED_JOB", 400),
        ("UNKNOWN_BRIDGE", 502),
        ("QUERY_TIMEOUT", 504),
        ("CANCELLED", 499),
        ("POLICY_DENIED", 403),
        ("RESULT_TOO_LARGE", 422),
        ("RUNNER_BUSY", 503),
        ("RUNNER_DRAINING", 503),
        ("CONNECTOR_FAILED", 502),
        ("INTERNAL", 500),
        ("no_runners_online", 503),
        ("runner_failed", 502),
    ];

    #[test]
    fn every_code_has_its_published_status() {
        for (code, status) in TABLE {
            assert_eq!(status_of(code).as_u16(), status, "{code}");
        }
        assert_eq!(status_of("REDIS_MOVED").as_u16(), 502);
    }

    #[tokio::test]
    async fn a_runners_detail_stands_beside_the_fields_of_every_error_and_never_replaces_them() {
        let mut failure = JobFailure::no_runner("nobody".to_owned());
        failure.detail.insert("code".to_owned(), Value::from("forged"));
        failure.detail.insert("stage".to_owned(), Value::from("tcp"));
        let job = uuid::Uuid::now_v7();
        let response = ApiError::of_job(Unanswered { failure, job }).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        let body = axum::body::to_bytes(response.into_body(), 4096).await.expect("a body");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(body["code"], "no_runners_online");
        assert_eq!(body["error"], "nobody");
        assert_eq!(body["message"], "nobody");
        assert_eq!(body["stage"], "tcp");
        assert_eq!(body["jobId"], job.to_string());
    }
}
