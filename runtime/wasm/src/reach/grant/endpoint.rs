//! The host and port that a configuration's value names.

use connector_model::error::{Error, Result};
use connector_model::url::{decoded, host_and_port};

use super::host::Host;

/// Where a value such as `rediss://user:secret@db.example:6380/0` or `db.example:6380` points. The value itself is never
/// shown, it may hold a password.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// In lower case; empty when there is none.
    scheme: String,
    pub(super) host: Host,
    pub(super) port: Option<u16>,
}

impl Endpoint {
    /// Reads the value of `setting`.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the setting.
    pub(super) fn parse(setting: &str, value: &str) -> Result<Endpoint> {
        let value = value.trim();
        let (scheme, rest) = value.split_once("://").unwrap_or(("", value));
        // RFC 3986 §3.2: the authority ends at the first of these, as it does for what components are written with. One
        // that reads a value otherwise dials another host, which is refused.
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        let (host, port) = host_and_port(setting, &decoded(place))?;
        let host = Host::parse(&host).map_err(|fault| {
            Error::config(
                setting,
                format_args!("must be a host or a URL with one; its host is unusable: {fault}"),
            )
        })?;
        Ok(Endpoint { scheme: scheme.to_ascii_lowercase(), host, port })
    }

    /// Whether the URL's scheme is one with TLS.
    pub(super) fn is_secure(&self) -> bool {
        matches!(self.scheme.as_str(), "https" | "wss" | "rediss" | "valkeys" | "clickhouses" | "libsql")
    }

    /// The port that the URL's scheme stands for, where that is common knowledge.
    pub(super) fn usual_port(&self) -> Option<u16> {
        match self.scheme.as_str() {
            "http" | "ws" => Some(80),
            "https" | "wss" | "libsql" => Some(443),
            "redis" | "rediss" | "valkey" | "valkeys" => Some(6379),
            _ => None,
        }
    }
}

/// A port from 1 to 65535, digits only.
pub(super) fn port_number(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &str) -> Result<(String, Option<u16>)> {
        Endpoint::parse("url", value).map(|endpoint| (endpoint.host.to_string(), endpoint.port))
    }

    #[test]
    fn the_host_is_what_every_client_would_dial() {
        let cases = [
            ("redis://db.example", Some(("db.example", None))),
            ("rediss://user:secret@DB.example:6380/0?x=1#y", Some(("db.example", Some(6380)))),
            ("redis://:p@ss:word@h:1", Some(("h", Some(1)))),
            ("https://a.example:/v2", Some(("a.example", None))),
            ("https://[::1]:8080/", Some(("::1", Some(8080)))),
            ("https://[::1]", Some(("::1", None))),
            ("libsql://x.turso.io?authToken=a/b@c", Some(("x.turso.io", None))),
            (" http://h ", Some(("h", None))),
            ("h", Some(("h", None))),
            ("h:6380", Some(("h", Some(6380)))),
            ("::1", Some(("::1", None))),
            ("[::1]:5", Some(("::1", Some(5)))),
            ("10.0.0.5:5", Some(("10.0.0.5", Some(5)))),
            ("http://evil.example\\@good.example/", Some(("good.example", None))),
            ("http://%67ood.example", Some(("good.example", None))),
            ("http://good.example#@evil.example", Some(("good.example", None))),
            ("http://good.example?@evil.example", Some(("good.example", None))),
            ("", None),
            ("http://", None),
            ("http:///path", None),
            ("file:local.db", None),
            ("http://h:0", None),
            ("http://h:65536", None),
            ("http://h#x", Some(("h", None))),
            ("http://a b", None),
            ("http://a,b", None),
            ("http://0x7f.1", None),
            ("http://ｅvil.example", None),
        ];
        for (value, expected) in cases {
            let expected = expected.map(|(host, port)| (host.to_owned(), port));
            match parsed(value) {
                Ok(found) => assert_eq!(Some(found), expected, "{value}"),
                Err(error) => {
                    assert_eq!(None, expected, "{value}: {error}");
                    assert!(error.message().contains("`url`"), "{error}");
                }
            }
        }
    }

    #[test]
    fn a_scheme_has_its_usual_port() {
        let port = |url: &str| Endpoint::parse("url", url).unwrap().usual_port();
        assert_eq!(port("HTTPS://h"), Some(443));
        assert_eq!(port("http://h"), Some(80));
        assert_eq!(port("rediss://h"), Some(6379));
        assert_eq!(port("libsql://h"), Some(443));
        assert_eq!(port("acme://h"), None);
        assert_eq!(port("h"), None);
    }
}
