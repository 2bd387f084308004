//! A connection URL, as people write it: passwords hold `@`, `:`, `/` and `%` without being encoded.

use connector_model::error::{Error, Result};

use super::unsupported::{bare, refuse};

/// What a URL says. Nothing of it is printed.
#[derive(Default)]
pub(super) struct Url {
    /// The authority behind the login: `host`, `host:port`, `host\instance`.
    pub(super) place: Option<String>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: Option<String>,
    parameters: Vec<(String, String)>,
}

impl Url {
    /// Parses `mssql://user:password@host:port/database?name=value`, or `sqlserver://` the same.
    pub(super) fn parse(text: &str) -> Result<Url> {
        let schemes = ["mssql://", "sqlserver://"];
        let Some(rest) = schemes.iter().find_map(|scheme| text.trim().strip_prefix(scheme)) else {
            return Err(Error::config("url", "must begin with mssql:// or sqlserver://"));
        };
        let (login, place) = split_login(rest);
        let (place, query) = place.split_once('?').unwrap_or((place, ""));
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
            Some((user, password)) => (decoded(user), decoded(password)),
            None => (String::new(), String::new()),
        };
        let set = |text: String| (!text.is_empty()).then_some(text);
        let parameters = query.split('&').filter_map(|pair| pair.split_once('='));
        let parameters: Vec<(String, String)> =
            parameters.map(|(name, value)| (decoded(name), decoded(value))).collect();
        for (at, (name, value)) in parameters.iter().enumerate() {
            refuse(&bare(name), value)?;
            if parameters.iter().take(at).any(|(earlier, _)| earlier.eq_ignore_ascii_case(name)) {
                return Err(Error::config("url", "says one of its parameters more than once; leave one"));
            }
        }
        Ok(Url {
            place: set(decoded(authority)),
            user: set(user),
            password: set(password),
            database: set(decoded(path)),
            parameters,
        })
    }

    /// A parameter's value; names are compared without regard to case, as Microsoft's own libraries do.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        parameters.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Splits the login from the rest: at the first `@` behind which a place can stand, so that a password may hold `@`
/// and what else URLs are made of.
fn split_login(rest: &str) -> (Option<&str>, &str) {
    rest.match_indices('@')
        .filter_map(|(at, _)| Some((rest.get(..at)?, rest.get(at + 1..)?)))
        .find(|(_, tail)| is_place(tail))
        .map_or((None, rest), |(login, place)| (Some(login), place))
}

/// Whether this reads as `host:port/database?name=value`; a further `@` may stand in a parameter's value only.
fn is_place(tail: &str) -> bool {
    let (place, query) = tail.split_once('?').unwrap_or((tail, ""));
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric());
    !path.contains('@')
        && authority.chars().all(|c| c.is_alphanumeric() || ".-_:[],%\\$".contains(c))
        && query
            .split('&')
            .all(|pair| !pair.contains('@') || pair.split_once('=').is_some_and(|(name, _)| is_name(name)))
}

/// Percent-decoding (RFC 3986, section 2.1); a `%` without two hex digits stands for itself.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = |byte: &u8| char::from(*byte).to_digit(16);
        let pair = match (byte, tail) {
            (b'%', [high, low, ..]) => hex(high).zip(hex(low)),
            _ => None,
        };
        match pair.and_then(|(high, low)| u8::try_from(high << 4 | low).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_hold_any_character() {
        for (raw, expected) in
            [("p@ss", "p@ss"), ("p@:/%w", "p@:/%w"), ("p%40ss", "p@ss"), ("p@ss:/w%rd#?&=", "p@ss:/w%rd#?&=")]
        {
            let url = Url::parse(&format!("mssql://sa:{raw}@db.example:1433/app?encrypt=true")).unwrap();
            assert_eq!(url.password.as_deref(), Some(expected));
            assert_eq!(
                (url.place.as_deref(), url.database.as_deref()),
                (Some("db.example:1433"), Some("app"))
            );
        }
    }

    #[test]
    fn parameters_have_no_case() {
        let url = Url::parse("sqlserver://sa:x@h\\SQLEXPRESS/d?TrustServerCertificate=true").unwrap();
        assert_eq!(url.parameter("trustservercertificate"), Some("true"));
        assert_eq!(url.place.as_deref(), Some("h\\SQLEXPRESS"));
    }

    #[test]
    fn what_is_not_supported_or_said_twice_is_refused() {
        for query in
            ["authentication=ActiveDirectoryDefault", "failoverPartner=x", "encrypt=true&Encrypt=false"]
        {
            assert!(Url::parse(&format!("mssql://sa:x@h/d?{query}")).is_err(), "{query}");
        }
        assert!(Url::parse("mssql://sa:x@h/d?authentication=SqlPassword&encrypt=true").is_ok());
    }
}
