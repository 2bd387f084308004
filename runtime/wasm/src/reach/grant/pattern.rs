//! The text form of what a manifest asks for.

use std::fmt;

use super::endpoint::port_number;
use super::host::{Host, NoHost};

/// The longest pattern, in bytes: a name of full length and a port fit.
const MAX_PATTERN: usize = 300;

/// One entry of a manifest's `egress`: `{host}:{port}`, `{url}`, `{url}:8123` (the port when the URL has none),
/// `{url}:8123|8443` (the same, the second with TLS),
/// `{account}.example.com:443`, `*.example.com:443`, `api.example.com:443`, `[2001:db8::1]:443`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: String,
    pub(super) host: HostPattern,
    pub(super) port: PortPattern,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HostPattern {
    /// What that field's value names: a URL's host, or the value itself.
    Field(String),
    /// A name in which fields stand for parts.
    Template(Vec<Part>),
    /// Every name that ends so; the dot is included.
    Suffix(String),
    Exact(Host),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    Field(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PortPattern {
    /// Only with [`HostPattern::Field`]: the URL says it.
    Absent,
    Number(u16),
    /// One where the configuration asks for TLS, and one where it does not.
    Tls {
        plain: u16,
        tls: u16,
    },
    Field(String),
}

/// A pattern that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("egress `{pattern}`: {fault}")]
pub(crate) struct EgressError {
    /// The pattern as it stands in the manifest, shortened and without control characters.
    pub(crate) pattern: String,
    /// What is wrong.
    pub(crate) fault: EgressFault,
}

/// What is wrong with an egress pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EgressFault {
    /// Longer than a host and a port can be.
    #[error("it is longer than a host and a port can be")]
    TooLong,
    /// More patterns than a manifest may have.
    #[error("it is one too many: a manifest has at most {0}")]
    TooMany(usize),
    /// Braces that do not belong together.
    #[error("a field is written {{name}}")]
    Braces,
    /// A field that the manifest does not have.
    #[error("the manifest has no field `{0}`")]
    UnknownField(String),
    /// A port is missing where no URL can say it.
    #[error("it needs a port, as in example.com:443")]
    NoPort,
    /// The port is no number from 1 to 65535.
    #[error("the port must be a number from 1 to 65535, or a field")]
    Port,
    /// A `*` anywhere but as the whole first label, or together with a field.
    #[error("a * may only stand for the first labels, as in *.example.com:443")]
    Wildcard,
    /// The host is none.
    #[error("the host cannot be used: {0}")]
    Host(String),
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Pattern, EgressError> {
        parsed(text).map_err(|fault| EgressError { pattern: crate::log::shown(text, MAX_PATTERN), fault })
    }

    /// The names of the fields in it.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        let host: Vec<&str> = match &self.host {
            HostPattern::Field(name) => vec![name],
            HostPattern::Template(parts) => parts.iter().filter_map(Part::field).collect(),
            HostPattern::Suffix(_) | HostPattern::Exact(_) => Vec::new(),
        };
        let port = match &self.port {
            PortPattern::Field(name) => Some(name.as_str()),
            PortPattern::Absent | PortPattern::Number(_) | PortPattern::Tls { .. } => None,
        };
        host.into_iter().chain(port)
    }
}

