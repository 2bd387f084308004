//! A PostgreSQL source's configuration, parsed once.

mod manifest;
mod url;

use std::time::Duration;

use connector_model::config::Config;
use connector_model::error::{Error, Result};
use secrecy::SecretString;
use tokio_postgres::config::ChannelBinding;

pub(crate) use manifest::manifest;

use crate::family::Family;
use crate::types::Binary;

/// How long a connection may take when the configuration does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The `sslrootcert` that stands for the machine's own authorities, as for libpq.
const SYSTEM: &str = "system";

/// Everything a session needs to know to connect.
#[derive(Clone)]
pub(crate) struct Settings {
    /// Where the server may be, tried in order.
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) user: String,
    pub(crate) password: Option<SecretString>,
    pub(crate) database: String,
    pub(crate) ssl: SslMode,
    /// PEM text or the path of a file that holds it.
    pub(crate) root_certificate: Option<String>,
    pub(crate) client_certificate: Option<String>,
    pub(crate) client_key: Option<SecretString>,
    pub(crate) ip_family: dial::Family,
    pub(crate) connect_timeout: Duration,
    pub(crate) wanted: Wanted,
    /// Never use what a transaction pooler would hand to somebody else.
    pub(crate) always_pooled: bool,
    pub(crate) binary: Binary,
    pub(crate) channel_binding: ChannelBinding,
}

/// One place where the server may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Tcp {
        host: String,
        port: u16,
    },
    /// The folder that holds the socket `.s.PGSQL.<port>`.
    Unix {
        folder: String,
        port: u16,
    },
}

/// libpq's `sslmode` (PostgreSQL documentation, section 34.19.3), but for `allow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SslMode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl SslMode {
    /// As libpq spells it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            SslMode::Disable => "disable",
            SslMode::Prefer => "prefer",
            SslMode::Require => "require",
            SslMode::VerifyCa => "verify-ca",
            SslMode::VerifyFull => "verify-full",
        }
    }
}

/// libpq's `target_session_attrs`: which of several servers will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

/// A value from the URL, overridden by the field of that name.
struct Layers<'c> {
    config: &'c Config,
    url: url::Url,
}

impl Layers<'_> {
    fn text(&self, key: &str, parameter: &str) -> Option<String> {
        let field = self.config.text(key).map(str::to_owned);
        field.or_else(|| self.url.parameter(parameter).map(str::to_owned)).filter(|text| !text.is_empty())
    }
}

impl Settings {
    /// Parses a configuration: the URL first, then fields over it.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the setting.
    pub(crate) fn parse(config: &Config, family: &Family) -> Result<Settings> {
        let url = config.text("url").map(|url| url::Url::parse(url, family)).transpose()?.unwrap_or_default();
        if family.had_rest_form && config.text("key").is_some() {
            let instead = url::REST_INSTEAD;
            return Err(Error::config(
                "key",
                format_args!("belongs to the REST interface, which the runner does not speak; {instead}"),
            ));
        }
        url.refuse_unknown_ssl()?;
        let layers = Layers { config, url };
        let endpoints = endpoints(&layers, family.port)?;
        let user = layers.text("user", "user").or_else(|| layers.url.user.clone());
        let user = user.ok_or_else(|| Error::config("user", "is not set; name it in `url` or in `user`"))?;
        let password = layers.text("password", "password").or_else(|| layers.url.password.clone());
        let database = layers.text("database", "dbname").or_else(|| layers.url.database.clone());
        let timeout = config.number("connectionTimeoutMillis", 1..=600_000)?;
        let timeout = timeout.and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis);
        Ok(Settings {
            endpoints,
            database: database.unwrap_or_else(|| user.clone()),
            user,
            password: password.map(SecretString::from),
            ssl: ssl_mode(&layers, family.ssl)?,
            root_certificate: layers.text("sslrootcert", "sslrootcert").filter(|root| root != SYSTEM),
            client_certificate: layers.text("sslcert", "sslcert"),
            client_key: layers.text("sslkey", "sslkey").map(SecretString::from),
            ip_family: ip_family(config)?,
            connect_timeout: timeout.or(layers.url.connect_timeout()?).unwrap_or(CONNECT_TIMEOUT),
            wanted: wanted(&layers)?,
            always_pooled: config.flag("prepare") == Some(false),
            channel_binding: channel_binding(&layers)?,
            binary: match config.text("binary") {
                None | Some("base64") => Binary::Base64,
                Some("buffer") => Binary::Buffer,
                Some(_) => return Err(Error::config("binary", "must be \"base64\" or \"buffer\"")),
            },
        })
    }
}

