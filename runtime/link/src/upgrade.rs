//! From a byte stream to a WebSocket (RFC 6455 section 4).

use std::time::Duration;

use dial::{BoxedStream, Kind};
use runner_protocol::{headers, limits::MAX_FRAME_BYTES};
use secrecy::ExposeSecret;
use thiserror::Error;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::client::{Request, generate_key};
use tokio_tungstenite::tungstenite::http::{HeaderMap, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, error::ProtocolError};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::Settings;
use crate::watched::{Activity, Watched};

/// A gateway, or whatever listens in its place, that accepts and then says nothing is left after this long.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes asked for in one read. Jobs are small; the library clears as many before each read, so more would
/// cost time on every frame and memory when idle.
const READ_BUFFER_BYTES: usize = 8 * 1024;

/// Frames are collected up to this size before they are written without a flush being asked for: a chunk
/// goes out at once, small frames go out together.
const WRITE_BUFFER_BYTES: usize = 32 * 1024;

/// The stream under a session.
pub(crate) type Socket = Watched<BoxedStream>;

/// A WebSocket, fresh from the upgrade.
pub(crate) struct Upgraded {
    pub(crate) socket: WebSocketStream<Socket>,
    pub(crate) activity: Activity,
    pub(crate) headers: HeaderMap,
}

/// The stream did not become a WebSocket.
#[derive(Debug, Error)]
pub enum UpgradeError {
    /// An HTTP answer other than 101.
    #[error("the gateway refused the upgrade with HTTP {status}")]
    Refused {
        /// Its status.
        status: u16,
    },
    /// Nothing came back.
    #[error("the gateway accepted the connection but did not answer the upgrade within {} s", UPGRADE_TIMEOUT.as_secs())]
    TimedOut,
    /// What came back is no HTTP.
    #[error("the answer to the upgrade is not HTTP")]
    NotHttp,
    /// It said 101, but not as RFC 6455 asks.
    #[error("the answer to the upgrade is not a WebSocket handshake")]
    NotWebSocket,
    /// The stream failed.
    #[error("the connection was lost during the upgrade: {0}")]
    Lost(std::io::ErrorKind),
    /// In TLS 1.3 a client hears only after the handshake that its certificate, or the want of one, is refused.
    #[error("the gateway wants a client certificate that it accepts (alert {alert})")]
    ClientCertificate {
        /// The TLS alert by which the gateway said so.
        alert: String,
    },
    /// The settings make no request.
    #[error("the upgrade request cannot be built from these settings")]
    Request,
}

impl UpgradeError {
    /// What a person can do about it, where that is known.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Refused { status: 401 | 403 } => Some(
                "the gateway, or a proxy before it, refuses the token: check SEMILAYER_RUNNER_ID and SEMILAYER_RUNNER_TOKEN",
            ),
            Self::Refused { status: 404 | 405 | 426 } => Some(
                "nothing serves runners at this path: check SEMILAYER_GATEWAY_URL (it usually ends in /connect)",
            ),
            Self::Refused { status: 300..=399 } => {
                Some("the address redirects; set SEMILAYER_GATEWAY_URL to where it leads")
            }
            Self::TimedOut => Some(
                "something accepts the connection without answering: a proxy or load balancer without WebSocket support?",
            ),
            Self::ClientCertificate { .. } => Some(
                "the gateway asks for a client certificate: set --client-cert and --client-key to one that it knows",
            ),
            Self::NotHttp | Self::NotWebSocket => Some(
                "this is no gateway: check SEMILAYER_GATEWAY_URL, and that ws:// or wss:// is right for its port",
            ),
            _ => None,
        }
    }
}

/// Upgrades `stream`.
///
/// Also gives the headers of an HTTP refusal, whose `Date` a probe wants to see.
pub(crate) async fn upgrade(
    settings: &Settings,
    stream: BoxedStream,
) -> Result<Upgraded, (UpgradeError, Option<HeaderMap>)> {
    let request = request(settings).ok_or((UpgradeError::Request, None))?;
    let (stream, activity) = Watched::new(stream);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES));
    match timeout(UPGRADE_TIMEOUT, client_async_with_config(request, stream, Some(config))).await {
        Ok(Ok((socket, response))) => {
            Ok(Upgraded { socket, activity, headers: response.into_parts().0.headers })
        }
        Ok(Err(error)) => Err(failure(error)),
        Err(_) => Err((UpgradeError::TimedOut, None)),
    }
}

fn failure(error: Error) -> (UpgradeError, Option<HeaderMap>) {
    let error = match error {
        Error::Http(response) => {
            let (parts, _) = response.into_parts();
            return (UpgradeError::Refused { status: parts.status.as_u16() }, Some(parts.headers));
        }
        Error::Io(error) => match Kind::of_io(&error) {
            Kind::ClientCertificate { alert } => UpgradeError::ClientCertificate { alert },
            _ => UpgradeError::Lost(error.kind()),
        },
        Error::Protocol(ProtocolError::HandshakeIncomplete) => {
            UpgradeError::Lost(std::io::ErrorKind::UnexpectedEof)
        }
        Error::Protocol(ProtocolError::HttparseError(_)) | Error::HttpFormat(_) | Error::Utf8(_) => {
            UpgradeError::NotHttp
        }
        _ => UpgradeError::NotWebSocket,
    };
    (error, None)
}

fn request(settings: &Settings) -> Option<Request> {
    let gateway = &settings.gateway;
    let in_query = settings.token_in_query();
    let uri = if in_query {
        let token = settings.token.expose_secret();
        gateway.with_query(&[
            (headers::QUERY_RUNNER_ID, settings.runner_id.as_str()),
            (headers::QUERY_TOKEN, token),
        ])
    } else {
        gateway.with_query(&[])
    };
    let mut request = Request::builder()
        .uri(uri)
        .header(header::HOST, gateway.authority())
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, generate_key())
        .header(header::USER_AGENT, "semilayer-runner");
    if !in_query {
        request = request
            .header(header::AUTHORIZATION, settings.bearer()?)
            .header(headers::RUNNER_ID, settings.runner_id.as_str());
    }
    request.body(()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GatewayUrl, TokenIn};

    #[test]
    fn the_librarys_trace_log_which_prints_tokens_and_frames_is_not_in_the_build() {
        assert!(log::STATIC_MAX_LEVEL < log::LevelFilter::Trace);
    }

    fn built(url: &str, token_in: TokenIn) -> Request {
        let settings = Settings::new(GatewayUrl::parse(url).unwrap(), "r 1", "rk_a+b".into()).unwrap();
        request(&settings.with_token_in(token_in)).unwrap()
    }

    #[test]
    fn credentials_are_in_the_headers_or_in_the_query_never_in_both() {
        let by_header = built("ws://g:9/connect?x=1", TokenIn::Header);
        assert_eq!(by_header.uri(), "ws://g:9/connect?x=1");
        assert_eq!(by_header.headers()["authorization"], "Bearer rk_a+b");
        assert_eq!(by_header.headers()["x-semilayer-runner-id"], "r 1");
        assert_eq!(by_header.headers()["host"], "g:9");

        let by_query = built("ws://g:9/connect?x=1", TokenIn::Query);
        assert_eq!(by_query.uri(), "ws://g:9/connect?x=1&runnerId=r%201&token=rk_a%2Bb");
        assert!(by_query.headers().get("authorization").is_none());
        assert!(by_query.headers().get("x-semilayer-runner-id").is_none());
    }
}
