//! What a source is configured with.

use semilayer_connector::error::misconfigured;
use semilayer_connector::prelude::*;
use semilayer_connector::url::Url;

/// The port that Redis listens on unless it is told otherwise.
const PORT: u16 = 6379;

/// The settings of a source.
#[derive(Debug, Config)]
pub struct Settings {
    /// Everything in one.
    #[config(
        label = "URL",
        placeholder = "redis://user:password@host:6379/0",
        hint = "rediss:// connects with TLS. Fields that are set as well win over it.",
        alias = "connectionString"
    )]
    pub url: Option<Secret>,
    /// The server's name or address.
    #[config(label = "Host", placeholder = "localhost")]
    pub host: Option<String>,
    /// Its port.
    #[config(label = "Port", placeholder = "6379", hint = "6379 unless it is set, here or in the URL.")]
    pub port: Option<u16>,
    /// The user, on servers that have more than one.
    #[config(label = "User name", alias = "user", hint = "Only for servers with ACL users.")]
    pub username: Option<String>,
    /// The password.
    #[config(label = "Password")]
    pub password: Option<Secret>,
    /// The database's number.
    #[config(
        label = "DB",
        alias = "database",
        hint = "Number of the database, 0 if it is not set.",
        advanced
    )]
    pub db: Option<u32>,
    /// Whether to connect with TLS.
    #[config(label = "TLS", alias = "ssl", hint = "Connect with TLS and check the certificate.")]
    pub tls: Option<bool>,
    /// How many rows of a target are looked at to learn its columns.
    #[config(
        label = "Rows sampled",
        default = 1000,
        hint = "How many rows of a target are looked at for its columns.",
        advanced
    )]
    pub sample_rows: u32,
}

/// Where to connect, and who logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether to connect with TLS.
    pub tls: bool,
    /// The user; the server's default user when there is only a password.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The database's number.
    pub db: u32,
}

/// What URLs for other clients carry, and what makes no difference here.
const IGNORED: [&str; 3] = ["family", "protocol", "allowUsernameInURI"];

impl Place {
    /// URL and fields together; fields win.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the setting.
    pub fn of(settings: Settings) -> Result<Place> {
        let url = settings
            .url
            .as_ref()
            .map(|url| Url::read("url", url.expose(), &["redis", "rediss"]))
            .transpose()?;
        let mut place = match &url {
            Some(url) => Place {
                host: url.host.clone(),
                port: url.port.unwrap_or(PORT),
                tls: url.scheme == "rediss",
                username: url.user.clone(),
                password: url.password.clone(),
                db: database(url)?,
            },
            None => {
                Place { host: String::new(), port: PORT, tls: false, username: None, password: None, db: 0 }
            }
        };
        if let Some(host) = settings.host.filter(|host| !host.trim().is_empty()) {
            place.host = host.trim().to_owned();
        }
        place.port = settings.port.unwrap_or(place.port);
        place.tls = settings.tls.unwrap_or(place.tls);
        place.username = settings.username.filter(|name| !name.is_empty()).or(place.username);
        place.password =
            settings.password.or(place.password).filter(|password| !password.expose().is_empty());
        place.db = settings.db.unwrap_or(place.db);
        if place.host.is_empty() {
            return Err(misconfigured("host", "is not set; set it, or `url`"));
        }
        if place.port == 0 {
            return Err(misconfigured("port", "must be a number from 1 to 65535"));
        }
        if place.username.is_some() && place.password.is_none() {
            return Err(misconfigured("password", "is not set, though `username` is"));
        }
        Ok(place)
    }
}

/// The database that a URL names, as its path or as a parameter.
fn database(url: &Url) -> Result<u32> {
    let path = url.path.trim_matches('/');
    let mut named = (!path.is_empty()).then_some(path);
    for (name, value) in &url.query {
        match name.as_str() {
            "db" => named = Some(value),
            name if IGNORED.contains(&name) => {}
            _ => return Err(misconfigured("url", "has a parameter that is not known; `db` is")),
        }
    }
    named.map_or(Ok(0), |number| {
        number
            .parse()
            .map_err(|_| misconfigured("url", "names a database that is no number: redis://host:6379/0"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(json: &str) -> Result<Place> {
        Place::of(Settings::from_json(json)?)
    }

    #[test]
    fn url_and_fields_go_together_and_fields_win() {
        let from_url = place(r#"{"url": "rediss://ann:p%40w@db.example:7000/3?family=0"}"#).unwrap();
        let right = Place {
            host: "db.example".into(),
            port: 7000,
            tls: true,
            username: Some("ann".into()),
            password: Some("p@w".into()),
            db: 3,
        };
        assert_eq!(from_url, right);
        let mixed = r#"{"url": "redis://:x@h:7000", "password": "y", "db": "2", "tls": true}"#;
        let mixed = place(mixed).unwrap();
        assert_eq!((mixed.port, mixed.db, mixed.tls, mixed.username), (7000, 2, true, None));
        let usual = place(r#"{"url": "redis://h:7000", "port": 6379}"#).unwrap();
        assert_eq!(usual.port, 6379, "a field that is set wins, also with the usual port");
        assert_eq!(place(r#"{"host": "h"}"#).unwrap().port, 6379);
        assert_eq!(mixed.password, Some("y".into()));
        let fields = place(r#"{"host": " h ", "port": 7001, "database": 1, "ssl": "1"}"#).unwrap();
        assert_eq!((fields.host.as_str(), fields.port, fields.db, fields.tls), ("h", 7001, 1, true));
        assert_eq!(place(r#"{"connectionString": "redis://h?db=5"}"#).unwrap().db, 5);
    }

    #[test]
    fn what_is_wrong_is_named_and_never_quoted() {
        for (json, part) in [
            ("{}", "`host`"),
            (r#"{"url": "redis://hunter2@h/0"}"#, "`password`"),
            (r#"{"url": "http://u:hunter2@h"}"#, "redis://"),
            (r#"{"url": "redis://h/hunter2"}"#, "no number"),
            (r#"{"url": "redis://h?hunter2=1"}"#, "parameter"),
            (r#"{"host": "h", "port": 0}"#, "`port`"),
            (r#"{"host": "h", "username": "u"}"#, "`password`"),
        ] {
            let error = place(json).unwrap_err();
            assert!(
                error.message().contains(part) && !error.message().contains("hunter2"),
                "{json}: {error}"
            );
        }
    }
}