fn endpoints(layers: &Layers<'_>, default_port: u16) -> Result<Vec<Endpoint>> {
    let port = layers.config.number("port", 1..=65_535)?.and_then(|port| u16::try_from(port).ok());
    let hosts: Vec<(String, Option<u16>)> = match layers.text("host", "host") {
        Some(hosts) => url::hosts("host", &hosts)?,
        None => layers.url.hosts.clone(),
    };
    if hosts.is_empty() {
        return Err(Error::config(
            "host",
            "is not set; name it in `url` (postgres://user@host/database) or in `host`",
        ));
    }
    let from_url = layers.url.parameter("port").map(str::parse::<u16>).transpose();
    let from_url = from_url.map_err(|_| Error::config("url", "its port is not a number from 1 to 65535"))?;
    let endpoint = |(host, own): (String, Option<u16>)| {
        let port = port.or(own).or(from_url).unwrap_or(default_port);
        if host.starts_with('/') {
            Endpoint::Unix { folder: host, port }
        } else {
            Endpoint::Tcp { host, port }
        }
    };
    Ok(hosts.into_iter().map(endpoint).collect())
}

/// How TLS is wanted. Public authorities vouch for anybody under some name: to trust them is to check the name.
fn ssl_mode(layers: &Layers<'_>, default: SslMode) -> Result<SslMode> {
    if layers.text("sslrootcert", "sslrootcert").as_deref() != Some(SYSTEM) {
        return asked_for(layers, default);
    }
    match asked_for(layers, SslMode::VerifyFull)? {
        SslMode::VerifyFull => Ok(SslMode::VerifyFull),
        weaker => Err(Error::config(
            "sslmode",
            format_args!(
                "is {}, but `sslrootcert` is \"system\", which needs verify-full; set sslmode=verify-full, or give \
                 the server's own authority in `sslrootcert`",
                weaker.name()
            ),
        )),
    }
}

fn asked_for(layers: &Layers<'_>, default: SslMode) -> Result<SslMode> {
    let named = layers.text("sslmode", "sslmode");
    let named = named.or_else(|| layers.url.parameter("ssl").map(str::to_owned));
    match (layers.config.flag("ssl"), named.as_deref()) {
        (Some(true), None | Some("verify-full" | "true" | "1")) => Ok(SslMode::VerifyFull),
        // Both may be set: the mode says how, the flag only that.
        (Some(false), None | Some("disable" | "false" | "0")) => Ok(SslMode::Disable),
        (Some(false), Some("require" | "verify-ca" | "verify-full" | "true" | "1")) => {
            Err(Error::config("ssl", "is false, but `sslmode` asks for TLS; remove one of them"))
        }
        (Some(true), Some("disable" | "false" | "0")) => {
            Err(Error::config("ssl", "is true, but `sslmode` forbids TLS; remove one of them"))
        }
        (_, Some("disable" | "false" | "0")) => Ok(SslMode::Disable),
        (Some(true), Some("prefer")) | (_, Some("require")) => Ok(SslMode::Require),
        (_, None) => Ok(default),
        (_, Some("prefer")) => Ok(SslMode::Prefer),
        (_, Some("verify-ca")) => Ok(SslMode::VerifyCa),
        (_, Some("verify-full" | "true" | "1")) => Ok(SslMode::VerifyFull),
        (_, Some(_)) => {
            Err(Error::config("sslmode", "must be disable, prefer, require, verify-ca or verify-full"))
        }
    }
}

fn channel_binding(layers: &Layers<'_>) -> Result<ChannelBinding> {
    Ok(match layers.url.parameter("channel_binding") {
        None | Some("prefer") => ChannelBinding::Prefer,
        Some("require") => ChannelBinding::Require,
        Some("disable") => ChannelBinding::Disable,
        Some(_) => {
            return Err(Error::config("url", "its channel_binding must be disable, prefer or require"));
        }
    })
}

fn ip_family(config: &Config) -> Result<dial::Family> {
    use dial::Family;
    Ok(match config.number("ipFamily", 0..=6)? {
        None | Some(0) => Family::Any,
        Some(4) => Family::V4,
        Some(6) => Family::V6,
        Some(_) => return Err(Error::config("ipFamily", "must be 4 or 6; leave it out for both")),
    })
}

fn wanted(layers: &Layers<'_>) -> Result<Wanted> {
    Ok(match layers.text("targetSessionAttrs", "target_session_attrs").as_deref() {
        None | Some("any") => Wanted::Any,
        Some("read-write") => Wanted::ReadWrite,
        Some("read-only") => Wanted::ReadOnly,
        Some("primary") => Wanted::Primary,
        Some("standby") => Wanted::Standby,
        Some("prefer-standby") => Wanted::PreferStandby,
        Some(_) => {
            let modes = "must be any, read-write, read-only, primary, standby or prefer-standby";
            return Err(Error::config("targetSessionAttrs", modes));
        }
    })
}

#[cfg(test)]
mod tests;
