//! A SQL Server source's configuration, parsed once.

mod ado;
mod manifest;
mod place;
mod unsupported;
mod url;

use std::time::Duration;

use connector_model::config::Config;
use connector_model::error::{Error, Result};
use dial::Family;
use secrecy::SecretString;

pub(crate) use manifest::manifest;

use self::ado::ConnectionString;
use self::place::Place;
use self::url::Url;
use crate::types::Binary;

/// SQL Server's port.
pub(crate) const DEFAULT_PORT: u16 = 1433;
/// How long a connection may take when the configuration does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Everything a session needs to know to connect.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) host: String,
    /// Where the server listens, if the configuration says; an instance may be asked for it.
    pub(crate) port: Option<u16>,
    /// A named instance.
    pub(crate) instance: Option<String>,
    pub(crate) user: String,
    pub(crate) password: SecretString,
    /// The login's own default database when `None`.
    pub(crate) database: Option<String>,
    pub(crate) encryption: Encryption,
    /// The name in the server's certificate where it is not the host's.
    pub(crate) certificate_name: Option<String>,
    /// Whether a replica that is there to be read will do (`ApplicationIntent`).
    pub(crate) read_only_intent: bool,
    /// PEM text or the path of a file that holds it.
    pub(crate) root_certificate: Option<String>,
    pub(crate) family: Family,
    pub(crate) connect_timeout: Duration,
    pub(crate) binary: Binary,
}

/// How much of the connection is protected, and how well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// All of it, the certificate checked.
    Verified,
    /// All of it, to whoever answers.
    Unverified,
    /// The login alone, as far as the server can; all of it if the server insists.
    LoginOnly,
}

/// A value from the URL or the connection string, overridden by the field of that name.
struct Layers<'c> {
    config: &'c Config,
    url: Url,
    string: ConnectionString,
}

impl Layers<'_> {
    fn read(config: &Config) -> Result<Layers<'_>> {
        Ok(match config.text("url") {
            Some(text) if ConnectionString::is_one(text) => {
                Layers { config, url: Url::default(), string: ConnectionString::parse(text)? }
            }
            Some(text) => Layers { config, url: Url::parse(text)?, string: ConnectionString::default() },
            None => Layers { config, url: Url::default(), string: ConnectionString::default() },
        })
    }

    fn text(&self, key: &str) -> Option<String> {
        let below = || self.url.parameter(key).or_else(|| self.string.get(key));
        self.config.text(key).or_else(below).map(str::to_owned).filter(|text| !text.is_empty())
    }

    fn flag(&self, key: &str) -> Result<Option<bool>> {
        if let Some(flag) = self.config.flag(key) {
            return Ok(Some(flag));
        }
        let Some(text) = self.text(key) else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" | "mandatory" => Ok(Some(true)),
            "false" | "no" | "0" | "optional" => Ok(Some(false)),
            "strict" => Err(Error::config(
                key,
                "asks for TDS 8.0, which is not supported; \"true\" encrypts and checks as well",
            )),
            _ => Err(Error::config(key, "must be true or false")),
        }
    }
}

impl Settings {
    /// Parses a configuration: the URL first, then fields over it.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the setting.
    pub(crate) fn parse(config: &Config) -> Result<Settings> {
        let layers = Layers::read(config)?;
        let place = place(&layers)?;
        let user = layers.text("user").or_else(|| layers.url.user.clone());
        let user = user.ok_or_else(|| Error::config("user", "is not set; name it in `url` or in `user`"))?;
        if user.contains('\\') {
            let problem = "names a Windows account (domain\\user), and Windows authentication is not supported; \
                           use a SQL Server login";
            return Err(Error::config("user", problem));
        }
        let password = layers.text("password").or_else(|| layers.url.password.clone());
        let port = config.number("port", 1..=65_535)?.and_then(|port| u16::try_from(port).ok());
        Ok(Settings {
            host: place.host,
            port: port.or(place.port),
            instance: layers.text("instanceName").or(place.instance),
            user,
            password: SecretString::from(password.unwrap_or_default()),
            database: layers.text("database").or_else(|| layers.url.database.clone()),
            encryption: encryption(&layers)?,
            certificate_name: layers.text("hostNameInCertificate"),
            read_only_intent: read_only_intent(&layers)?,
            // The machine's own authorities are what is trusted without the setting.
            root_certificate: layers.text("sslrootcert").filter(|root| root != "system"),
            family: family(config)?,
            connect_timeout: connect_timeout(&layers)?,
            binary: match config.text("binary") {
                None | Some("base64") => Binary::Base64,
                Some("buffer") => Binary::Buffer,
                Some(_) => return Err(Error::config("binary", "must be \"base64\" or \"buffer\"")),
            },
        })
    }
}

