//! A connection URL, as people write it: passwords hold `@`, `:`, `/` and `%` without being encoded.

use connector_model::error::{Error, Result};

use super::manifest::SCHEMES;

/// What a URL says. Nothing of it is printed.
#[derive(Default)]
pub(super) struct Url {
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: Option<String>,
    parameters: Vec<(String, String)>,
}

impl Url {
    /// Parses `mysql://user:password@host:port/database?parameter=value`.
    pub(super) fn parse(text: &str) -> Result<Url> {
        let rest = text.trim().split_once("://").filter(|(scheme, _)| SCHEMES.contains(scheme));
        let (_, rest) = rest.ok_or_else(|| Error::config("url", "must begin with mysql:// or mariadb://"))?;
        let (login, place) = split_login(rest);
        let (place, query) = place.split_once('?').unwrap_or((place, ""));
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
            Some((user, password)) => (decoded(user), decoded(password)),
            None => (String::new(), String::new()),
        };
        let set = |text: String| (!text.is_empty()).then_some(text);
        let (host, port) = place_of("url", &decoded(authority))?;
        let parameters = query.split('&').filter_map(|pair| pair.split_once('='));
        Ok(Url {
            host: set(host),
            port,
            user: set(user),
            password: set(password),
            database: set(decoded(path)),
            parameters: parameters.map(|(name, value)| (decoded(name), decoded(value))).collect(),
        })
    }

    /// The parameters, names in lower case without hyphens and underscores: `ssl-mode` and `sslMode` are one.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (String, &str)> {
        self.parameters
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase().replace(['-', '_'], ""), value.as_str()))
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
        && authority.chars().all(|c| c.is_alphanumeric() || ".-_:[]%".contains(c))
        && query
            .split('&')
            .all(|pair| !pair.contains('@') || pair.split_once('=').is_some_and(|(name, _)| is_name(name)))
}

/// `host[:port]`; an IPv6 address stands in brackets, a socket's path begins with `/`.
pub(super) fn place_of(setting: &str, place: &str) -> Result<(String, Option<u16>)> {
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

/// Percent-decoding (RFC 3986, section 2.1); a `%` without two hex digits stands for itself.
fn decoded(text: &str) -> String {
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
                Url::parse(&format!("mysql://ann:{raw}@db.example:3307/app?ssl-mode=REQUIRED")).unwrap();
            assert_eq!(url.password.as_deref(), Some(expected), "{raw}");
            assert_eq!((url.host.as_deref(), url.port), (Some("db.example"), Some(3307)));
            assert_eq!(url.parameters().collect::<Vec<_>>(), [("sslmode".to_owned(), "REQUIRED")]);
        }
    }

    #[test]
    fn parts_may_be_missing() {
        let url = Url::parse("mariadb://db").unwrap();
        assert_eq!((url.host.as_deref(), url.port, url.user, url.database), (Some("db"), None, None, None));
        assert!(Url::parse("mysql://h:99999/d").is_err());
        assert!(Url::parse("postgres://h/d").is_err());
        assert_eq!(Url::parse("mysql://u:p@[::1]:3/d").unwrap().host.as_deref(), Some("::1"));
    }
}
