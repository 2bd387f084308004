//! Who this runner is and how it shows that to the gateway.

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::GatewayUrl;

/// How often refused credentials are tried before the runner gives up.
pub const DEFAULT_AUTH_ATTEMPTS: u32 = 10;

/// The hosted gateway reads credentials from the query string.
const HOSTED_DOMAIN: &str = "semilayer.com";

/// Longest runner id or name, in bytes.
const MAX_RUNNER_ID_BYTES: usize = 256;

/// Where the token is put in the upgrade request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum TokenIn {
    /// `Authorization: Bearer`.
    Header,
    /// The query string.
    Query,
    /// The query string for hosts under `semilayer.com`, which documents no other way; else the header.
    #[default]
    Auto,
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// No id, or one that cannot stand in a header.
    #[error("the runner id must be 1 to {MAX_RUNNER_ID_BYTES} printable ASCII characters")]
    RunnerId,
    /// A token that cannot stand in a header.
    #[error("the token has characters that no token has (spaces, line breaks or other than ASCII)")]
    Token,
}

/// Everything a session needs to know about this runner. The token is never printed.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(crate) gateway: GatewayUrl,
    pub(crate) runner_id: String,
    pub(crate) token: SecretString,
    pub(crate) token_in: TokenIn,
    pub(crate) runtime_version: String,
    pub(crate) auth_attempts: u32,
    pub(crate) seed: Option<u64>,
}

impl Settings {
    /// Settings with [`TokenIn::Auto`], [`DEFAULT_AUTH_ATTEMPTS`] and no version.
    ///
    /// # Errors
    /// An id or token that could not be sent.
    pub fn new(
        gateway: GatewayUrl,
        runner_id: impl Into<String>,
        token: SecretString,
    ) -> Result<Self, SettingsError> {
        let runner_id = runner_id.into();
        let sendable = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if runner_id.is_empty() || runner_id.len() > MAX_RUNNER_ID_BYTES || !sendable(&runner_id) {
            return Err(SettingsError::RunnerId);
        }
        let secret = token.expose_secret();
        if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SettingsError::Token);
        }
        Ok(Self {
            gateway,
            runner_id,
            token,
            token_in: TokenIn::Auto,
            runtime_version: String::new(),
            auth_attempts: DEFAULT_AUTH_ATTEMPTS,
            seed: None,
        })
    }

    /// Where the token is put.
    #[must_use]
    pub fn with_token_in(mut self, token_in: TokenIn) -> Self {
        self.token_in = token_in;
        self
    }

    /// The version told to the gateway.
    #[must_use]
    pub fn with_runtime_version(mut self, version: impl Into<String>) -> Self {
        self.runtime_version = version.into();
        self
    }

    /// How often refused credentials are tried before giving up; 0 is for ever.
    #[must_use]
    pub fn with_auth_attempts(mut self, attempts: u32) -> Self {
        self.auth_attempts = attempts;
        self
    }

    /// Makes the waits between attempts repeatable. Without a seed they differ in every process, which is
    /// what keeps a thousand runners from returning at the same moment.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Where the gateway is.
    #[must_use]
    pub fn gateway(&self) -> &GatewayUrl {
        &self.gateway
    }

    /// The runner's id or name.
    #[must_use]
    pub fn runner_id(&self) -> &str {
        &self.runner_id
    }

    /// Whether the token goes into the query string.
    pub(crate) fn token_in_query(&self) -> bool {
        match self.token_in {
            TokenIn::Query => true,
            TokenIn::Header => false,
            TokenIn::Auto => {
                let host = self.gateway.host().trim_end_matches('.').to_ascii_lowercase();
                host == HOSTED_DOMAIN
                    || host.strip_suffix(HOSTED_DOMAIN).is_some_and(|rest| rest.ends_with('.'))
            }
        }
    }

    /// The value of the `Authorization` header, marked so that it is not printed.
    pub(crate) fn bearer(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.token.expose_secret())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> Settings {
        Settings::new(GatewayUrl::parse(url).unwrap(), "r", "rk_secret".into()).unwrap()
    }

    #[test]
    fn only_the_hosted_domain_gets_the_token_in_its_query() {
        for hosted in ["wss://runner.semilayer.com/connect", "wss://semilayer.com", "wss://A.SEMILAYER.COM."]
        {
            assert!(settings(hosted).token_in_query(), "{hosted}");
        }
        for own in ["wss://gateway.example.com", "wss://notsemilayer.com", "wss://semilayer.com.evil.example"]
        {
            assert!(!settings(own).token_in_query(), "{own}");
        }
        let forced = settings("wss://gateway.example.com").with_token_in(TokenIn::Query);
        assert!(forced.token_in_query());
    }

    #[test]
    fn nothing_that_would_break_a_header_is_accepted() {
        let url = || GatewayUrl::parse("wss://g").unwrap();
        for id in ["", "a\r\nX: y", "ü", &"a".repeat(300)] {
            assert_eq!(Settings::new(url(), id, "rk_x".into()).err(), Some(SettingsError::RunnerId));
        }
        for token in ["", "rk_ x", "rk_\n", "rk_ü"] {
            assert_eq!(Settings::new(url(), "r", token.into()).err(), Some(SettingsError::Token));
        }
    }

    #[test]
    fn the_token_is_never_printed() {
        let settings = settings("wss://g");
        assert!(!format!("{settings:?}").contains("rk_secret"));
        assert!(!format!("{:?}", settings.bearer().unwrap()).contains("rk_secret"));
    }
}
