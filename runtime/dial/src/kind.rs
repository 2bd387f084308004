//! What went wrong, as a closed list that callers match on.

use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError, InvalidMessage};

use crate::filter::Refusal;
use crate::proxy::ProxyFault;
use crate::tls::printable;

/// The reason a connection could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The host can be neither a name nor an address.
    InvalidHost,
    /// The resolver says that the name does not exist.
    NameNotFound,
    /// The name exists, but has no address of the family asked for.
    NoAddress,
    /// The resolver itself failed: no name server answered, or it reported an error.
    ResolverFailed,
    /// The address filter does not allow it.
    NotAllowed(Refusal),
    /// The peer's machine answered that nothing accepts connections on the port.
    Refused,
    /// No answer within the time given.
    TimedOut,
    /// No route to the address.
    Unreachable,
    /// The peer ended the connection before the stage was over.
    Closed,
    /// The Unix socket's file does not exist.
    SocketMissing,
    /// This machine's rules forbid the connection (a local firewall, or a file's permissions).
    Forbidden,
    /// This machine has run out of file descriptors, ports or memory.
    LocalLimit,
    /// No trusted root signed the peer's certificate.
    CertificateUnknownIssuer,
    /// The peer's certificate, or one above it, has expired.
    CertificateExpired,
    /// The peer's certificate, or one above it, is not valid yet (often this machine's clock is wrong).
    CertificateNotYetValid,
    /// The peer's certificate is for other names.
    CertificateNameMismatch {
        /// The name that was asked for.
        expected: String,
        /// The names the certificate carries.
        presented: Vec<String>,
    },
    /// The peer's certificate is unusable for another reason.
    CertificateOther {
        /// What the TLS library found.
        detail: String,
    },
    /// The peer wants a client certificate, or does not accept the one it was shown.
    ClientCertificate {
        /// The TLS alert by which the peer said so.
        alert: String,
    },
    /// What the peer sent is not TLS.
    NotTls,
    /// The two sides could not agree on a TLS session.
    HandshakeFailed {
        /// What the TLS library found.
        detail: String,
    },
    /// The proxy was reached and opened no tunnel.
    Proxy(ProxyFault),
    /// An error of the operating system that has no name of its own here.
    Other {
        /// The portable kind.
        kind: io::ErrorKind,
        /// The system's error number, when there is one.
        os_error: Option<i32>,
    },
}

impl Kind {
    /// A stable name for logs, metrics and machine-readable reports.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidHost => "invalid_host",
            Self::NameNotFound => "name_not_found",
            Self::NoAddress => "no_address",
            Self::ResolverFailed => "resolver_failed",
            Self::NotAllowed(_) => "not_allowed",
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::Closed => "closed",
            Self::SocketMissing => "socket_missing",
            Self::Forbidden => "forbidden",
            Self::LocalLimit => "local_limit",
            Self::CertificateUnknownIssuer => "certificate_unknown_issuer",
            Self::CertificateExpired => "certificate_expired",
            Self::CertificateNotYetValid => "certificate_not_yet_valid",
            Self::CertificateNameMismatch { .. } => "certificate_name_mismatch",
            Self::CertificateOther { .. } => "certificate_other",
            Self::ClientCertificate { .. } => "client_certificate",
            Self::NotTls => "not_tls",
            Self::HandshakeFailed { .. } => "handshake_failed",
            Self::Proxy(fault) => fault.code(),
            Self::Other { .. } => "other",
        }
    }

    /// The kind of an error met on a stream that this crate made, also later in its life: in TLS 1.3 a peer
    /// refuses a client certificate only after the handshake, so the first read reports it.
    #[must_use]
    pub fn of_io(error: &io::Error) -> Self {
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
            return Self::of_tls(tls);
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::TimedOut,
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown => Self::Unreachable,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof => Self::Closed,
            io::ErrorKind::PermissionDenied => Self::Forbidden,
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse | io::ErrorKind::OutOfMemory => {
                Self::LocalLimit
            }
            kind => match error.raw_os_error() {
                Some(ENFILE | EMFILE | ENOBUFS) => Self::LocalLimit,
                os_error => Self::Other { kind, os_error },
            },
        }
    }

    /// The kind of an error of the TLS library.
    #[must_use]
    pub fn of_tls(error: &TlsError) -> Self {
        match error {
            TlsError::InvalidCertificate(certificate) => Self::of_certificate(certificate),
            TlsError::AlertReceived(
                alert @ (AlertDescription::CertificateRequired
                | AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied),
            ) => Self::ClientCertificate { alert: format!("{alert:?}") },
            TlsError::InvalidMessage(
                InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
            ) => Self::NotTls,
            other => Self::HandshakeFailed { detail: printable(&other.to_string()) },
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::CertificateUnknownIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::CertificateExpired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::CertificateNotYetValid
            }
            CertificateError::NotValidForName => {
                Self::CertificateNameMismatch { expected: String::new(), presented: Vec::new() }
            }
            CertificateError::NotValidForNameContext { expected, presented } => {
                Self::CertificateNameMismatch {
                    expected: expected.to_str().into_owned(),
                    presented: presented.iter().map(|name| printable(name)).collect(),
                }
            }
            CertificateError::Other(inner) => {
                Self::CertificateOther { detail: printable(&inner.0.to_string()) }
            }
            other => Self::CertificateOther { detail: printable(&other.to_string()) },
        }
    }
}

// Linux error numbers (errno(3)) for which std has no stable ErrorKind.
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
const ENOBUFS: i32 = 105;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_descriptors_is_a_local_limit() {
        assert_eq!(Kind::of_io(&io::Error::from_raw_os_error(EMFILE)), Kind::LocalLimit);
    }

    #[test]
    fn an_unknown_error_keeps_its_number() {
        let Kind::Other { os_error, .. } = Kind::of_io(&io::Error::from_raw_os_error(71)) else { panic!() };
        assert_eq!(os_error, Some(71));
    }

    #[test]
    fn a_tls_error_inside_an_io_error_is_found() {
        let inner = TlsError::AlertReceived(AlertDescription::CertificateRequired);
        let error = io::Error::new(io::ErrorKind::InvalidData, inner);
        assert_eq!(Kind::of_io(&error).code(), "client_certificate");
    }
}
