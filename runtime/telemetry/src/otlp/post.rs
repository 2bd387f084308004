//! One request and its answer, over a connection that is kept for the next one.

use std::time::Duration;

use bytes::Bytes;
use dial::{BoxedStream, ConnectOptions, DialError, Dialer, TlsOptions};
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::endpoint::Endpoint;

/// The largest answer that is read; a collector says a sentence at most.
const MAX_ANSWER: usize = 64 * 1024;
/// The longest wait that a collector may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why a request was not taken.
#[derive(Debug, Error)]
pub(super) enum Failed {
    #[error("{0}")]
    Dial(#[from] DialError),
    #[error("the connection broke: {0}")]
    Http(#[from] hyper::Error),
    #[error("there was no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    #[error("it answered {status}")]
    Status { status: StatusCode, pause: Option<Duration> },
    #[error("its answer is longer than {MAX_ANSWER} bytes, or broke off")]
    Answer,
    #[error("the request cannot be written: {0}")]
    Request(#[from] http::Error),
}

impl Failed {
    /// Whether the same request may be taken later (OTLP, "Failures": 429, 502, 503 and 504 may be tried again).
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Failed::Status { status, .. } => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            Failed::Request(_) => false,
            _ => true,
        }
    }

    /// How long the collector asks to be left alone.
    pub(super) fn pause(&self) -> Option<Duration> {
        match self {
            Failed::Status { pause, .. } => *pause,
            _ => None,
        }
    }
}

/// Sends requests to one place, one at a time.
pub(super) struct Poster {
    dialer: Dialer,
    endpoint: Endpoint,
    headers: HeaderMap,
    limit: Duration,
    wire: Option<Wire>,
}

struct Wire {
    sender: http1::SendRequest<Full<Bytes>>,
    _driver: AbortOnDropHandle<()>,
}

impl Poster {
    pub(super) fn new(
        dialer: Dialer,
        endpoint: Endpoint,
        headers: HeaderMap,
        content_type: &'static str,
        limit: Duration,
    ) -> Poster {
        let mut headers = headers;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(USER_AGENT, HeaderValue::from_static("semilayer-runner"));
        // An authority is a part of an URL that was parsed.
        if let Ok(host) = HeaderValue::from_str(&endpoint.authority) {
            headers.insert(HOST, host);
        }
        Poster { dialer, endpoint, headers, limit, wire: None }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sends a body and returns the answer's.
    ///
    /// # Errors
    /// [`Failed`].
    pub(super) async fn post(&mut self, body: Bytes) -> Result<Bytes, Failed> {
        let limit = self.limit;
        match timeout(limit, self.exchange(body)).await {
            Ok(answered) => answered,
            Err(_) => Err(Failed::TimedOut(limit)),
        }
    }

    async fn exchange(&mut self, body: Bytes) -> Result<Bytes, Failed> {
        // Taken, so that a connection on which something went wrong, or that was given up, is not used again.
        let mut wire = match self.wire.take().filter(|wire| !wire.sender.is_closed()) {
            Some(wire) => wire,
            None => self.connect().await?,
        };
        wire.sender.ready().await?;
        let mut request = Request::post(self.endpoint.path.as_str()).body(Full::new(body))?;
        request.headers_mut().clone_from(&self.headers);
        let answer = wire.sender.send_request(request).await?;
        let status = answer.status();
        let pause = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body =
            Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(|_| Failed::Answer)?;
        self.wire = Some(wire);
        if status.is_success() {
            return Ok(body.to_bytes());
        }
        let pause = pause.map(|seconds| Duration::from_secs(seconds).min(LONGEST_PAUSE));
        Err(Failed::Status { status, pause })
    }

    async fn connect(&self) -> Result<Wire, Failed> {
        let Endpoint { destination, is_tls, .. } = &self.endpoint;
        let options = ConnectOptions { timeout: self.limit, ..ConnectOptions::default() };
        let connected = self.dialer.connect(destination, &options).await?;
        let stream: BoxedStream = if *is_tls {
            let tls = TlsOptions::default();
            Box::new(self.dialer.start_tls(connected.stream, destination, &tls, self.limit).await?)
        } else {
            Box::new(connected.stream)
        };
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(async move {
            // The requests on it have the error.
            let _ended = connection.await;
        });
        Ok(Wire { sender, _driver: AbortOnDropHandle::new(driver) })
    }
}
