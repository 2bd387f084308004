//! What a gateway is told, checked once.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use runner_protocol::limits;
use secrecy::SecretString;

use crate::environment::{Environment, EnvironmentError};

/// Where the gateway listens unless told otherwise.
const LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 3001);
/// How long finished jobs and audit entries are kept unless told otherwise, in days.
const RETENTION_DAYS: u64 = 30;
const DAY: u64 = 86_400;
/// The forms of `DATABASE_URL` that this build takes.
const FORMS: &str = "accepted: sqlite://PATH, such as sqlite:///var/lib/semilayer/gateway.db";
/// What is said to somebody who meant the other program.
const MISTAKEN: &str = "this is the gateway; the program that runs beside the databases is semilayer-runner, and wants SEMILAYER_RUNNER_ID \
                        and SEMILAYER_RUNNER_TOKEN instead";

/// The database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// An SQLite file.
    Sqlite(PathBuf),
}

/// A certificate and its key, as PEM files.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate chain, the server's own first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Times that are the protocol's, and that a test may shorten.
#[derive(Debug, Clone)]
pub struct Timings {
    /// How long a socket may take to say hello.
    pub hello: Duration,
    /// How often a runner is pinged.
    pub ping: Duration,
    /// Silence after which a runner is dead.
    pub dead_peer: Duration,
    /// How long a lease lasts.
    pub lease: Duration,
    /// How often leases are renewed.
    pub renew: Duration,
    /// How long after a deadline the runner's own timeout is waited for.
    pub deadline_grace: Duration,
    /// How long jobs may take to finish when the gateway stops.
    pub drain: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            hello: limits::HELLO_TIMEOUT,
            ping: limits::GATEWAY_PING_INTERVAL,
            dead_peer: limits::DEAD_PEER_AFTER,
            lease: Duration::from_secs(60),
            renew: Duration::from_secs(20),
            deadline_grace: Duration::from_millis(250),
            drain: Duration::from_secs(30),
        }
    }
}

/// Everything a gateway is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The database.
    pub database: Database,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The certificate to serve TLS with.
    pub tls: Option<TlsFiles>,
    /// Whether a proxy stands in front: plain HTTP is then taken on any address, and `X-Forwarded-For` believed.
    pub behind_proxy: bool,
    /// The admin token; unset, one is made at the first start.
    pub admin_token: Option<SecretString>,
    /// The URL under which callers and runners reach the gateway.
    pub public_url: Option<String>,
    /// How long finished jobs and audit entries are kept.
    pub retention: Duration,
    /// Times that a test may shorten.
    pub timings: Timings,
}

/// A setting that is missing or makes no sense.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// No database is named.
    #[error("DATABASE_URL is required\n{FORMS}\n{MISTAKEN}")]
    NoDatabase,
    /// The database is of a kind that this build does not take.
    #[error("DATABASE_URL: {scheme} is not supported by this build, which takes sqlite:// only\n{FORMS}")]
    OtherDatabase {
        /// Its scheme, which holds no credentials.
        scheme: String,
    },
    /// The database's URL makes no sense.
    #[error("DATABASE_URL: {problem}\n{FORMS}")]
    BadDatabase {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A variable makes no sense.
    #[error("{name}: {problem}")]
    Bad {
        /// The variable.
        name: &'static str,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// Plain HTTP on an address that others can reach.
    #[error(
        "refusing plain HTTP on {listen}: tokens would cross the network unencrypted; set GATEWAY_TLS_CERT and \
         GATEWAY_TLS_KEY, or GATEWAY_BEHIND_PROXY=1 when a proxy in front ends TLS"
    )]
    PlainOnNetwork {
        /// The address.
        listen: SocketAddr,
    },
    /// A variable cannot be read.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
}

impl Settings {
    /// A gateway on this SQLite file, on a free loopback port.
    pub fn local(database: impl Into<PathBuf>) -> Self {
        Self {
            database: Database::Sqlite(database.into()),
            listen: SocketAddr::from((LISTEN.0, 0)),
            tls: None,
            behind_proxy: false,
            admin_token: None,
            public_url: None,
            retention: Duration::from_secs(RETENTION_DAYS * DAY),
            timings: Timings::default(),
        }
    }

    /// Reads `DATABASE_URL`, `GATEWAY_LISTEN`, `GATEWAY_TLS_CERT`, `GATEWAY_TLS_KEY`, `GATEWAY_BEHIND_PROXY`,
    /// `GATEWAY_ADMIN_TOKEN`, `GATEWAY_PUBLIC_URL` and `GATEWAY_RETENTION_DAYS`, each also as a file by its `_FILE` form.
    ///
    /// # Errors
    /// The first setting that is missing or makes no sense.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        let database = database(environment.get("DATABASE_URL")?.as_deref())?;
        let listen = match environment.get("GATEWAY_LISTEN")? {
            None => SocketAddr::from(LISTEN),
            Some(text) => text.parse().map_err(|_| SettingsError::Bad {
                name: "GATEWAY_LISTEN",
                problem: "an address and a port, such as 127.0.0.1:3001 or [::]:443".to_owned(),
            })?,
        };
        let tls = match (environment.get("GATEWAY_TLS_CERT")?, environment.get("GATEWAY_TLS_KEY")?) {
            (Some(certificate), Some(key)) => {
                Some(TlsFiles { certificate: certificate.into(), key: key.into() })
            }
            (None, None) => None,
            (Some(_), None) => return Err(alone("GATEWAY_TLS_CERT", "GATEWAY_TLS_KEY")),
            (None, Some(_)) => return Err(alone("GATEWAY_TLS_KEY", "GATEWAY_TLS_CERT")),
        };
        let settings = Self {
            listen,
            tls,
            behind_proxy: flag(environment, "GATEWAY_BEHIND_PROXY")?,
            admin_token: environment.secret("GATEWAY_ADMIN_TOKEN")?,
            public_url: public_url(environment.get("GATEWAY_PUBLIC_URL")?)?,
            retention: retention(environment.get("GATEWAY_RETENTION_DAYS")?.as_deref())?,
            ..Self::local(database)
        };
        settings.check()?;
        Ok(settings)
    }

    /// Refuses plain HTTP where others could listen in.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if self.tls.is_none() && !self.behind_proxy && !self.listen.ip().is_loopback() {
            return Err(SettingsError::PlainOnNetwork { listen: self.listen });
        }
        Ok(())
    }
}

