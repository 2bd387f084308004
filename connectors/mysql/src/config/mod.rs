//! A source's configuration, parsed once.

mod manifest;
mod tls;
mod url;

use std::time::Duration;

use connector_model::config::Config;
use connector_model::error::{Error, Result};
use dial::Family;
use secrecy::SecretString;

pub(crate) use manifest::manifest;
pub(crate) use tls::SslMode;

use self::tls::{TlsParameters, ssl_mode};
use crate::types::Binary;

/// MySQL's port.
const DEFAULT_PORT: u16 = 3306;
/// How long a connection may take when the configuration does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The products that one driver serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    MySql,
    MariaDb,
    PlanetScale,
}

/// Everything a session needs to know to connect.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) endpoint: Endpoint,
    pub(crate) user: String,
    pub(crate) password: Option<SecretString>,
    /// The schema whose targets are named without it.
    pub(crate) database: Option<String>,
    pub(crate) ssl: SslMode,
    /// PEM text or the path of a file that holds it.
    pub(crate) root_certificate: Option<String>,
    pub(crate) client_certificate: Option<String>,
    pub(crate) client_key: Option<SecretString>,
    pub(crate) family: Family,
    pub(crate) connect_timeout: Duration,
    pub(crate) binary: Binary,
}

/// Where the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Tcp {
        host: String,
        port: u16,
    },
    /// The path of its socket.
    Unix(String),
}

impl Settings {
    /// Parses a configuration: the URL first, then fields over it.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the setting.
    pub(crate) fn parse(config: &Config, product: Product) -> Result<Settings> {
        let url = config.text("url").map(url::Url::parse).transpose()?.unwrap_or_default();
        let tls = TlsParameters::read(&url)?;
        let field = |key: &str, from_url: Option<&String>| {
            config.text(key).filter(|text| !text.is_empty()).map(str::to_owned).or_else(|| from_url.cloned())
        };
        let user = field("user", url.user.as_ref());
        let user = user.ok_or_else(|| Error::config("user", "is not set; name it in `url` or in `user`"))?;
        let authority = field("sslrootcert", tls.authority.as_ref());
        let timeout = config.number("connectionTimeoutMillis", 1..=600_000)?;
        let timeout = timeout.and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis);
        Ok(Settings {
            endpoint: endpoint(config, &url)?,
            user,
            password: field("password", url.password.as_ref()).map(SecretString::from),
            database: field("database", url.database.as_ref()),
            ssl: ssl_mode(config, &tls, product, authority.as_deref())?,
            root_certificate: authority.filter(|root| root != tls::SYSTEM),
            client_certificate: field("sslcert", tls.certificate.as_ref()),
            client_key: field("sslkey", tls.key.as_ref()).map(SecretString::from),
            family: family(config)?,
            connect_timeout: timeout.unwrap_or(CONNECT_TIMEOUT),
            binary: match config.text("binary") {
                None | Some("base64") => Binary::Base64,
                Some("buffer") => Binary::Buffer,
                Some(_) => return Err(Error::config("binary", "must be \"base64\" or \"buffer\"")),
            },
        })
    }
}

