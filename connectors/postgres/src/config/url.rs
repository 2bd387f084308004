//! A connection URL, as people write it: passwords hold `@`, `:`, `/` and `%` without being encoded.

use std::time::Duration;

use connector_model::error::{Error, Result};
use connector_model::url::{ConnectionUrl, host_and_port};

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
        let url = ConnectionUrl::parse(text).filter(|url| family.takes(&url.scheme));
        let url = url.ok_or_else(|| Error::config("url", expected(family, text)))?;
        let hosts = hosts("url", &url.authority)?;
        let ConnectionUrl { user, password, path, parameters, .. } = url;
        Ok(Url { hosts, user, password, database: path, parameters })
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

/// A comma list of `host[:port]`; an IPv6 address stands in brackets, a folder of sockets begins with `/`.
pub(super) fn hosts(setting: &str, list: &str) -> Result<Vec<(String, Option<u16>)>> {
    list.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| match host_and_port(setting, entry)? {
            (host, _) if host.is_empty() => Err(Error::config(setting, "names a port without a host")),
            place => Ok(place),
        })
        .collect()
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
