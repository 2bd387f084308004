//! Who logs in to a proxy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::address::ProxyUrlError;

/// RFC 1929 section 2 gives each a byte for its length.
const SOCKS_LIMIT_BYTES: std::ops::RangeInclusive<usize> = 1..=255;

/// A user name and a password. Nothing of it is printed.
#[derive(Debug, Clone)]
pub(super) struct Login {
    user: SecretString,
    password: SecretString,
}

impl Login {
    /// From what stands before the `@` of a URL, percent-encoded; `None` when nothing does.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, ProxyUrlError> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        if user.is_empty() && password.is_empty() {
            return Ok(None);
        }
        let decoded = |text: &str| match percent_decode_str(text).decode_utf8() {
            Ok(text) => Ok(SecretString::from(text.into_owned())),
            Err(_) => Err(ProxyUrlError::LoginNotText),
        };
        let login = Self { user: decoded(user)?, password: decoded(password)? };
        // RFC 7617 section 2: the first colon ends the user's name.
        if login.user().contains(':') { Err(ProxyUrlError::ColonInUser) } else { Ok(Some(login)) }
    }

    pub(super) fn user(&self) -> &str {
        self.user.expose_secret()
    }

    pub(super) fn password(&self) -> &str {
        self.password.expose_secret()
    }

    /// Whether SOCKS5 can carry it.
    pub(super) fn fits_socks(&self) -> bool {
        [self.user(), self.password()].iter().all(|text| SOCKS_LIMIT_BYTES.contains(&text.len()))
    }

    /// The value of `Proxy-Authorization` (RFC 7617).
    pub(super) fn basic(&self) -> Zeroizing<String> {
        let plain = Zeroizing::new(format!("{}:{}", self.user(), self.password()));
        Zeroizing::new(format!("Basic {}", STANDARD.encode(plain.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_percent_decoded_and_never_printed() {
        let login = Login::parse("al%40corp:hunter2%3A%2F%2541").unwrap().unwrap();
        assert_eq!((login.user(), login.password()), ("al@corp", "hunter2:/%41"));
        assert_eq!(&*login.basic(), "Basic YWxAY29ycDpodW50ZXIyOi8lNDE=");
        assert!(!format!("{login:?}").contains("hunter2") && !format!("{login:?}").contains("corp"));
        let login = Login::parse("token").unwrap().unwrap();
        assert_eq!((login.user(), login.password(), login.fits_socks()), ("token", "", false));
        assert!(Login::parse("").unwrap().is_none() && Login::parse(":").unwrap().is_none());
        assert_eq!(Login::parse("a%3Ab:c").err(), Some(ProxyUrlError::ColonInUser));
        assert_eq!(Login::parse("%ff:c").err(), Some(ProxyUrlError::LoginNotText));
    }
}
