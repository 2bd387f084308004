//! Where a source is, and who logs in.

use semilayer_connector::error::misconfigured;
use semilayer_connector::prelude::*;
use semilayer_connector::url::{Url, decoded};

use crate::Settings;

/// The port of the HTTP interface.
const PORT: u16 = 8123;
/// The same with TLS.
const SECURE_PORT: u16 = 8443;
/// The user and the database of a server that was not set up otherwise.
const DEFAULT: &str = "default";

/// A server, a login and a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) secure: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: Secret,
    pub(crate) database: String,
}

impl Location {
    /// Reads a configuration: the URL and the fields, of which a field wins.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the setting.
    pub(crate) fn of(settings: &Settings) -> Result<Location> {
        let url = settings.url.as_ref().map(|url| read(url.expose())).transpose()?;
        let url = url.as_ref();
        let own = |text: &Option<String>| {
            text.as_ref().map(|text| text.trim().to_owned()).filter(|t| !t.is_empty())
        };
        let secure = match own(&settings.protocol).as_deref() {
            None => url.is_some_and(|url| matches!(url.scheme.as_str(), "https" | "clickhouses")),
            Some("http") => false,
            Some("https") => true,
            Some(_) => return Err(misconfigured("protocol", "has to be http or https")),
        };
        let host = own(&settings.host).or_else(|| url.map(|url| url.host.clone()));
        let host = host.ok_or_else(|| misconfigured("host", "is required unless `url` is set"))?;
        let usual = if secure { SECURE_PORT } else { PORT };
        let port = settings.port.or_else(|| url.and_then(|url| url.port)).unwrap_or(usual);
        let user = own(&settings.username).or_else(|| url.and_then(|url| url.user.clone()));
        let password = settings.password.clone().or_else(|| url.and_then(|url| url.password.clone()));
        let database = match (own(&settings.database), url) {
            (Some(database), _) => Some(database),
            (None, Some(url)) => database_of(url)?,
            (None, None) => None,
        };
        Ok(Location {
            secure,
            host,
            port,
            user: user.unwrap_or_else(|| DEFAULT.to_owned()),
            password: password.unwrap_or_default(),
            database: database.unwrap_or_else(|| DEFAULT.to_owned()),
        })
    }

    /// Whether a password can be read on its way: no TLS, and not on this machine either.
    pub(crate) fn is_open_to_others(&self) -> bool {
        let local = matches!(self.host.as_str(), "localhost" | "::1") || self.host.starts_with("127.");
        !self.secure && !local && !self.password.expose().is_empty()
    }

    /// The same as a URL without login and path, for whoever sends requests.
    pub(crate) fn address(&self) -> Url {
        Url {
            scheme: if self.secure { "https" } else { "http" }.to_owned(),
            user: None,
            password: None,
            host: self.host.clone(),
            port: Some(self.port),
            path: String::new(),
            query: Vec::new(),
        }
    }
}

fn read(text: &str) -> Result<Url> {
    let url = Url::read("url", text, &["https", "http", "clickhouse", "clickhouses"])?;
    // The name of an unknown one is not repeated: `?` may stand in a password.
    match url.query.iter().find(|(name, _)| name != "database") {
        Some(_) => Err(misconfigured("url", "has a parameter other than `database`; leave it out")),
        None => Ok(url),
    }
}

/// The database that a URL names: by its path, or as a parameter.
fn database_of(url: &Url) -> Result<Option<String>> {
    let path = url.path.trim_matches('/');
    let named = decoded(path)
        .ok_or_else(|| misconfigured("url", "has a database that cannot be decoded; write % as %25"))?;
    if path.contains('/') {
        return Err(misconfigured("url", "has a path of several parts; it is the database alone"));
    }
    let by_parameter = url.parameter("database").map(str::to_owned);
    Ok(Some(named).filter(|named| !named.is_empty()).or(by_parameter).filter(|name| !name.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Result<Location> {
        Location::of(&Settings::from_json(json)?)
    }

    #[test]
    fn fields_win_over_the_url() {
        let location = of(
            r#"{"url": "https://u%40x:p%3Aw@ch.internal/shop%20db", "port": 9000, "password": "field", "database": ""}"#,
        )
        .unwrap();
        assert_eq!((location.secure, location.port, location.user.as_str()), (true, 9000, "u@x"));
        assert_eq!((location.password.expose(), location.database.as_str()), ("field", "shop db"));
    }

    #[test]
    fn what_is_not_said_is_what_servers_have() {
        let location = of(r#"{"host": "h"}"#).unwrap();
        assert_eq!((location.secure, location.port), (false, 8123));
        assert_eq!((location.user.as_str(), location.database.as_str()), ("default", "default"));
        assert_eq!(of(r#"{"host": "h", "protocol": "https"}"#).unwrap().port, 8443);
        assert_eq!(of(r#"{"url": "clickhouses://h"}"#).unwrap().port, 8443);
        assert_eq!(of(r#"{"url": "clickhouse://h?database=d"}"#).unwrap().database, "d");
        assert!(of(r#"{"url": "http://u:p@h"}"#).unwrap().is_open_to_others());
        assert!(!of(r#"{"url": "http://u:p@127.0.0.1"}"#).unwrap().is_open_to_others());
    }

    #[test]
    fn what_is_wrong_is_named_and_never_shown() {
        for (json, part) in [
            ("{}", "`host`"),
            (r#"{"host": "h", "protocol": "hunter2"}"#, "`protocol`"),
            (r#"{"url": "postgres://hunter2@h"}"#, "`url`"),
            (r#"{"url": "http://h/a/hunter2"}"#, "several parts"),
            (r#"{"url": "http://h?hunter2=1"}"#, "other than `database`"),
        ] {
            let error = of(json).unwrap_err();
            assert_eq!(error.code(), ErrorCode::SourceNotConfigured);
            assert!(error.message().contains(part), "{json}: {error}");
            assert!(!error.message().contains("hunter2"), "{error}");
        }
    }
}
