//! The URL that a source names.

use std::fmt;

use semilayer_connector::error::misconfigured;
use semilayer_connector::prelude::*;
use semilayer_connector::url::Url;

/// Where a server is. `Debug` leaves a token in the URL out.
pub(crate) struct Location {
    /// With the scheme `http` or `https`.
    pub(crate) url: Url,
    /// A token that stands in the URL, as libSQL's own clients allow.
    token: Option<Secret>,
}

impl Location {
    /// Reads `libsql://`, `wss://` and `https://` (all of them HTTPS) and `ws://` and `http://`. As for libSQL's clients,
    /// `?tls=0` asks for HTTP, on a port that has to be named, and `?authToken=` brings the token.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the setting; the URL itself is not repeated: a token may stand in it.
    pub(crate) fn parse(text: &str) -> Result<Location> {
        let problem = |problem: &str| misconfigured("url", problem);
        let mut url = Url::read("url", text, &["libsql", "https", "http", "wss", "ws"])?;
        if url.user.is_some() || url.password.is_some() {
            return Err(problem("holds a user or a password; libSQL takes a token: set `authToken`"));
        }
        let by_scheme = !matches!(url.scheme.as_str(), "http" | "ws");
        let (mut secure, mut token) = (by_scheme, None);
        for (name, value) in std::mem::take(&mut url.query) {
            match (name.as_str(), value.as_str()) {
                ("tls", "0") => secure = false,
                ("tls", "1") => secure = true,
                ("authToken", text) if !text.is_empty() => token = Some(Secret::from(value)),
                ("tls" | "authToken", _) => {
                    return Err(problem(&format!("has a parameter `{name}` without a usable value")));
                }
                // The name of an unknown one is not repeated: `?` may stand in a token.
                _ => return Err(problem("has a parameter other than `tls` and `authToken`; leave it out")),
            }
        }
        if secure != by_scheme && url.port.is_none() {
            return Err(problem(
                "has a parameter `tls` that is not its scheme's, and no port; name the port",
            ));
        }
        url.scheme = if secure { "https" } else { "http" }.to_owned();
        Ok(Location { url, token })
    }

    /// The token: the setting, or the one in the URL.
    pub(crate) fn token<'t>(&'t self, setting: Option<&'t Secret>) -> Option<&'t str> {
        let set = setting.map(|token| token.expose().trim()).filter(|token| !token.is_empty());
        set.or(self.token.as_ref().map(Secret::expose))
    }

    /// Whether a token can be read on its way: no TLS, and not on this machine either.
    pub(crate) fn is_open_to_others(&self) -> bool {
        let local =
            matches!(self.url.host.as_str(), "localhost" | "::1") || self.url.host.starts_with("127.");
        self.url.scheme == "http" && !local
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Location").field("url", &self.url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_is_one_of_two() {
        for (text, scheme, host, port) in [
            ("libsql://db.turso.io", "https", "db.turso.io", None),
            ("HTTPS://db.turso.io:8443/path/", "https", "db.turso.io", Some(8443)),
            ("wss://db.turso.io", "https", "db.turso.io", None),
            ("http://127.0.0.1:8080", "http", "127.0.0.1", Some(8080)),
            ("ws://[::1]:8080", "http", "::1", Some(8080)),
            ("libsql://localhost:8080?tls=0", "http", "localhost", Some(8080)),
            (" libsql://db.turso.io?tls=1&authToken=a%2Eb ", "https", "db.turso.io", None),
        ] {
            let url = Location::parse(text).unwrap().url;
            assert_eq!((url.scheme.as_str(), url.host.as_str(), url.port), (scheme, host, port), "{text}");
        }
    }

    #[test]
    fn the_setting_wins_over_the_token_in_the_url() {
        let location = Location::parse("libsql://h?authToken=in%2Durl").unwrap();
        assert_eq!(location.token(None), Some("in-url"));
        assert_eq!(location.token(Some(&Secret::from("set"))), Some("set"));
        assert_eq!(location.token(Some(&Secret::from(" "))), Some("in-url"));
        assert!(!format!("{location:?}").contains("in-url"));
    }

    #[test]
    fn a_token_in_clear_is_only_safe_on_this_machine() {
        for (text, open) in
            [("http://db.internal", true), ("http://127.0.0.1:1", false), ("libsql://db.internal", false)]
        {
            assert_eq!(Location::parse(text).unwrap().is_open_to_others(), open, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_it() {
        for (text, part) in [
            ("db.turso.io", "is no URL"),
            ("postgres://hunter2@h", "has to begin with libsql://"),
            ("libsql://u:hunter2@h", "`authToken`"),
            ("libsql://", "no host"),
            ("libsql://h?hunter2=hunter2", "other than `tls` and `authToken`"),
            ("libsql://h?authToken=hunter2%zz", "decoded"),
            ("libsql://h?tls=hunter2", "`tls`"),
            ("libsql://h?tls=0", "name the port"),
            ("http://[::1]?tls=1", "name the port"),
        ] {
            let error = Location::parse(text).unwrap_err();
            assert_eq!(error.code(), ErrorCode::SourceNotConfigured);
            assert!(error.message().contains(part), "{text}: {error}");
            assert!(!error.message().contains("hunter2"), "{error}");
        }
    }
}
