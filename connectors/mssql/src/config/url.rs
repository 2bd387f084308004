//! A connection URL, as people write it: passwords hold `@`, `:`, `/` and `%` without being encoded.

use connector_model::error::{Error, Result};
use connector_model::url::ConnectionUrl;

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
        let url =
            ConnectionUrl::parse(text).filter(|url| ["mssql", "sqlserver"].contains(&url.scheme.as_str()));
        let Some(ConnectionUrl { user, password, authority, path, parameters, .. }) = url else {
            return Err(Error::config("url", "must begin with mssql:// or sqlserver://"));
        };
        for (at, (name, value)) in parameters.iter().enumerate() {
            refuse(&bare(name), value)?;
            if parameters.iter().take(at).any(|(earlier, _)| earlier.eq_ignore_ascii_case(name)) {
                return Err(Error::config("url", "says one of its parameters more than once; leave one"));
            }
        }
        Ok(Url {
            place: (!authority.is_empty()).then_some(authority),
            user,
            password,
            database: path,
            parameters,
        })
    }

    /// A parameter's value; names are compared without regard to case, as Microsoft's own libraries do.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        parameters.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
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
