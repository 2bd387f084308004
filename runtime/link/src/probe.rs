//! Asking a gateway whether it would accept this runner, without ever being given a job.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use runner_protocol::limits::{HELLO_ACK_TIMEOUT, PROBE_REFUSAL_WAIT};
use runner_protocol::{
    AssignedSources, GatewayFrame, Incoming, RunnerFrame, decode_gateway, features, headers,
};
use thiserror::Error;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::{HeaderMap, header};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as WireCode;
use uuid::Uuid;

use crate::disconnect::Disconnect;
use crate::handler::HelloParts;
use crate::link::connect_bounded;
use crate::session::{closed, hello};
use crate::upgrade::{Socket, UpgradeError, Upgraded, upgrade};
use crate::{Connect, ConnectError, Settings};

/// Time to say goodbye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// What a probe found out.
#[derive(Debug)]
pub struct Probe {
    /// The gateway's answer.
    pub verdict: Verdict,
    /// How far the gateway's clock is ahead of this machine's, in seconds (negative: behind), where its
    /// answer has a `Date` (RFC 9110 section 6.6.1). Good to a second or two.
    pub clock_skew_seconds: Option<i64>,
}

/// A gateway's answer to a probe.
#[derive(Debug)]
pub enum Verdict {
    /// `hello` was answered: this runner would be given work.
    Accepted {
        /// The gateway's protocol version.
        server_version: u64,
        /// Every source that this runner is to serve. May hold credentials; nothing of it is printed.
        assigned: AssignedSources,
    },
    /// The upgrade was accepted and nothing was refused in two seconds. `hello` was not sent, because this
    /// gateway would take it for a runner ready to work.
    NotRefused,
    /// It ended. The reason says how, and [`Disconnect::advice`] what to do.
    Refused(Disconnect),
}

/// No answer to judge: the gateway could not be reached.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct ProbeError(#[from] pub ConnectError);

/// Connects, upgrades, waits two seconds for a refusal, and says `hello` only to a gateway that declares
/// that it knows what a probe is.
///
/// # Errors
/// When no stream to the gateway can be made. Everything after that is a [`Verdict`].
pub async fn probe(
    settings: &Settings,
    connect: &dyn Connect,
    parts: HelloParts,
) -> Result<Probe, ProbeError> {
    let stream = connect_bounded(connect).await?;
    Ok(match upgrade(settings, stream).await {
        Ok(upgraded) => {
            let clock_skew_seconds = skew(&upgraded.headers, Timestamp::now());
            Probe { verdict: question(settings, upgraded, parts).await, clock_skew_seconds }
        }
        Err((error, headers)) => Probe {
            verdict: Verdict::Refused(Disconnect::Upgrade(error)),
            clock_skew_seconds: headers.and_then(|headers| skew(&headers, Timestamp::now())),
        },
    })
}

async fn question(settings: &Settings, upgraded: Upgraded, parts: HelloParts) -> Verdict {
    let knows_probes = upgraded
        .headers
        .get_all(headers::FEATURES)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| headers::lists_feature(value, features::PROBE));
    let mut socket = upgraded.socket;
    let verdict = match timeout(PROBE_REFUSAL_WAIT, next_verdict(&mut socket)).await {
        Ok(early) => early,
        Err(_) if !knows_probes => Verdict::NotRefused,
        Err(_) => greet(settings, &mut socket, parts).await,
    };
    let frame = CloseFrame { code: WireCode::Normal, reason: "probe finished".into() };
    // The answer is known; how the goodbye goes changes nothing.
    let _goodbye = timeout(CLOSE_TIMEOUT, socket.close(Some(frame))).await;
    verdict
}

async fn greet(settings: &Settings, socket: &mut WebSocketStream<Socket>, parts: HelloParts) -> Verdict {
    let hello = hello(settings, parts, &[features::PROBE], &Uuid::new_v4().to_string());
    let frame = Message::text(RunnerFrame::Hello(Box::new(hello)).encode());
    let exchange = async {
        match socket.send(frame).await {
            // A refusal may already be on its way, and is read below.
            Ok(()) | Err(_) => next_verdict(socket).await,
        }
    };
    match timeout(HELLO_ACK_TIMEOUT, exchange).await {
        Ok(verdict) => verdict,
        Err(_) => Verdict::Refused(Disconnect::NoHelloAck),
    }
}

/// Reads until a frame decides. Anything but `hello-ack` and a close is passed over: a probe does no work.
async fn next_verdict(socket: &mut WebSocketStream<Socket>) -> Verdict {
    loop {
        let frame = match socket.next().await {
            Some(Ok(Message::Close(frame))) => return Verdict::Refused(closed(frame)),
            Some(Ok(message)) => message.into_data(),
            Some(Err(_)) | None => return Verdict::Refused(Disconnect::Abnormal { cause: None }),
        };
        if let Ok(Incoming::Frame(GatewayFrame::HelloAck(ack))) = decode_gateway(&frame) {
            return Verdict::Accepted { server_version: ack.server_version, assigned: ack.assigned_sources };
        }
    }
}

fn skew(headers: &HeaderMap, now: Timestamp) -> Option<i64> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    let theirs = rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    Some(theirs.as_second() - now.as_second())
}

impl Probe {
    /// The HTTP status with which the upgrade was refused.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        match &self.verdict {
            Verdict::Refused(Disconnect::Upgrade(UpgradeError::Refused { status })) => Some(*status),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_skew_is_the_gateways_clock_less_ours() {
        let now: Timestamp = "1994-11-06T08:48:37Z".parse().unwrap();
        let with = |date: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("date", date.parse().unwrap());
            skew(&headers, now)
        };
        assert_eq!(with("Sun, 06 Nov 1994 08:49:37 GMT"), Some(60));
        assert_eq!(with("Sun, 06 Nov 1994 08:48:07 GMT"), Some(-30));
        assert_eq!(with("yesterday"), None);
        assert_eq!(skew(&HeaderMap::new(), now), None);
    }
}
