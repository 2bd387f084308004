//! A connection URL, as people write it: passwords hold `@`, `:`, `/` and `%` without being encoded.

use connector_model::error::{Error, Result};
use connector_model::url::ConnectionUrl;

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
        let url = ConnectionUrl::parse(text).filter(|url| SCHEMES.contains(&url.scheme.as_str()));
        let url = url.ok_or_else(|| Error::config("url", "must begin with mysql:// or mariadb://"))?;
        let (host, port) = url.place("url")?;
        let ConnectionUrl { user, password, path, parameters, .. } = url;
        Ok(Url { host: (!host.is_empty()).then_some(host), port, user, password, database: path, parameters })
    }

    /// The parameters, names in lower case without hyphens and underscores: `ssl-mode` and `sslMode` are one.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (String, &str)> {
        self.parameters
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase().replace(['-', '_'], ""), value.as_str()))
    }
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
