//! Where a collector is.

use std::fmt;

use dial::Destination;
use http::Uri;
use thiserror::Error;

/// What is wrong with the URL of a collector.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// Not an URL of the form that is needed.
    #[error("must be a URL such as http://collector:4318")]
    Form,
    /// An URL with a user or a password.
    #[error(
        "must not contain a user or a password; OTEL_EXPORTER_OTLP_HEADERS takes what identifies the sender"
    )]
    Login,
}

/// The URL of a collector. Shown without anything secret: it has no place for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub(super) is_tls: bool,
    pub(super) destination: Destination,
    /// As the Host header has it.
    pub(super) authority: String,
    pub(super) path: String,
}

impl Endpoint {
    /// Takes a URL apart: `http` or `https`, a host, a port (80 or 443 when there is none), a path.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn parse(text: &str) -> Result<Endpoint, EndpointError> {
        let uri: Uri = text.trim().parse().map_err(|_| EndpointError::Form)?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(EndpointError::Form),
        };
        let authority = uri.authority().ok_or(EndpointError::Form)?;
        if authority.as_str().contains('@') {
            return Err(EndpointError::Login);
        }
        if uri.query().is_some() || authority.host().is_empty() {
            return Err(EndpointError::Form);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        // What a URL without a port means (RFC 9110, section 4.2).
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Endpoint {
            is_tls,
            destination: Destination::new(host, port),
            authority: authority.as_str().to_owned(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The same with a signal's path behind it.
    #[must_use]
    pub fn join(&self, path: &str) -> Endpoint {
        Endpoint { path: format!("{}{path}", self.path), ..self.clone() }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signals_path_is_put_behind_the_collectors() {
        for (text, joined, port) in [
            ("http://localhost:4318", "http://localhost:4318/v1/traces", 4318),
            ("http://localhost:4318/", "http://localhost:4318/v1/traces", 4318),
            ("https://otlp.example.com/base/", "https://otlp.example.com/base/v1/traces", 443),
            ("http://[::1]:9", "http://[::1]:9/v1/traces", 9),
            ("http://collector", "http://collector/v1/traces", 80),
        ] {
            let endpoint = Endpoint::parse(text).unwrap().join("/v1/traces");
            assert_eq!((endpoint.to_string().as_str(), endpoint.destination.port()), (joined, port));
        }
        assert_eq!(Endpoint::parse("http://[::1]:9").unwrap().destination.host(), "::1");
    }

    #[test]
    fn what_is_no_url_of_a_collector_is_refused_without_being_shown() {
        for text in ["collector:4318", "grpc://x", "http://", "", "http://x/?key=hunter2"] {
            assert_eq!(Endpoint::parse(text), Err(EndpointError::Form), "{text}");
        }
        let error = Endpoint::parse("http://u:hunter2@x").unwrap_err();
        assert_eq!(error, EndpointError::Login);
        assert!(!error.to_string().contains("hunter2"));
    }
}
