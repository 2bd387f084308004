//! A connection URL, as people write it: passwords hold `@`, `:`, `/` and `%` without being encoded.

use std::time::Duration;

use connector_model::error::{Error, Result};

use crate::family::{Family, SCHEMES};

/// What a URL says. Nothing of it is printed.
#[derive(Default)]
pub(super) struct Url {
    pub(super) hosts: Vec<(String, Option<u16>)>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: Option<String>,
    parameters: Vec<(String, String)>,
}

/// TLS parameters of libpq that are understood here.
const SSL_PARAMETERS: [&str; 5] = ["ssl", "sslmode", "sslrootcert", "sslcert", "sslkey"];

impl Url {
    /// Parses `postgres://user:password@host:port,host:port/database?parameter=value`.
    pub(super) fn parse(text: &str, family: &Family) -> Result<Url> {
        let scheme = text.trim().split_once("://").filter(|(scheme, _)| family.takes(scheme));
        let (_, rest) = scheme.ok_or_else(|| Error::config("url", expected(family, text)))?;
        let (login, place) = split_login(rest);
        let (place, query) = place.split_once('?').unwrap_or((place, ""));
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
            Some((user, password)) => (decoded(user), decoded(password)),
            None => (String::new(), String::new()),
        };
        let set = |text: String| (!text.is_empty()).then_some(text);
        let parameters = query.split('&').filter_map(|pair| pair.split_once('='));
        Ok(Url {
            hosts: hosts("url", &decoded(authority))?,
            user: set(user),
            password: set(password),
            database: set(decoded(path)),
            parameters: parameters.map(|(name, value)| (decoded(name), decoded(value))).collect(),
        })
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn connect_timeout(&self) -> Result<Option<Duration>> {
        let problem = || Error::config("url", "its connect_timeout is not a number of seconds");
        self.parameter("connect_timeout")
            .map(|seconds| seconds.parse().map(Duration::from_secs).map_err(|_| problem()))
            .transpose()
            .map(|timeout| timeout.filter(|timeout| !timeout.is_zero()))
    }

    /// A TLS parameter that is not understood is an error: ignoring it could mean less protection than was asked for.
    pub(super) fn refuse_unknown_ssl(&self) -> Result<()> {
        let unknown = self
            .parameters
            .iter()
            .map(|(name, _)| name.as_str())
            .find(|name| name.starts_with("ssl") && !SSL_PARAMETERS.contains(name));
        match unknown {
            Some(name) => Err(Error::config("url", format_args!("its parameter `{name}` is not supported"))),
            None => Ok(()),
        }
    }
}

/// What a URL of the family begins with; for one that names another interface of the same product, where to find the
/// right one.
fn expected(family: &Family, text: &str) -> String {
    if family.had_rest_form && text.trim().starts_with("http") {
        return format!(
            "is {}'s REST interface, which the runner does not speak; {REST_INSTEAD}",
            family.display_name
        );
    }
    let others = family.own_schemes.iter().filter(|own| !SCHEMES.contains(own));
    let schemes: Vec<String> = SCHEMES.iter().chain(others).map(|scheme| format!("{scheme}://")).collect();
    format!("must begin with {}", schemes.join(" or "))
}

/// Where the form of a connection that the runner takes is found.
pub(super) const REST_INSTEAD: &str =
    "set `url` to the connection string that the project's \"Connect\" page shows (postgresql://…)";

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
        && authority.chars().all(|c| c.is_alphanumeric() || ".-_:[],%".contains(c))
        && query
            .split('&')
            .all(|pair| !pair.contains('@') || pair.split_once('=').is_some_and(|(name, _)| is_name(name)))
}

/// A comma list of `host[:port]`; an IPv6 address stands in brackets, a folder of sockets begins with `/`.
pub(super) fn hosts(setting: &str, list: &str) -> Result<Vec<(String, Option<u16>)>> {
    list.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| host(setting, entry))
        .collect()
}

fn host(setting: &str, entry: &str) -> Result<(String, Option<u16>)> {
    let (host, port) = match entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None if entry.starts_with('/') || entry.matches(':').count() > 1 => (entry, None),
        None => entry.split_once(':').map_or((entry, None), |(host, port)| (host, Some(port))),
    };
    let port = port.filter(|port| !port.is_empty()).map(str::parse::<u16>).transpose();
    match port {
        Ok(Some(0)) | Err(_) => Err(Error::config(setting, "its port is not a number from 1 to 65535")),
        Ok(_) if host.is_empty() => Err(Error::config(setting, "names a port without a host")),
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
    use crate::family::POSTGRES;

    fn password(url: &str) -> (String, String) {
        let url = Url::parse(url, &POSTGRES).unwrap();
        (url.password.unwrap(), url.hosts[0].0.clone())
    }

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
            let found = password(&format!("postgres://ann:{raw}@db.example:5432/app?sslmode=require"));
            assert_eq!(found, (expected.to_owned(), "db.example".to_owned()), "{raw}");
        }
    }

    #[test]
    fn an_at_sign_in_a_parameter_is_not_a_login() {
        let url = Url::parse("postgres://ann:pw@h/app?application_name=a@b", &POSTGRES).unwrap();
        assert_eq!((url.user.as_deref(), url.database.as_deref()), (Some("ann"), Some("app")));
        assert_eq!(url.parameter("application_name"), Some("a@b"));
    }
}
