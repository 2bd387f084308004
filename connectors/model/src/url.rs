//! Connection URLs, as people write them: passwords hold `@`, `:`, `/` and `%` without being encoded.

use crate::error::{Error, Result};

/// What a URL `scheme://user:password@authority/path?name=value` says, percent-decoded. Nothing of it is printed.
#[derive(Clone, Default)]
pub struct ConnectionUrl {
    /// The scheme, in lower case.
    pub scheme: String,
    /// Who logs in.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// What stands behind the login, undivided: a host, with a port or an instance, or several of them.
    pub authority: String,
    /// What stands behind the first slash, without it.
    pub path: Option<String>,
    /// The parameters, in their order.
    pub parameters: Vec<(String, String)>,
}

impl ConnectionUrl {
    /// Parses; `None` for a text without a scheme.
    pub fn parse(text: &str) -> Option<ConnectionUrl> {
        let (scheme, rest) = text.trim().split_once("://")?;
        let (login, place) = split_login(rest);
        let (place, query) = place.split_once('?').unwrap_or((place, ""));
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
            Some((user, password)) => (decoded(user), decoded(password)),
            None => (String::new(), String::new()),
        };
        let set = |text: String| (!text.is_empty()).then_some(text);
        let parameters = query.split('&').filter_map(|pair| pair.split_once('='));
        Some(ConnectionUrl {
            scheme: scheme.to_ascii_lowercase(),
            user: set(user),
            password: set(password),
            authority: decoded(authority),
            path: set(decoded(path)),
            parameters: parameters.map(|(name, value)| (decoded(name), decoded(value))).collect(),
        })
    }

    /// The authority as one `host[:port]`.
    ///
    /// # Errors
    /// As [`host_and_port`].
    pub fn place(&self, setting: &str) -> Result<(String, Option<u16>)> {
        host_and_port(setting, &self.authority)
    }
}

/// Divides `host[:port]`; an IPv6 address with a port stands in brackets, a socket's path begins with `/`.
///
/// # Errors
/// `SOURCE_NOT_CONFIGURED` naming `setting` for a port that is none, or one without a host.
pub fn host_and_port(setting: &str, place: &str) -> Result<(String, Option<u16>)> {
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None if place.starts_with('/') || place.matches(':').count() > 1 => (place, None),
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let port = port.filter(|port| !port.is_empty()).map(str::parse::<u16>).transpose();
    match port {
        Ok(Some(0)) | Err(_) => Err(Error::config(setting, "its port is not a number from 1 to 65535")),
        Ok(Some(_)) if host.is_empty() => Err(Error::config(setting, "names a port without a host")),
        Ok(port) => Ok((host.to_owned(), port)),
    }
}

/// Splits the login from the rest: at the first `@` behind which a place can stand, so that a password may hold `@`
/// and what else URLs are made of.
fn split_login(rest: &str) -> (Option<&str>, &str) {
    rest.match_indices('@')
        .filter_map(|(at, _)| Some((rest.get(..at)?, rest.get(at + 1..)?)))
        .find(|(_, tail)| is_place(tail))
        .map_or((None, rest), |(login, place)| (Some(login), place))
}

/// Whether this reads as `host:port/database?name=value`; a further `@` may stand in a parameter's value only.
fn is_place(tail: &str) -> bool {
    let (place, query) = tail.split_once('?').unwrap_or((tail, ""));
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    !path.contains('@')
        // A comma between several hosts, a backslash and `$` for an instance.
        && authority.chars().all(|c| c.is_alphanumeric() || ".-_:[],%\\$".contains(c))
        && query
            .split('&')
            .all(|pair| !pair.contains('@') || pair.split_once('=').is_some_and(|(name, _)| is_name(name)))
}

/// Percent-decoding (RFC 3986, section 2.1); a `%` without two hex digits stands for itself.
pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = |byte: &u8| char::from(*byte).to_digit(16);
        let pair = match (byte, tail) {
            (b'%', [high, low, ..]) => hex(high).zip(hex(low)),
            _ => None,
        };
        match pair.and_then(|(high, low)| u8::try_from(high << 4 | low).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_hold_any_character() {
        for (raw, expected) in [
            ("p@ss", "p@ss"),
            ("p@:/%w", "p@:/%w"),
            ("p%40ss", "p@ss"),
            ("a:b:c", "a:b:c"),
            ("100%", "100%"),
            ("x/y@z", "x/y@z"),
            ("q?a", "q?a"),
            ("p@ss:/w%rd#?&=", "p@ss:/w%rd#?&="),
        ] {
            let url =
                ConnectionUrl::parse(&format!("DB://ann:{raw}@db.example:3307/app?ssl-mode=a@b")).unwrap();
            assert_eq!(url.password.as_deref(), Some(expected), "{raw}");
            assert_eq!((url.scheme.as_str(), url.user.as_deref()), ("db", Some("ann")));
            assert_eq!(url.place("url").unwrap(), ("db.example".to_owned(), Some(3307)));
            assert_eq!(url.path.as_deref(), Some("app"));
            assert_eq!(url.parameters, [("ssl-mode".to_owned(), "a@b".to_owned())]);
        }
    }

    #[test]
    fn parts_may_be_missing_and_hosts_have_many_forms() {
        let url = ConnectionUrl::parse("db://h").unwrap();
        assert_eq!((url.user, url.password, url.path, url.parameters), (None, None, None, Vec::new()));
        assert!(ConnectionUrl::parse("h:1/d").is_none());
        for (authority, place) in [
            ("[::1]:3", ("::1", Some(3))),
            ("::1", ("::1", None)),
            ("h", ("h", None)),
            ("h:", ("h", None)),
            ("/run:x", ("/run:x", None)),
        ] {
            let (host, port) = host_and_port("url", authority).unwrap();
            assert_eq!((host.as_str(), port), place);
        }
        for wrong in ["h:0", "h:99999", "h:x", ":5"] {
            assert!(host_and_port("url", wrong).unwrap_err().message().contains("`url`"), "{wrong}");
        }
        let several = ConnectionUrl::parse("db://u:p@a:1,b:2/d").unwrap();
        assert_eq!(several.authority, "a:1,b:2");
        assert_eq!(ConnectionUrl::parse("db://sa:x@h\\SQL$1/d").unwrap().authority, "h\\SQL$1");
    }
}
