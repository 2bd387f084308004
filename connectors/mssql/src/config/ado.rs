//! A connection string of .NET's kind: `Server=tcp:host,1433;Database=app;User ID=sa;Password=…`.

use connector_model::error::{Error, Result};

use super::unsupported::{bare, refuse};

/// What a connection string says, each under the name that this driver gives it. Nothing of it is printed.
#[derive(Default)]
pub(super) struct ConnectionString(Vec<(&'static str, String)>);

/// The names of SqlClient's keywords, in lower case and without blanks, and what they are here.
const KEYWORDS: [(&str, &str); 19] = [
    ("server", "server"),
    ("datasource", "server"),
    ("address", "server"),
    ("addr", "server"),
    ("networkaddress", "server"),
    ("database", "database"),
    ("initialcatalog", "database"),
    ("userid", "user"),
    ("user", "user"),
    ("uid", "user"),
    ("password", "password"),
    ("pwd", "password"),
    ("encrypt", "encrypt"),
    ("trustservercertificate", "trustServerCertificate"),
    ("connecttimeout", "connectTimeout"),
    ("connectiontimeout", "connectTimeout"),
    ("timeout", "connectTimeout"),
    ("applicationintent", "applicationIntent"),
    ("hostnameincertificate", "hostNameInCertificate"),
];

impl ConnectionString {
    /// Whether the text is of this kind rather than a URL.
    pub(super) fn is_one(text: &str) -> bool {
        !text.contains("://") && text.contains('=')
    }

    /// Reads `name=value` pairs between semicolons; a value in quotes or braces may hold semicolons. Keywords that
    /// say nothing about where and how to connect are passed over.
    pub(super) fn parse(text: &str) -> Result<ConnectionString> {
        let mut found = Vec::new();
        let mut rest = text;
        while !rest.trim_matches([';', ' ']).is_empty() {
            let trimmed = rest.trim_start_matches([';', ' ']);
            let Some((name, tail)) = trimmed.split_once('=') else {
                return Err(Error::config(
                    "url",
                    "is no URL, and as a connection string has a part without `=`",
                ));
            };
            let (value, tail) = value(tail.trim_start())?;
            rest = tail;
            let bare = bare(name);
            refuse(&bare, &value)?;
            if let Some((_, meaning)) = KEYWORDS.iter().find(|(keyword, _)| *keyword == bare) {
                if found.iter().any(|(known, _)| known == meaning) {
                    // Microsoft's libraries differ in which of them counts.
                    let problem =
                        format_args!("says `{bare}`, or another word for it, more than once; leave one");
                    return Err(Error::config("url", problem));
                }
                found.push((*meaning, value));
            }
        }
        Ok(ConnectionString(found))
    }

    /// The value under one of this driver's names.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// One value and what follows it.
fn value(text: &str) -> Result<(String, &str)> {
    let closing = match text.chars().next() {
        Some(quote @ ('"' | '\'')) => quote,
        Some('{') => '}',
        _ => {
            let (value, rest) = text.split_once(';').unwrap_or((text, ""));
            return Ok((value.trim_end().to_owned(), rest));
        }
    };
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != closing {
            value.push(character);
        } else if characters.next_if(|(_, next)| *next == closing).is_some() {
            value.push(closing);
        } else {
            let rest = text.get(at + closing.len_utf8()..).unwrap_or_default();
            return Ok((value, rest));
        }
    }
    Err(Error::config("url", "has a value whose quote does not end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_have_synonyms_and_values_may_be_quoted() {
        let text = "Data Source=tcp:h.example,1444;Initial Catalog=app; User ID = sa ;PWD=\"a;b\"\"c\";Encrypt=Mandatory;MARS=x";
        let read = ConnectionString::parse(text).unwrap();
        assert_eq!(read.get("server"), Some("tcp:h.example,1444"));
        assert_eq!((read.get("database"), read.get("user")), (Some("app"), Some("sa")));
        assert_eq!((read.get("password"), read.get("encrypt")), (Some("a;b\"c"), Some("Mandatory")));
    }

    #[test]
    fn windows_authentication_is_refused_by_name() {
        let error = ConnectionString::parse("Server=h;Integrated Security=SSPI").err().unwrap();
        assert!(error.message().contains("Windows"));
        assert!(ConnectionString::parse("Server=h;Password=\"x").is_err());
        assert!(ConnectionString::parse("Server=h;nonsense").is_err());
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name_unless_it_asks_for_nothing() {
        for (text, named) in [
            ("Authentication=Active Directory Default", "`Authentication`"),
            ("Server Certificate=/a.cer", "`ServerCertificate`"),
            ("Failover Partner=other", "`Failover Partner`"),
            ("Column Encryption Setting=Enabled", "`Column Encryption Setting`"),
            ("Server=h;Data Source=secret-other", "`datasource`"),
            ("Password=secret-one;PWD=secret-two", "`pwd`"),
        ] {
            let error = ConnectionString::parse(text).err().unwrap();
            assert!(error.message().contains(named), "{error}");

            assert!(!error.message().contains("secret"), "{error}");
        }
        for text in
            ["Authentication=Sql Password", "Failover Partner=", "Integrated Security=False", "App=a;App=b"]
        {
            ConnectionString::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }
}
