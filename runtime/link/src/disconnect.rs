//! Why a session ended, or never began, and what follows from it.

use std::fmt;
use std::io;

use dial::{DialError, Kind, ProxyFault};
use runner_protocol::{CloseCode, Reaction, Schedule, reasons};
use thiserror::Error;

use crate::{ConnectError, UpgradeError};

/// Why there is no session.
#[derive(Debug, Error)]
pub enum Disconnect {
    /// No stream to the gateway.
    #[error("{0}")]
    Connect(#[source] ConnectError),
    /// The stream did not become a WebSocket.
    #[error("{0}")]
    Upgrade(#[source] UpgradeError),
    /// The gateway closed the session.
    #[error("closed by the gateway: {} {reason}", code.code())]
    Closed {
        /// The close code.
        code: CloseCode,
        /// The text beside it.
        reason: Reason,
    },
    /// The connection ended without a close frame.
    #[error("the gateway went away abnormally (1006{})", cause.map(|kind| format!(", {kind}")).unwrap_or_default())]
    Abnormal {
        /// What the operating system said, if anything.
        cause: Option<io::ErrorKind>,
    },
    /// `hello` was not answered in time.
    #[error("no hello-ack within {} s", runner_protocol::limits::HELLO_ACK_TIMEOUT.as_secs())]
    NoHelloAck,
    /// Not a byte in a minute, though asked.
    #[error("no sign of life from the gateway for {} s", runner_protocol::limits::DEAD_PEER_AFTER.as_secs())]
    Silent,
    /// A frame over the limit; closed with 1009.
    #[error(
        "the gateway sent a frame of {size} bytes, over the limit of {}",
        runner_protocol::limits::MAX_FRAME_BYTES
    )]
    FrameTooBig {
        /// Its size in bytes.
        size: usize,
    },
    /// Not WebSocket any more; closed with 1002.
    #[error("the gateway broke the WebSocket protocol")]
    Violation,
    /// The gateway sends jobs and reads no answers.
    #[error("the gateway does not read the answers to its jobs")]
    AnswersUnread,
}

impl Disconnect {
    /// What to do about it. The only place where that is decided.
    #[must_use]
    pub fn reaction(&self) -> Reaction {
        match self {
            Self::Closed { code, .. } => code.reaction(),
            Self::Upgrade(UpgradeError::Refused { status: 401 | 403 }) => {
                Reaction::Reconnect(Schedule::Credentials)
            }
            Self::Connect(_)
            | Self::Upgrade(_)
            | Self::Abnormal { .. }
            | Self::NoHelloAck
            | Self::Silent
            | Self::FrameTooBig { .. }
            | Self::Violation
            | Self::AnswersUnread => Reaction::Reconnect(Schedule::Normal),
        }
    }

    /// A word for it, of a closed set.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Upgrade(UpgradeError::Refused { status: 401 | 403 })
            | Self::Closed { code: CloseCode::Unauthorized, .. } => "unauthorized",
            Self::Upgrade(_) => "upgrade",
            Self::Closed { code: CloseCode::UnsupportedVersion, .. } => "version",
            Self::Closed { .. } => "closed",
            Self::Abnormal { .. } => "abnormal",
            Self::NoHelloAck => "no_hello_ack",
            Self::Silent => "silent",
            Self::FrameTooBig { .. } => "frame_too_big",
            Self::Violation => "violation",
            Self::AnswersUnread => "answers_unread",
        }
    }

    /// What a person can do about it, where that is known.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Closed { code: CloseCode::Unauthorized, reason } => Some(match reason.as_str() {
                reasons::UNKNOWN_RUNNER => {
                    "the token is good but not for this runner id: compare SEMILAYER_RUNNER_ID with the id the gateway shows"
                }
                reasons::REVOKED => {
                    "the runner or its token was revoked: make a new token and set SEMILAYER_RUNNER_TOKEN"
                }
                _ => {
                    "the gateway does not know the token: copy it again into SEMILAYER_RUNNER_TOKEN, or make a new one"
                }
            }),
            Self::Closed { code: CloseCode::UnsupportedVersion, .. } => Some(
                "this runner speaks protocol version 1, the gateway another: update the older of the two",
            ),
            Self::Upgrade(error) => error.advice(),
            Self::Connect(ConnectError::Dial(error)) => advice_on_dial(error),
            _ => None,
        }
    }
}

/// For what no number of attempts mends; `doctor` has a word on everything else.
fn advice_on_dial(error: &DialError) -> Option<&'static str> {
    match error.kind() {
        Kind::Proxy(ProxyFault::LoginMissing { .. } | ProxyFault::LoginRefused { .. }) => Some(
            "the proxy's user name and password stand in its URL, percent-encoded: http://user:password@host:port",
        ),
        Kind::CertificateUnknownIssuer => Some(
            "if the issuer is your company's proxy or own authority, set NODE_EXTRA_CA_CERTS (or --ca-file) to a PEM file with its certificate",
        ),
        Kind::ClientCertificate { .. } => Some(
            "the gateway asks for a client certificate: set --client-cert and --client-key to one that it knows",
        ),
        _ => None,
    }
}

/// The text beside a close code, made safe to print: a peer chose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// Keeps printable characters only. RFC 6455 section 5.5 bounds it to 123 bytes.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.chars().filter(|c| !c.is_control()).collect())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("(no reason given)") } else { f.write_str(&self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_do_about_it() {
        let refused =
            |reason: &str| Disconnect::Closed { code: CloseCode::Unauthorized, reason: Reason::new(reason) };
        assert!(refused("unknown runner").advice().unwrap().contains("SEMILAYER_RUNNER_ID"));
        assert!(refused("revoked").advice().unwrap().contains("new token"));
        assert!(refused("bad token").advice().unwrap().contains("SEMILAYER_RUNNER_TOKEN"));
    }

    #[test]
    fn the_version_named_in_the_advice_is_the_one_spoken() {
        let refused = Disconnect::Closed {
            code: CloseCode::UnsupportedVersion,
            reason: Reason::new("unsupported version"),
        };
        let spoken = format!("protocol version {},", runner_protocol::PROTOCOL_VERSION);
        assert!(refused.advice().unwrap().contains(&spoken));
    }

    #[test]
    fn a_close_reason_cannot_write_to_the_terminal() {
        let hostile =
            Disconnect::Closed { code: CloseCode::Other(1000), reason: Reason::new("a\u{1b}[2J\nb") };
        assert_eq!(hostile.to_string(), "closed by the gateway: 1000 a[2Jb");
    }

    #[test]
    fn an_http_refusal_of_the_credentials_takes_the_slow_schedule() {
        let status = |status| Disconnect::Upgrade(UpgradeError::Refused { status }).reaction();
        assert_eq!(status(401), Reaction::Reconnect(Schedule::Credentials));
        assert_eq!(status(403), Reaction::Reconnect(Schedule::Credentials));
        assert_eq!(status(404), Reaction::Reconnect(Schedule::Normal));
        assert_eq!(status(503), Reaction::Reconnect(Schedule::Normal));
    }
}