impl Part {
    fn field(&self) -> Option<&str> {
        match self {
            Part::Field(name) => Some(name),
            Part::Literal(_) => None,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn parsed(text: &str) -> Result<Pattern, EgressFault> {
    if text.len() > MAX_PATTERN {
        return Err(EgressFault::TooLong);
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let host = host_pattern(host)?;
    let port = match port {
        Some(port) => port_pattern(port)?,
        None if matches!(host, HostPattern::Field(_)) => PortPattern::Absent,
        None => return Err(EgressFault::NoPort),
    };
    Ok(Pattern { text: text.to_owned(), host, port })
}

fn port_pattern(text: &str) -> Result<PortPattern, EgressFault> {
    match parts(text)?.as_slice() {
        [Part::Field(name)] => Ok(PortPattern::Field(name.clone())),
        [Part::Literal(text)] => {
            let number = |digits| port_number(digits).ok_or(EgressFault::Port);
            match text.split_once('|') {
                None => number(text).map(PortPattern::Number),
                Some((plain, tls)) => Ok(PortPattern::Tls { plain: number(plain)?, tls: number(tls)? }),
            }
        }
        _ => Err(EgressFault::Port),
    }
}

fn host_pattern(text: &str) -> Result<HostPattern, EgressFault> {
    let parts = parts(text)?;
    if let [Part::Field(name)] = parts.as_slice() {
        return Ok(HostPattern::Field(name.clone()));
    }
    let no_host = |fault: NoHost| EgressFault::Host(fault.to_string());
    if parts.iter().any(|part| part.field().is_some()) {
        if text.contains('*') {
            return Err(EgressFault::Wildcard);
        }
        // Whatever a field's value is, what stands around it has to be able to be a name's part.
        let filled: String = parts
            .iter()
            .map(|part| match part {
                Part::Literal(literal) => literal.as_str(),
                Part::Field(_) => "x",
            })
            .collect();
        return match Host::parse(&filled).map_err(no_host)? {
            Host::Name(_) => Ok(HostPattern::Template(parts)),
            Host::Address(_) => Err(no_host(NoHost::Characters)),
        };
    }
    if let Some(suffix) = text.strip_prefix("*.") {
        return match Host::parse(suffix) {
            Ok(Host::Name(name)) => Ok(HostPattern::Suffix(format!(".{name}"))),
            _ => Err(EgressFault::Wildcard),
        };
    }
    if text.contains('*') {
        return Err(EgressFault::Wildcard);
    }
    Host::parse(text).map(HostPattern::Exact).map_err(no_host)
}

/// Splits at braces.
fn parts(text: &str) -> Result<Vec<Part>, EgressFault> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((literal, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or(EgressFault::Braces)?;
        if name.is_empty() || name.contains('{') || literal.contains('}') {
            return Err(EgressFault::Braces);
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.to_owned()));
        }
        parts.push(Part::Field(name.to_owned()));
        rest = after;
    }
    if rest.contains('}') {
        return Err(EgressFault::Braces);
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(Part::Literal(rest.to_owned()));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(text: &str) -> EgressFault {
        Pattern::parse(text).unwrap_err().fault
    }

    #[test]
    fn every_form_is_understood() {
        let field = |name: &str| HostPattern::Field(name.to_owned());
        let cases = [
            ("{url}", field("url"), PortPattern::Absent),
            ("{url}:8123", field("url"), PortPattern::Number(8123)),
            ("{url}:8123|8443", field("url"), PortPattern::Tls { plain: 8123, tls: 8443 }),
            ("{host}:{port}", field("host"), PortPattern::Field("port".to_owned())),
            ("{db.host}:{db.port}", field("db.host"), PortPattern::Field("db.port".to_owned())),
            ("*.Example.com:443", HostPattern::Suffix(".example.com".to_owned()), PortPattern::Number(443)),
            (
                "API.example.com.:443",
                HostPattern::Exact(Host::Name("api.example.com".to_owned())),
                PortPattern::Number(443),
            ),
            (
                "[2001:db8::1]:443",
                HostPattern::Exact(Host::Address("2001:db8::1".parse().unwrap())),
                PortPattern::Number(443),
            ),
            (
                "{account}.example.com:443",
                HostPattern::Template(vec![
                    Part::Field("account".to_owned()),
                    Part::Literal(".example.com".to_owned()),
                ]),
                PortPattern::Number(443),
            ),
        ];
        for (text, host, port) in cases {
            let pattern = Pattern::parse(text).unwrap();
            assert_eq!((&pattern.host, &pattern.port), (&host, &port), "{text}");
            assert_eq!(pattern.to_string(), text);
        }
        let names = Pattern::parse("a-{x}-{y}.example:{z}").unwrap();
        assert_eq!(names.fields().collect::<Vec<_>>(), ["x", "y", "z"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(fault("example.com"), EgressFault::NoPort);
        assert_eq!(fault("[::1]"), EgressFault::NoPort);
        assert_eq!(fault("*:443"), EgressFault::Wildcard);
        assert_eq!(fault("*.*.example.com:443"), EgressFault::Wildcard);
        assert_eq!(fault("a*.example.com:443"), EgressFault::Wildcard);
        assert_eq!(fault("*.{host}:443"), EgressFault::Wildcard);
        assert_eq!(fault("*.10.0.0.5:443"), EgressFault::Wildcard);
        assert_eq!(fault("example.com:0"), EgressFault::Port);
        assert_eq!(fault("example.com:https"), EgressFault::Port);
        assert_eq!(fault("{url}:1|"), EgressFault::Port);
        assert_eq!(fault("{url}:1|2|3"), EgressFault::Port);
        assert_eq!(fault("example.com:44{port}"), EgressFault::Port);
        assert_eq!(fault("example.com:"), EgressFault::Port);
        assert_eq!(fault("{host:{port}"), EgressFault::Braces);
        assert_eq!(fault("host}:1"), EgressFault::Braces);
        assert_eq!(fault("{}:1"), EgressFault::Braces);
        assert_eq!(fault(&"a".repeat(400)), EgressFault::TooLong);
        assert!(matches!(fault(":443"), EgressFault::Host(_)));
        assert!(matches!(fault("0x7f.1:443"), EgressFault::Host(_)));
        assert!(matches!(fault("https://example.com:443"), EgressFault::Host(_)));
        assert!(matches!(fault("{a}/b:443"), EgressFault::Host(_)));
        assert_eq!(
            Pattern::parse("example.com").unwrap_err().to_string(),
            "egress `example.com`: it needs a port, as in example.com:443"
        );
    }

    proptest! {
        #[test]
        fn no_text_does_any_harm(text in "\\PC{0,60}|[{}*.:a-z0-9\\[\\]]{0,40}") {
            if let Ok(pattern) = Pattern::parse(&text) {
                prop_assert_eq!(pattern.to_string(), text);
            }
        }
    }
}