fn place(layers: &Layers<'_>) -> Result<Place> {
    match (layers.config.text("server"), layers.string.get("server"), &layers.url.place) {
        (Some(server), _, _) => Place::parse("server", server),
        (None, Some(server), _) => Place::parse("url", server),
        (None, None, Some(place)) => Place::parse("url", place),
        (None, None, None) => {
            let problem = "is not set; name it in `url` (mssql://user@host/database) or in `server`";
            Err(Error::config("server", problem))
        }
    }
}

fn encryption(layers: &Layers<'_>) -> Result<Encryption> {
    let encrypt = layers.flag("encrypt")?.unwrap_or(true);
    let trust = layers.flag("trustServerCertificate")?.unwrap_or(false);
    match (encrypt, trust, layers.text("sslrootcert")) {
        (true, true, Some(_)) => Err(Error::config(
            "trustServerCertificate",
            "is true, but `sslrootcert` names an authority to check against; remove one of them",
        )),
        (false, _, Some(_)) => {
            Err(Error::config("encrypt", "is false, but `sslrootcert` asks for a check; remove one of them"))
        }
        (true, true, None) => Ok(Encryption::Unverified),
        (true, false, _) => Ok(Encryption::Verified),
        (false, _, None) => Ok(Encryption::LoginOnly),
    }
}

/// A replica may lag behind: whoever does not ask for one reads the primary.
fn read_only_intent(layers: &Layers<'_>) -> Result<bool> {
    match layers.text("applicationIntent").map(|text| text.to_ascii_lowercase()).as_deref() {
        None | Some("readwrite") => Ok(false),
        Some("readonly") => Ok(true),
        Some(_) => Err(Error::config("applicationIntent", "must be \"readWrite\" or \"readOnly\"")),
    }
}

fn family(config: &Config) -> Result<Family> {
    Ok(match config.number("ipFamily", 0..=6)? {
        None | Some(0) => Family::Any,
        Some(4) => Family::V4,
        Some(6) => Family::V6,
        Some(_) => return Err(Error::config("ipFamily", "must be 4 or 6; leave it out for both")),
    })
}

