//! A source's URL, taken apart.

use connector_model::nearest::suggestion;

use crate::config::Secret;
use crate::error::{Result, misconfigured};

/// `scheme://user:password@host:port/path?name=value`. User, password and the query are decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// In lower case.
    pub scheme: String,
    /// Who signs in.
    pub user: Option<String>,
    /// With what.
    pub password: Option<Secret>,
    /// A name or an address; an IPv6 address without its brackets.
    pub host: String,
    /// If it is written.
    pub port: Option<u16>,
    /// What follows, from the slash on, as it is written; may be empty.
    pub path: String,
    /// What stands behind the question mark.
    pub query: Vec<(String, String)>,
}

impl Url {
    /// Reads the value of the configuration field of that name; its scheme has to be one of `schemes`.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the field and the part that is wrong, never its text.
    pub fn read(field: &str, text: &str, schemes: &[&str]) -> Result<Url> {
        let text = text.trim();
        let expected =
            || schemes.iter().map(|scheme| format!("{scheme}://")).collect::<Vec<_>>().join(" or ");
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| misconfigured(field, format_args!("is no URL; it begins with {}", expected())))?;
        let scheme = scheme.to_ascii_lowercase();
        if !schemes.contains(&scheme.as_str()) {
            // A text that only looks like a scheme may be a password.
            let hint = suggestion(&scheme, schemes.iter().copied());
            return Err(misconfigured(field, format_args!("has to begin with {}{hint}", expected())));
        }
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.find('/').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
        let (user, password, place) = match authority.rsplit_once('@') {
            None => (None, None, authority),
            Some((who, place)) => {
                let (user, password) =
                    who.split_once(':').map_or((who, None), |(user, password)| (user, Some(password)));
                let part = |part: &str, name: &str| {
                    decoded(part).ok_or_else(|| {
                        misconfigured(
                            field,
                            format_args!("has a {name} that cannot be decoded; write % as %25"),
                        )
                    })
                };
                let user = part(user, "user")?;
                let password = password.map(|password| part(password, "password")).transpose()?;
                (Some(user).filter(|user| !user.is_empty()), password.map(Secret::from), place)
            }
        };
        let (host, port) = match place.strip_prefix('[').and_then(|place| place.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        let port = port.filter(|port| !port.is_empty()).map(str::parse).transpose().map_err(|_| {
            misconfigured(field, "has a port that is no number from 0 to 65535; write @, : and / in a password as %40, %3A and %2F")
        })?;
        if host.is_empty() {
            return Err(misconfigured(field, "names no host"));
        }
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let plus = |text: &str| decoded(&text.replace('+', " "));
            plus(name)
                .zip(plus(value))
                .ok_or_else(|| misconfigured(field, "has a query that cannot be decoded"))
        };
        let query = query.split('&').filter(|text| !text.is_empty()).map(pair).collect::<Result<_>>()?;
        Ok(Url { scheme, user, password, host: host.to_owned(), port, path: path.to_owned(), query })
    }

    /// A value of the query, if it is there.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Percent-encoding undone; `None` where it is broken or no UTF-8.
pub fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |digit: Option<u8>| char::from(digit?).to_digit(16);
        let value = digit(rest.next())? * 16 + digit(rest.next())?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// A text as one segment of a path or one value of a query (RFC 3986: all but the unreserved characters in percent
/// form).
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Url> {
        Url::read("url", text, &["http", "https"])
    }

    #[test]
    fn every_part_is_found() {
        let url = read("HTTP://a%40b:p%3Aw:x@[::1]:81/base/x%20y?db=a+b&tls#f").unwrap();
        assert_eq!((url.scheme.as_str(), url.host.as_str(), url.port), ("http", "::1", Some(81)));
        assert_eq!(url.user.as_deref(), Some("a@b"));
        assert_eq!(url.password.as_ref().map(Secret::expose), Some("p:w:x"));
        assert_eq!(url.path, "/base/x%20y");
        assert_eq!(
            (url.parameter("db"), url.parameter("tls"), url.parameter("x")),
            (Some("a b"), Some(""), None)
        );
        let url = read("https://h").unwrap();
        assert_eq!((url.user, url.password, url.port, url.path.as_str()), (None, None, None, ""));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_text() {
        for (text, part) in [
            ("hunter2", "is no URL"),
            ("hunter2://h", "has to begin with http:// or https://"),
            ("htp://hunter2", "did you mean \"http\""),
            ("http://u:hunter2@", "names no host"),
            ("http://u:hunter2%zz@h", "cannot be decoded"),
            ("http://u:hunter2@h:80000", "a port that is no number"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.message().contains(part) && error.message().contains("`url`"), "{text}: {error}");
            assert!(!error.message().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        let text = "a/b c?ü&=%+~";
        assert_eq!(decoded(&encoded(text)).as_deref(), Some(text));
        assert_eq!(encoded("a/ü"), "a%2F%C3%BC");
    }
}
