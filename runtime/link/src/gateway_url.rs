//! The gateway's address.

use std::fmt;
use std::net::IpAddr;

use thiserror::Error;
use tokio_tungstenite::tungstenite::http::Uri;

/// A gateway URL: `ws` or `wss`, a host, and what follows. Displayed without its query, which could hold a
/// token.
#[derive(Clone, PartialEq, Eq)]
pub struct GatewayUrl {
    tls: bool,
    host: String,
    port: u16,
    path: String,
    query: Option<String>,
}

/// A gateway URL that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UrlError {
    /// Not a URL.
    #[error("the gateway URL cannot be read; write it like wss://runner.semilayer.com/connect")]
    Malformed,
    /// Another scheme than `ws` or `wss`.
    #[error("the gateway URL must begin with wss:// (or ws:// for a gateway on this machine)")]
    Scheme,
    /// No host.
    #[error("the gateway URL has no host")]
    NoHost,
    /// A user name or password.
    #[error("the gateway URL must not contain a user name or password; the token has its own setting")]
    Credentials,
}

impl GatewayUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// See [`UrlError`]. The text itself is in none of them.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let uri: Uri = text.trim().parse().map_err(|_| UrlError::Malformed)?;
        let tls = match uri.scheme_str() {
            Some(scheme) if scheme.eq_ignore_ascii_case("wss") => true,
            Some(scheme) if scheme.eq_ignore_ascii_case("ws") => false,
            _ => return Err(UrlError::Scheme),
        };
        let authority = uri.authority().ok_or(UrlError::NoHost)?;
        if authority.as_str().contains('@') {
            return Err(UrlError::Credentials);
        }
        let bracketed = authority.host();
        // Not `authority.port()`: that is also none for a port out of range.
        let port = match authority.as_str().strip_prefix(bracketed) {
            Some("") if tls => 443,
            Some("") => 80,
            Some(rest) => rest
                .strip_prefix(':')
                .and_then(|port| port.parse().ok())
                .filter(|&port| port != 0)
                .ok_or(UrlError::Malformed)?,
            None => return Err(UrlError::Malformed),
        };
        let host = bracketed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(bracketed);
        if host.is_empty() {
            return Err(UrlError::NoHost);
        }
        let path = match uri.path() {
            "" => "/",
            path => path,
        };
        Ok(Self {
            tls,
            host: host.to_owned(),
            port,
            path: path.to_owned(),
            query: uri.query().filter(|query| !query.is_empty()).map(str::to_owned),
        })
    }

    /// Whether it is `wss`.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host, without brackets around an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, given or the scheme's own.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is on this machine, as far as its host says.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => self.host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// Whether the token would cross a network in clear: not TLS, and not to this machine.
    #[must_use]
    pub fn exposes_token(&self) -> bool {
        !self.tls && !self.is_loopback()
    }

    /// Another path on the same host over HTTP, such as `https://host/health`.
    #[must_use]
    pub fn http_url(&self, path: &str) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.authority())
    }

    /// Host and, unless it is the scheme's own, port, as in a `Host` header.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// The whole URL, with `parameters` added to its query.
    pub(crate) fn with_query(&self, parameters: &[(&str, &str)]) -> String {
        let mut text = self.to_string();
        let given = self.query.iter().cloned();
        let added =
            parameters.iter().map(|(name, value)| format!("{name}={}", percent_encode(value.as_bytes())));
        for (index, parameter) in given.chain(added).enumerate() {
            text.push(if index == 0 { '?' } else { '&' });
            text.push_str(&parameter);
        }
        text
    }
}

/// Encodes everything but RFC 3986's unreserved characters (section 2.3).
fn percent_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

impl fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

impl fmt::Debug for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GatewayUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_url() {
        let url = GatewayUrl::parse("wss://runner.semilayer.com/connect").unwrap();
        assert_eq!((url.is_tls(), url.host(), url.port()), (true, "runner.semilayer.com", 443));
        assert_eq!(url.http_url("/health"), "https://runner.semilayer.com/health");
        let url = GatewayUrl::parse("ws://[::1]:3001?a=b").unwrap();
        assert_eq!((url.is_tls(), url.host(), url.port()), (false, "::1", 3001));
        assert_eq!(url.to_string(), "ws://[::1]:3001/");
        assert_eq!(url.with_query(&[("t", "x&y z")]), "ws://[::1]:3001/?a=b&t=x%26y%20z");
    }

    #[test]
    fn what_is_refused_and_why() {
        for (text, error) in [
            ("", UrlError::Malformed),
            ("gateway.example.com", UrlError::Scheme),
            ("https://gateway", UrlError::Scheme),
            ("wss://user:pw@gateway", UrlError::Credentials),
            ("wss://gateway:99999", UrlError::Malformed),
            ("wss://gateway:0", UrlError::Malformed),
            ("wss://gateway:", UrlError::Malformed),
            ("wss://:443", UrlError::NoHost),
            ("wss:///connect", UrlError::Malformed),
        ] {
            assert_eq!(GatewayUrl::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_token_in_a_configured_query_is_not_shown() {
        let url = GatewayUrl::parse("wss://g/connect?token=rk_secret").unwrap();
        assert!(!format!("{url} {url:?}").contains("rk_secret"));
    }

    #[test]
    fn only_plain_text_across_a_network_exposes_the_token() {
        for (text, exposed) in [
            ("ws://localhost:1", false),
            ("ws://127.0.0.9:1", false),
            ("ws://[::1]:1", false),
            ("wss://db.example", false),
            ("ws://db.example", true),
            ("ws://10.0.0.1", true),
            ("ws://localhost.evil.example", true),
        ] {
            assert_eq!(GatewayUrl::parse(text).unwrap().exposes_token(), exposed, "{text}");
        }
    }
}