fn endpoint(config: &Config, url: &url::Url) -> Result<Endpoint> {
    let port = config.number("port", 1..=65_535)?.and_then(|port| u16::try_from(port).ok());
    let (host, own) = match config.text("host").filter(|host| !host.is_empty()) {
        Some(host) => connector_model::url::host_and_port("host", host)?,
        None => match &url.host {
            Some(host) => (host.clone(), url.port),
            None => {
                let problem = "is not set; name it in `url` (mysql://user@host/database) or in `host`";
                return Err(Error::config("host", problem));
            }
        },
    };
    match host.starts_with('/') {
        true => Ok(Endpoint::Unix(host)),
        false => Ok(Endpoint::Tcp { host, port: port.or(own).unwrap_or(DEFAULT_PORT) }),
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

#[cfg(test)]
mod tests {
    use super::*;
    use connector_model::config::Origin;
    use secrecy::ExposeSecret;

    fn parse(texts: &[(&str, &str)]) -> Result<Settings> {
        parse_as(Product::MySql, texts)
    }

    fn parse_as(product: Product, texts: &[(&str, &str)]) -> Result<Settings> {
        let config = Config::from_texts(&manifest(product), Origin::Local, texts.iter().copied())?;
        Settings::parse(&config, product)
    }

    #[test]
    fn a_url_and_fields_mix_and_fields_win() {
        let settings =
            parse(&[("url", "mysql://ann:one@db:6000/app"), ("pass", "two"), ("host", "other")]).unwrap();
        assert_eq!(settings.endpoint, Endpoint::Tcp { host: "other".into(), port: 3306 });
        assert_eq!(settings.password.unwrap().expose_secret(), "two");
        assert_eq!((settings.user.as_str(), settings.database.as_deref()), ("ann", Some("app")));
        let socket = parse(&[("host", "/run/mysqld/mysqld.sock"), ("username", "ann")]).unwrap();
        assert_eq!(socket.endpoint, Endpoint::Unix("/run/mysqld/mysqld.sock".into()));
    }

    #[test]
    fn tls_is_asked_for_in_many_words_and_never_ignored() {
        for (parameter, mode) in [
            ("", SslMode::Prefer),
            ("?ssl-mode=REQUIRED", SslMode::Require),
            ("?sslMode=VERIFY_IDENTITY", SslMode::VerifyFull),
            ("?sslmode=verify-ca", SslMode::VerifyCa),
            ("?ssl=true", SslMode::VerifyFull),
            ("?ssl={\"rejectUnauthorized\":true}", SslMode::VerifyFull),
            ("?ssl=%7B%22rejectUnauthorized%22%3A%20false%7D", SslMode::Require),
            ("?sslaccept=strict", SslMode::VerifyFull),
            ("?tls=skip-verify", SslMode::Require),
            ("?tls=false", SslMode::Disable),
            ("?useSSL=true", SslMode::Require),
        ] {
            let url = format!("mysql://a@h/d{parameter}");
            assert_eq!(parse(&[("url", &url)]).unwrap().ssl, mode, "{url}");
        }
        for parameter in [
            "sslfoo=1",
            "verifyServerCertificate=false",
            "tls_version=1",
            "ssl={\"ca\":\"x\"}",
            "sslmode=maybe",
        ] {
            assert!(parse(&[("url", &format!("mysql://a@h/d?{parameter}"))]).is_err(), "{parameter}");
        }
        let base = ("url", "mysql://a@h/d");
        assert_eq!(parse(&[base, ("ssl", "true")]).unwrap().ssl, SslMode::VerifyFull);
        assert_eq!(parse(&[base, ("ssl", "false")]).unwrap().ssl, SslMode::Disable);
        assert_eq!(parse(&[base, ("ssl", "true"), ("sslmode", "verify-ca")]).unwrap().ssl, SslMode::VerifyCa);
        assert!(parse(&[base, ("ssl", "true"), ("sslmode", "disable")]).is_err());
    }

    #[test]
    fn the_machines_own_authorities_are_trusted_with_the_name_only() {
        let with = |texts: &[(&str, &str)]| {
            parse(&[&[("url", "mysql://a@h/d"), ("sslrootcert", "system")], texts].concat())
        };
        for texts in [&[][..], &[("ssl", "true")], &[("sslmode", "verify-full")]] {
            let settings = with(texts).unwrap();
            assert_eq!((settings.ssl, settings.root_certificate), (SslMode::VerifyFull, None));
        }
        assert_eq!(parse(&[("url", "mysql://a@h/d?sslrootcert=system")]).unwrap().ssl, SslMode::VerifyFull);
        for weaker in ["disable", "prefer", "require", "verify-ca"] {
            let error = with(&[("sslmode", weaker)]).err().unwrap();
            assert!(error.message().contains(&format!("`sslmode`: is {weaker}")), "{error}");
        }
        assert!(with(&[("ssl", "false")]).is_err());
        assert!(parse(&[("url", "mysql://a@h/d?sslrootcert=system&sslmode=require")]).is_err());
    }

    #[test]
    fn planetscale_is_verified_unless_somebody_says_otherwise() {
        let url = ("url", "mysql://u:pscale_pw_x@aws.connect.psdb.cloud/db");
        assert_eq!(parse_as(Product::PlanetScale, &[url]).unwrap().ssl, SslMode::VerifyFull);
        let strict = ("url", "mysql://u:p@aws.connect.psdb.cloud/db?sslaccept=strict");
        assert_eq!(parse_as(Product::PlanetScale, &[strict]).unwrap().ssl, SslMode::VerifyFull);
    }

    #[test]
    fn what_is_missing_is_named() {
        for (texts, name) in [
            (vec![("url", "mysql://ann:pw@/db")], "`host`"),
            (vec![("url", "mysql://host/db")], "`user`"),
            (vec![("host", "h")], "`user`"),
            (vec![("url", "http://h/")], "`url`"),
            (vec![("url", "mysql://a@h:99999/")], "`url`"),
            (vec![("url", "mysql://a@h/"), ("ipFamily", "5")], "`ipFamily`"),
            (vec![("url", "mysql://a@h/"), ("port", "0")], "`port`"),
            (vec![("url", "mysql://a@h/"), ("binary", "hex")], "`binary`"),
        ] {
            let error = parse(&texts).err().unwrap();
            assert!(error.message().contains(name), "{error}");
            assert!(!error.message().contains("pw"));
        }
    }
}
