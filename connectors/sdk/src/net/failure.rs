//! Why a connection failed.

use std::fmt;
use std::io::{self, ErrorKind};

use crate::error::{self, Error};

/// Why a connection could not be made, or broke. It is inside every [`io::Error`] of this module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The runner does not let this connector connect there; the text says what would.
    NotAllowed(String),
    /// The name does not resolve.
    NameNotFound,
    /// Nobody listens there.
    Refused,
    /// No answer in time.
    TimedOut,
    /// The handshake failed; the text says why.
    Tls(String),
    /// The other side closed the connection, or broke it off.
    Closed,
    /// TLS outside of a component.
    TlsNatively,
    /// Anything else.
    Other(String),
}

impl Failure {
    fn kind(&self) -> ErrorKind {
        match self {
            Failure::NotAllowed(_) => ErrorKind::PermissionDenied,
            Failure::NameNotFound => ErrorKind::NotFound,
            Failure::Refused => ErrorKind::ConnectionRefused,
            Failure::TimedOut => ErrorKind::TimedOut,
            Failure::Tls(_) => ErrorKind::InvalidData,
            Failure::Closed => ErrorKind::ConnectionReset,
            Failure::TlsNatively => ErrorKind::Unsupported,
            Failure::Other(_) => ErrorKind::Other,
        }
    }

    /// What an error of a connection says, wherever it comes from.
    fn of(failed: &io::Error) -> Failure {
        if let Some(known) = failed.get_ref().and_then(|inner| inner.downcast_ref::<Failure>()) {
            return known.clone();
        }
        match failed.kind() {
            ErrorKind::ConnectionRefused => Failure::Refused,
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Failure::TimedOut,
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::WriteZero
            | ErrorKind::UnexpectedEof => Failure::Closed,
            _ => Failure::Other(failed.to_string()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NotAllowed(text) => write!(f, "not allowed: {text}"),
            Failure::NameNotFound => f.write_str("the name does not resolve"),
            Failure::Refused => f.write_str("the connection was refused"),
            Failure::TimedOut => f.write_str("no answer in time"),
            Failure::Tls(text) => write!(f, "TLS: {text}"),
            Failure::Closed => f.write_str("the connection was closed"),
            Failure::TlsNatively => f.write_str(
                "TLS is the runner's: outside of a component there is none, use a plain connection in tests",
            ),
            Failure::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> io::Error {
        io::Error::new(failure.kind(), failure)
    }
}

/// `SOURCE_UNREACHABLE` for a failed connection to `host` and `port`: what failed, and what to do about it.
pub fn unreachable(host: &str, port: u16, failed: &io::Error) -> Error {
    let failure = Failure::of(failed);
    let hint = match &failure {
        Failure::NotAllowed(_) | Failure::Tls(_) | Failure::TlsNatively | Failure::Other(_) => "",
        Failure::NameNotFound => "; check the host's spelling",
        Failure::Refused => "; check the port, and whether the server runs",
        Failure::TimedOut => "; check the host and whether a firewall is between",
        Failure::Closed => "; the server, or something between, broke it off",
    };
    // What the operator does not allow will not be allowed a little later.
    let passing = !matches!(failure, Failure::NotAllowed(_) | Failure::Tls(_) | Failure::TlsNatively);
    error::unreachable(format!("{host}:{port}: {failure}{hint}"))
        .with("host", host)
        .with("port", port)
        .with_retryable(passing)
}