fn connect_timeout(layers: &Layers<'_>) -> Result<Duration> {
    if let Some(millis) = layers.config.number("connectionTimeoutMillis", 1..=600_000)? {
        return Ok(u64::try_from(millis).map_or(CONNECT_TIMEOUT, Duration::from_millis));
    }
    let Some(seconds) = layers.text("connectTimeout") else { return Ok(CONNECT_TIMEOUT) };
    match seconds.parse::<u64>() {
        Ok(0) => Ok(CONNECT_TIMEOUT),
        Ok(seconds) => Ok(Duration::from_secs(seconds.min(600))),
        Err(_) => Err(Error::config("url", "its connect timeout is not a number of seconds")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_model::config::Origin;
    use secrecy::ExposeSecret;

    fn parse(texts: &[(&str, &str)]) -> Result<Settings> {
        let config = Config::from_texts(&manifest(), Origin::Local, texts.iter().copied())?;
        Settings::parse(&config)
    }

    #[test]
    fn a_url_and_fields_mix_and_fields_win() {
        let url = ("url", "mssql://ann:one@db:6000/app?encrypt=false&connectTimeout=3");
        let settings = parse(&[url, ("password", "two"), ("host", "other\\X"), ("db", "b")]).unwrap();
        assert_eq!((settings.host.as_str(), settings.port), ("other", None));
        assert_eq!(settings.instance.as_deref(), Some("X"));
        assert_eq!(settings.password.expose_secret(), "two");
        assert_eq!((settings.user.as_str(), settings.database.as_deref()), ("ann", Some("b")));
        assert_eq!(settings.encryption, Encryption::LoginOnly);
        assert_eq!(settings.connect_timeout, Duration::from_secs(3));
    }

    #[test]
    fn a_connection_string_says_the_same() {
        let text = "Server=tcp:h,1444;Database=app;User Id=sa;Password=x;TrustServerCertificate=True";
        let settings = parse(&[("connectionString", text)]).unwrap();
        assert_eq!((settings.host.as_str(), settings.port), ("h", Some(1444)));
        assert_eq!(settings.encryption, Encryption::Unverified);
    }

    #[test]
    fn the_primary_is_read_unless_a_replica_is_asked_for() {
        let base = "Server=h;User Id=sa;Password=x";
        let string = |intent: &str| format!("{base};Application Intent={intent}");
        for (text, expected) in
            [(base.to_owned(), false), (string("ReadOnly"), true), (string("ReadWrite"), false)]
        {
            assert_eq!(parse(&[("url", &text)]).unwrap().read_only_intent, expected, "{text}");
        }
        let url = ("url", "mssql://sa:x@h/d?ApplicationIntent=readonly&hostNameInCertificate=db.example");
        let settings = parse(&[url]).unwrap();
        assert!(settings.read_only_intent);
        assert_eq!(settings.certificate_name.as_deref(), Some("db.example"));
        assert!(!parse(&[url, ("applicationIntent", "readWrite")]).unwrap().read_only_intent);
        assert!(parse(&[url, ("applicationIntent", "perhaps")]).is_err());
    }

    #[test]
    fn encryption_is_on_and_checked_unless_somebody_says_otherwise() {
        let base = ("url", "mssql://sa:x@h/d");
        assert_eq!(parse(&[base]).unwrap().encryption, Encryption::Verified);
        assert_eq!(
            parse(&[base, ("trustServerCertificate", "true")]).unwrap().encryption,
            Encryption::Unverified
        );
        let system = parse(&[base, ("sslrootcert", "system")]).unwrap();
        assert_eq!((system.encryption, system.root_certificate), (Encryption::Verified, None));
        let contradictory = [
            vec![base, ("trustServerCertificate", "true"), ("sslrootcert", "system")],
            vec![base, ("trustServerCertificate", "true"), ("sslrootcert", "/ca.pem")],
            vec![base, ("encrypt", "false"), ("sslrootcert", "/ca.pem")],
            vec![("url", "mssql://sa:x@h/d?encrypt=strict")],
            vec![("url", "mssql://sa:x@h/d?encrypt=perhaps")],
        ];
        for texts in contradictory {
            assert!(parse(&texts).is_err());
        }
    }

    #[test]
    fn what_is_missing_or_unsupported_is_named() {
        for (texts, name) in [
            (vec![("url", "mssql://ann:pw@/db")], "`server`"),
            (vec![("url", "mssql://host/db")], "`user`"),
            (vec![("server", "h")], "`user`"),
            (vec![("url", "http://h/")], "`url`"),
            (vec![("url", "mssql://a@h:99999/")], "`url`"),
            (vec![("url", "mssql://a:x@h/"), ("ipFamily", "5")], "`ipFamily`"),
            (vec![("server", "h"), ("user", "CORP\\ann"), ("password", "pw")], "`user`"),
        ] {
            let error = parse(&texts).err().unwrap();
            assert!(error.message().contains(name), "{error}");
            assert!(!error.message().contains("pw"));
        }
    }
}
