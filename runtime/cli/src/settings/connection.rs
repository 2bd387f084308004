//! Who this runner is and how it reaches its gateway.

use std::path::{Path, PathBuf};

use dial::{ClientIdentity, Dialer, PemError, Roots, RootsError, TlsOptions};
use runner_link::{DEFAULT_AUTH_ATTEMPTS, GatewayUrl, TokenIn};
use runner_protocol::DEFAULT_GATEWAY_URL;
use secrecy::{ExposeSecret, SecretString};

use super::error::ConfigError;
use super::layers::{Layers, Names, of_variable, path_of, read_bounded};
use super::origin::{Origin, Setting};
use crate::version;

const ID: Names = Names { flag: "--id", variable: "SEMILAYER_RUNNER_ID", key: "id" };
const TOKEN: Names = Names { flag: "--token", variable: "SEMILAYER_RUNNER_TOKEN", key: "token" };
const GATEWAY: Names = Names { flag: "--gateway", variable: "SEMILAYER_GATEWAY_URL", key: "gateway" };
const TOKEN_IN: Names = Names { flag: "", variable: "SEMILAYER_TOKEN_IN", key: "token_in" };
const AUTH_ATTEMPTS: Names = Names { flag: "", variable: "SEMILAYER_AUTH_ATTEMPTS", key: "auth_attempts" };
const LABEL: Names = Names { flag: "", variable: "SEMILAYER_RUNNER_VERSION", key: "" };
const CLIENT_CERT: Names =
    Names { flag: "--client-cert", variable: "SEMILAYER_CLIENT_CERT", key: "client_cert" };
const CLIENT_KEY: Names = Names { flag: "--client-key", variable: "SEMILAYER_CLIENT_KEY", key: "client_key" };

/// Variables that name a file with authorities. Each adds to the system's. Ours has a `_FILE` form, the other programs' do not.
const CA_FILE: &str = "SEMILAYER_CA_FILE";
const CA_VARIABLES: [&str; 2] = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"];

/// The largest certificate or key file that is read, in bytes.
const MAX_PEM_BYTES: u64 = 1024 * 1024;

/// Who this runner is and how it reaches its gateway. The token is never printed.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The id or name.
    pub runner_id: Setting<String>,
    /// The token.
    pub token: Setting<SecretString>,
    /// The gateway.
    pub gateway: Setting<GatewayUrl>,
    /// Where the token is put in the upgrade request.
    pub token_in: TokenIn,
    /// How often refused credentials are tried; 0 is for ever.
    pub auth_attempts: u32,
    /// The operator's name for this version.
    pub version_label: Option<String>,
    /// Files with authorities to trust besides the system's.
    pub ca_files: Vec<Setting<PathBuf>>,
    /// Certificate and key to show to the gateway.
    pub identity: Option<IdentityFiles>,
}

/// Where a client certificate is.
#[derive(Debug, Clone)]
pub struct IdentityFiles {
    /// The PEM file with the chain.
    pub certificate: Setting<PathBuf>,
    /// The PEM file with the key.
    pub key: Setting<PathBuf>,
}

impl Connection {
    /// Takes it from the layers.
    ///
    /// # Errors
    /// What is missing or wrong, named by flag and variable.
    pub fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let flags = &layers.flags;
        let runner_id = layers.text(flags.id.as_deref(), ID)?.ok_or(ConfigError::Missing {
            what: "runner id",
            flag: ID.flag,
            variable: ID.variable,
            hint: "the UUID or name that the gateway shows for this runner",
        })?;
        let given = flags.token.as_ref().map(|token| token.0.expose_secret());
        let token = layers.find(given, TOKEN)?.ok_or(ConfigError::Missing {
            what: "runner token",
            flag: TOKEN.flag,
            variable: TOKEN.variable,
            hint: "rk_…, shown once when the runner is created; the gateway can issue a new one",
        })?;
        let connection = Connection {
            runner_id,
            token,
            gateway: gateway(layers)?,
            token_in: token_in(layers)?,
            auth_attempts: auth_attempts(layers)?,
            version_label: layers.text(None, LABEL)?.map(|label| label.value),
            ca_files: ca_files(layers)?,
            identity: identity(layers)?,
        };
        connection.link()?;
        Ok(connection)
    }

    /// The link's settings.
    ///
    /// # Errors
    /// An id or token that could not be sent.
    pub fn link(&self) -> Result<runner_link::Settings, ConfigError> {
        use runner_link::SettingsError::{RunnerId, Token};
        let Connection { runner_id, token, gateway, .. } = self;
        runner_link::Settings::new(gateway.value.clone(), runner_id.value.clone(), token.value.clone())
            .map(|settings| {
                settings
                    .with_token_in(self.token_in)
                    .with_runtime_version(version::announced(self.version_label.as_deref()))
                    .with_auth_attempts(self.auth_attempts)
            })
            .map_err(|problem| {
                let origin = match problem {
                    RunnerId => runner_id.origin.clone(),
                    Token => token.origin.clone(),
                };
                ConfigError::Invalid { origin, problem: problem.to_string() }
            })
    }

    /// What is odd about the token, if anything. It is still tried: the gateway decides.
    pub fn token_oddity(&self) -> Option<String> {
        let prefix = runner_protocol::headers::TOKEN_PREFIX;
        let is_usual = self.token.value.expose_secret().starts_with(prefix);
        (!is_usual).then(|| {
            format!(
                "{}: a runner token begins with {prefix}; this may be another kind of key",
                self.token.origin
            )
        })
    }

    /// How TLS to the gateway is spoken.
    ///
    /// # Errors
    /// A client certificate that cannot be read or used.
    pub fn tls(&self) -> Result<TlsOptions, ConfigError> {
        let identity = self.identity.as_ref().map(IdentityFiles::load).transpose()?;
        Ok(TlsOptions { identity, ..TlsOptions::default() })
    }
}

