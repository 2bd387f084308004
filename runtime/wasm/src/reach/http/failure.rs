//! What failed, in the words of `wasi:http`.

use std::error::Error as _;

use dial::{Kind, Stage};
use wasmtime_wasi_http::Error;

use crate::reach::outbound::Failure;

/// A connection that did not come about.
pub(super) fn of_dial(failure: &Failure) -> Error {
    let error = match failure {
        Failure::Denied(_) => return Error::HttpRequestDenied,
        Failure::TooMany => return Error::ConnectionLimitReached,
        Failure::Dial(error) => error,
    };
    let dns = |rcode: &str| Error::DnsError { rcode: Some(rcode.to_owned()), info_code: None };
    match error.kind() {
        Kind::InvalidHost => Error::HttpRequestUriInvalid,
        Kind::NameNotFound => dns("NXDOMAIN"),
        Kind::NoAddress => Error::DestinationNotFound,
        Kind::ResolverFailed => dns("SERVFAIL"),
        Kind::NotAllowed(_) => Error::DestinationIpProhibited,
        Kind::Refused | Kind::SocketMissing => Error::ConnectionRefused,
        Kind::TimedOut if error.stage() == Stage::Dns => Error::DnsTimeout,
        Kind::TimedOut => Error::ConnectionTimeout,
        Kind::Unreachable => Error::DestinationIpUnroutable,
        Kind::Closed => Error::ConnectionTerminated,
        Kind::CertificateUnknownIssuer
        | Kind::CertificateExpired
        | Kind::CertificateNotYetValid
        | Kind::CertificateNameMismatch { .. }
        | Kind::CertificateOther { .. } => Error::TlsCertificateError,
        Kind::ClientCertificate { alert } => {
            Error::TlsAlertReceived { alert_id: None, alert_message: Some(alert.clone()) }
        }
        Kind::NotTls | Kind::HandshakeFailed { .. } => Error::TlsProtocolError,
        // A module's connections are databases', and never go through a proxy.
        Kind::Proxy(_) => Error::InternalError(Some(error.to_string())),
        Kind::Forbidden | Kind::LocalLimit | Kind::Other { .. } => {
            Error::InternalError(Some(error.to_string()))
        }
    }
}

/// A request or an answer that broke off.
pub(super) fn of_hyper(error: &hyper::Error) -> Error {
    if error.is_parse_too_large() {
        return Error::HttpResponseHeaderSectionSize(None);
    }
    if error.is_timeout() {
        return Error::HttpResponseTimeout;
    }
    if error.is_incomplete_message() {
        return Error::HttpResponseIncomplete;
    }
    if error.is_closed() || error.is_canceled() {
        return Error::ConnectionTerminated;
    }
    match error.source().and_then(|source| source.downcast_ref::<std::io::Error>()).map(Kind::of_io) {
        Some(Kind::Closed) => Error::ConnectionTerminated,
        Some(Kind::TimedOut) => Error::ConnectionReadTimeout,
        Some(Kind::ClientCertificate { alert }) => {
            Error::TlsAlertReceived { alert_id: None, alert_message: Some(alert) }
        }
        Some(Kind::HandshakeFailed { .. } | Kind::NotTls) => Error::TlsProtocolError,
        _ => Error::HttpProtocolError,
    }
}