fn database(url: Option<&str>) -> Result<PathBuf, SettingsError> {
    let Some(url) = url else { return Err(SettingsError::NoDatabase) };
    let Some((scheme, path)) = url.split_once("://") else {
        return Err(SettingsError::BadDatabase { problem: "it has no scheme" });
    };
    if scheme != "sqlite" {
        // A scheme is letters, digits and a few signs (RFC 3986 section 3.1); anything else may be a secret.
        let shown =
            scheme.len() <= 32 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+');
        let scheme = if shown { format!("{scheme}://") } else { "this".to_owned() };
        return Err(SettingsError::OtherDatabase { scheme });
    }
    if path.is_empty() || path.starts_with(':') {
        return Err(SettingsError::BadDatabase { problem: "it names no file" });
    }
    if path.contains('?') {
        return Err(SettingsError::BadDatabase { problem: "parameters are not taken" });
    }
    Ok(path.into())
}

fn alone(name: &'static str, other: &str) -> SettingsError {
    SettingsError::Bad { name, problem: format!("is set without {other}") }
}

fn flag(environment: &Environment, name: &'static str) -> Result<bool, SettingsError> {
    match environment.get(name)?.as_deref() {
        None | Some("0" | "false") => Ok(false),
        Some("1" | "true") => Ok(true),
        Some(_) => Err(SettingsError::Bad { name, problem: "1 or 0".to_owned() }),
    }
}

fn public_url(url: Option<String>) -> Result<Option<String>, SettingsError> {
    let Some(url) = url else { return Ok(None) };
    let url = url.trim_end_matches('/').to_owned();
    if (url.starts_with("https://") || url.starts_with("http://")) && !url.contains(['?', '#', '@']) {
        return Ok(Some(url));
    }
    let problem =
        "an http(s) URL without parameters or credentials, such as https://gateway.example.com".to_owned();
    Err(SettingsError::Bad { name: "GATEWAY_PUBLIC_URL", problem })
}

fn retention(days: Option<&str>) -> Result<Duration, SettingsError> {
    let days = match days {
        None => RETENTION_DAYS,
        Some(text) => text.parse().ok().filter(|days| (1..=36_500).contains(days)).ok_or_else(|| {
            SettingsError::Bad { name: "GATEWAY_RETENTION_DAYS", problem: "1 to 36500 days".to_owned() }
        })?,
    };
    Ok(Duration::from_secs(days * DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(variables: &[(&str, &str)]) -> String {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        Settings::from_environment(&Environment::new(variables)).expect_err("an error").to_string()
    }

    #[test]
    fn a_missing_database_is_said_first_with_the_accepted_forms() {
        let text = error(&[("GATEWAY_LISTEN", "nonsense")]);
        assert_eq!(text.lines().next(), Some("DATABASE_URL is required"));
        assert!(text.lines().nth(1).is_some_and(|line| line.contains("sqlite://")), "{text}");
        assert!(text.lines().nth(2).is_some_and(|line| line.contains("semilayer-runner")), "{text}");
    }

    #[test]
    fn another_database_is_refused_by_name_and_without_its_credentials() {
        let text = error(&[("DATABASE_URL", "postgres://app:hunter2@db/x")]);
        assert!(text.contains("postgres://") && text.contains("sqlite:// only"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        for bad in ["gateway.db", "sqlite://", "sqlite://:memory:", "sqlite://a?mode=ro"] {
            assert!(error(&[("DATABASE_URL", bad)]).starts_with("DATABASE_URL: "), "{bad}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_or_behind_a_proxy() {
        let base = ("DATABASE_URL", "sqlite://x.db");
        assert!(error(&[base, ("GATEWAY_LISTEN", "0.0.0.0:80")]).contains("GATEWAY_BEHIND_PROXY=1"));
        let proxied =
            Environment::from([base, ("GATEWAY_LISTEN", "0.0.0.0:80"), ("GATEWAY_BEHIND_PROXY", "1")]);
        assert!(Settings::from_environment(&proxied).is_ok());
        let plain = Settings::from_environment(&Environment::from([base])).expect("settings");
        assert_eq!(plain.listen.to_string(), "127.0.0.1:3001");
        assert_eq!(plain.database, Database::Sqlite("x.db".into()));
    }

    #[test]
    fn a_bad_value_names_its_variable() {
        let base = ("DATABASE_URL", "sqlite://x.db");
        for (name, value) in [
            ("GATEWAY_LISTEN", "3001"),
            ("GATEWAY_TLS_CERT", "only.pem"),
            ("GATEWAY_TLS_KEY", "only.pem"),
            ("GATEWAY_BEHIND_PROXY", "maybe"),
            ("GATEWAY_PUBLIC_URL", "gateway.example.com"),
            ("GATEWAY_RETENTION_DAYS", "0"),
        ] {
            assert!(error(&[base, (name, value)]).starts_with(name), "{name}");
        }
    }
}