/// The dialer that trusts the system's authorities and those in `files`.
///
/// # Errors
/// A file that cannot be read or used.
pub fn dialer(files: &[Setting<PathBuf>]) -> Result<Dialer, ConfigError> {
    let paths: Vec<PathBuf> = files.iter().map(|file| file.value.clone()).collect();
    Roots::load(&paths).map(Dialer::new).map_err(|problem| {
        let (RootsError::Read { path, .. }
        | RootsError::TooLarge { path }
        | RootsError::Content { path, .. }) = &problem;
        let named = files.iter().find(|file| file.value == *path);
        let origin = named.map_or_else(|| "trusted authorities".to_owned(), |file| file.origin.to_string());
        ConfigError::Roots { origin, problem }
    })
}

/// The files with authorities that flags, variables and file name.
///
/// # Errors
/// As [`Layers::find`].
pub fn ca_files(layers: &Layers) -> Result<Vec<Setting<PathBuf>>, ConfigError> {
    let flags = layers.flags.ca_files.iter().map(|path| (path.clone(), Origin::Flag("--ca-file")));
    let own = of_variable(&layers.variables, CA_FILE)?.map(|found| (path_of(&found.value), found.origin));
    let variables = CA_VARIABLES.iter().filter_map(|name| {
        let path = layers.variables.get(name)?;
        Some((PathBuf::from(path), Origin::Variable((*name).to_owned())))
    });
    let file = layers
        .file
        .runner
        .get("ca_file")
        .map(|path| (PathBuf::from(path.expose_secret()), layers.file.origin("runner", "ca_file")));
    let mut found: Vec<Setting<PathBuf>> = Vec::new();
    for (value, origin) in flags.chain(own).chain(variables).chain(file) {
        if !value.as_os_str().is_empty() && found.iter().all(|known| known.value != value) {
            found.push(Setting { value, origin });
        }
    }
    Ok(found)
}

fn gateway(layers: &Layers) -> Result<Setting<GatewayUrl>, ConfigError> {
    let found = layers.text(layers.flags.gateway.as_deref(), GATEWAY)?;
    let Setting { value, origin } = found.unwrap_or_else(|| Setting::default(DEFAULT_GATEWAY_URL.to_owned()));
    let invalid = |problem: String| ConfigError::Invalid { origin: origin.clone(), problem };
    let url = GatewayUrl::parse(&value).map_err(|problem| invalid(problem.to_string()))?;
    if url.exposes_token() && !layers.flags.insecure_gateway {
        return Err(invalid(format!(
            "{url} is not encrypted, and the token would cross the network in clear; use wss://, or --insecure-gateway if that is meant"
        )));
    }
    Ok(Setting { value: url, origin })
}

fn token_in(layers: &Layers) -> Result<TokenIn, ConfigError> {
    let Some(Setting { value, origin }) = layers.text(None, TOKEN_IN)? else { return Ok(TokenIn::Auto) };
    match value.as_str() {
        "header" => Ok(TokenIn::Header),
        "query" => Ok(TokenIn::Query),
        "auto" => Ok(TokenIn::Auto),
        _ => Err(ConfigError::Invalid { origin, problem: "must be header, query or auto".to_owned() }),
    }
}

fn auth_attempts(layers: &Layers) -> Result<u32, ConfigError> {
    let attempts = layers.number(None, AUTH_ATTEMPTS, 0..=u64::from(u32::MAX))?;
    Ok(attempts.and_then(|attempts| u32::try_from(attempts).ok()).unwrap_or(DEFAULT_AUTH_ATTEMPTS))
}

fn identity(layers: &Layers) -> Result<Option<IdentityFiles>, ConfigError> {
    let path =
        |setting: Setting<String>| Setting { value: PathBuf::from(setting.value), origin: setting.origin };
    let certificate = layers.text(layers.flags.client_cert.as_deref(), CLIENT_CERT)?.map(path);
    let key = layers.text(layers.flags.client_key.as_deref(), CLIENT_KEY)?.map(path);
    let missing = |origin: Origin, other: Names| {
        let problem = format!("needs {} or {} as well", other.flag, other.variable);
        Err(ConfigError::Invalid { origin, problem })
    };
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(IdentityFiles { certificate, key })),
        (Some(certificate), None) => missing(certificate.origin, CLIENT_KEY),
        (None, Some(key)) => missing(key.origin, CLIENT_CERT),
    }
}

impl IdentityFiles {
    fn load(&self) -> Result<ClientIdentity, ConfigError> {
        let chain = pem(&self.certificate)?;
        let key = pem(&self.key)?;
        ClientIdentity::from_pem(chain.as_bytes(), key.as_bytes()).map_err(|problem| {
            let file = match problem {
                PemError::NoPrivateKey | PemError::UnusableKey(_) | PemError::KeyMismatch => &self.key,
                _ => &self.certificate,
            };
            ConfigError::Pem { origin: file.origin.clone(), path: file.value.clone(), problem }
        })
    }
}

fn pem(file: &Setting<PathBuf>) -> Result<zeroize::Zeroizing<String>, ConfigError> {
    let path: &Path = &file.value;
    read_bounded(path, MAX_PEM_BYTES).map_err(|error| ConfigError::Invalid {
        origin: file.origin.clone(),
        problem: format!("cannot read {}: {error}", path.display()),
    })
}
