//! The many ways in which people ask for TLS, as one of five modes.

use connector_model::config::Config;
use connector_model::error::{Error, Result};

use super::Product;
use super::url::Url;

/// How TLS is wanted; the names are libpq's, which other sources of the runner use too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SslMode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl SslMode {
    const fn name(self) -> &'static str {
        match self {
            SslMode::Disable => "disable",
            SslMode::Prefer => "prefer",
            SslMode::Require => "require",
            SslMode::VerifyCa => "verify-ca",
            SslMode::VerifyFull => "verify-full",
        }
    }
}

/// The `sslrootcert` that stands for the machine's own authorities, as for libpq.
pub(super) const SYSTEM: &str = "system";

/// What a URL says of TLS.
#[derive(Default)]
pub(super) struct TlsParameters {
    mode: Option<SslMode>,
    pub(super) authority: Option<String>,
    pub(super) certificate: Option<String>,
    pub(super) key: Option<String>,
}

impl TlsParameters {
    /// Reads the parameters of MySQL's own clients and of the drivers whose URLs are pasted most. One that speaks of
    /// TLS and is not understood is an error: ignoring it could mean less protection than was asked for.
    pub(super) fn read(url: &Url) -> Result<TlsParameters> {
        let mut found = TlsParameters::default();
        for (name, value) in url.parameters() {
            match name.as_str() {
                "sslmode" => found.mode = Some(mode(value).ok_or_else(|| unknown_mode("url"))?),
                // mysql2 and many others: a flag, or an object that may switch the check off.
                "ssl" => found.mode = Some(flag_or_object(value)?),
                "usessl" | "requiressl" => found.mode = Some(flag(value, SslMode::Require)?),
                // Prisma.
                "sslaccept" => {
                    found.mode = Some(match value {
                        "strict" => SslMode::VerifyFull,
                        "accept_invalid_certs" => SslMode::Require,
                        _ => {
                            return Err(Error::config(
                                "url",
                                "`sslaccept` must be strict or accept_invalid_certs",
                            ));
                        }
                    });
                }
                // Go.
                "tls" => {
                    found.mode = Some(match value {
                        "skip-verify" => SslMode::Require,
                        "preferred" => SslMode::Prefer,
                        _ => flag(value, SslMode::VerifyFull)?,
                    });
                }
                "sslrootcert" | "sslca" => found.authority = Some(value.to_owned()),
                "sslcert" => found.certificate = Some(value.to_owned()),
                "sslkey" => found.key = Some(value.to_owned()),
                _ if name.contains("ssl") || name.contains("tls") || name.contains("verify") => {
                    return Err(Error::config(
                        "url",
                        format_args!("its parameter `{name}` is not supported"),
                    ));
                }
                _ => {}
            }
        }
        Ok(found)
    }
}

/// MySQL's names, and libpq's.
fn mode(text: &str) -> Option<SslMode> {
    Some(match text.to_ascii_lowercase().replace('_', "-").as_str() {
        "disable" | "disabled" | "false" | "0" => SslMode::Disable,
        "prefer" | "preferred" => SslMode::Prefer,
        "require" | "required" => SslMode::Require,
        "verify-ca" => SslMode::VerifyCa,
        "verify-full" | "verify-identity" | "true" | "1" => SslMode::VerifyFull,
        _ => return None,
    })
}

fn unknown_mode(setting: &str) -> Error {
    Error::config(setting, "the TLS mode must be disable, prefer, require, verify-ca or verify-full")
}

fn flag(text: &str, yes: SslMode) -> Result<SslMode> {
    match text {
        "true" | "1" => Ok(yes),
        "false" | "0" => Ok(SslMode::Disable),
        _ => Err(Error::config("url", "what it says of TLS must be true or false")),
    }
}

fn flag_or_object(text: &str) -> Result<SslMode> {
    let spaceless: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    match spaceless.as_str() {
        "{}" | "{\"rejectUnauthorized\":true}" => Ok(SslMode::VerifyFull),
        "{\"rejectUnauthorized\":false}" => Ok(SslMode::Require),
        _ if spaceless.starts_with('{') => {
            Err(Error::config("url", "its `ssl` may only say {\"rejectUnauthorized\":true} or false"))
        }
        _ => mode(text).ok_or_else(|| unknown_mode("url")),
    }
}

/// The mode that fields, URL and product come to. Public authorities vouch for anybody under some name: to trust them
/// is to check the name.
pub(super) fn ssl_mode(
    config: &Config,
    url: &TlsParameters,
    product: Product,
    authority: Option<&str>,
) -> Result<SslMode> {
    let usual = if product == Product::PlanetScale { SslMode::VerifyFull } else { SslMode::Prefer };
    if authority != Some(SYSTEM) {
        return asked_for(config, url, usual);
    }
    match asked_for(config, url, SslMode::VerifyFull)? {
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

fn asked_for(config: &Config, url: &TlsParameters, usual: SslMode) -> Result<SslMode> {
    let named = match config.text("sslmode").filter(|text| !text.is_empty()) {
        Some(text) => Some(mode(text).ok_or_else(|| unknown_mode("sslmode"))?),
        None => url.mode,
    };
    match (config.flag("ssl"), named) {
        (None, named) => Ok(named.unwrap_or(usual)),
        (Some(true), None) => Ok(SslMode::VerifyFull),
        (Some(false), None | Some(SslMode::Disable)) => Ok(SslMode::Disable),
        (Some(false), Some(SslMode::Prefer)) => Ok(SslMode::Prefer),
        (Some(false), Some(_)) => {
            Err(Error::config("ssl", "is false, but `sslmode` asks for TLS; remove one of them"))
        }
        (Some(true), Some(SslMode::Disable)) => {
            Err(Error::config("ssl", "is true, but `sslmode` forbids TLS; remove one of them"))
        }
        // Both may be set: the mode says how, the flag only that.
        (Some(true), Some(SslMode::Prefer)) => Ok(SslMode::Require),
        (Some(true), Some(mode)) => Ok(mode),
    }
}
