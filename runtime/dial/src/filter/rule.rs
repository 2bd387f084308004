//! The text form of what is allowed.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use super::network::Network;
use super::reserved::canonical;
use crate::destination::{Destination, normalise};

/// One thing that is allowed: `host`, `host:port`, `*.suffix`, `*.suffix:port`, an address
/// (`10.0.0.5`, `10.0.0.5:5432`, `::1`, `[::1]:5432`) or a network (`10.0.0.0/8`).
///
/// `*.suffix` means every name below the suffix, not the suffix itself. Without a port, every port is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowRule {
    subject: Subject,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    /// A host's exact name.
    Name(String),
    /// What a host's name ends with, its first dot included.
    Suffix(String),
    /// An address or a range of them.
    Network(Network),
}

impl AllowRule {
    /// The rule that names this host and port and nothing else.
    ///
    /// # Errors
    /// [`RuleError`] for a host that can be no name.
    pub fn exactly(destination: &Destination) -> Result<Self, RuleError> {
        let subject = match destination.literal() {
            Some(address) => Subject::Network(Network::single(canonical(address))),
            None => match parse_name(destination.host()) {
                Ok(subject @ Subject::Name(_)) => subject,
                Ok(_) => return Err(fault(destination.host(), RuleFault::Wildcard)),
                Err(found) => return Err(fault(destination.host(), found)),
            },
        };
        Ok(Self { subject, port: Some(destination.port()) })
    }

    pub(super) const fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(super) fn has_port(&self, port: u16) -> bool {
        self.port.is_none_or(|only| only == port)
    }

    /// Whether this is a rule about names, and `host` (normalised) is one of them.
    pub(super) fn names_host(&self, host: &str) -> bool {
        match &self.subject {
            Subject::Name(name) => name == host,
            Subject::Suffix(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
            Subject::Network(_) => false,
        }
    }
}

impl fmt::Display for AllowRule {
    /// In the form in which it is parsed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.subject, self.port) {
            (Subject::Name(name), None) => f.write_str(name),
            (Subject::Name(name), Some(port)) => write!(f, "{name}:{port}"),
            (Subject::Suffix(suffix), None) => write!(f, "*{suffix}"),
            (Subject::Suffix(suffix), Some(port)) => write!(f, "*{suffix}:{port}"),
            (Subject::Network(network), None) => write!(f, "{network}"),
            (Subject::Network(network), Some(port)) => {
                write!(f, "{}", SocketAddr::new(network.lowest(), port))
            }
        }
    }
}

/// A rule that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{rule}` is not an allow rule: {fault}")]
pub struct RuleError {
    /// The rule as written.
    pub rule: String,
    /// What is wrong with it.
    pub fault: RuleFault,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleFault {
    /// Nothing there.
    Empty,
    /// The port is no number from 1 to 65535.
    Port,
    /// What follows the slash is no prefix length of the address before it.
    Prefix,
    /// The address before the slash is not the network's first.
    HostBits {
        /// The network as it should be written.
        suggestion: String,
    },
    /// A `*` anywhere but as the whole first label.
    Wildcard,
    /// A character that no host name has (a URL, perhaps).
    Host,
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::Port => f.write_str("the port must be a number from 1 to 65535"),
            Self::Prefix => f.write_str("the prefix length after the slash does not fit the address"),
            Self::HostBits { suggestion } => write!(f, "the network is written {suggestion}"),
            Self::Wildcard => f.write_str("a * may only stand for the first labels, as in *.example.com"),
            Self::Host => {
                f.write_str("expected host, host:port, *.suffix, an address or a network like 10.0.0.0/8")
            }
        }
    }
}

impl FromStr for AllowRule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text.trim()).map_err(|found| fault(text.trim(), found))
    }
}

fn fault(rule: &str, fault: RuleFault) -> RuleError {
    RuleError { rule: crate::tls::printable(rule), fault }
}

fn parse(text: &str) -> Result<AllowRule, RuleFault> {
    if text.is_empty() {
        return Err(RuleFault::Empty);
    }
    if let Some((address, prefix)) = text.split_once('/') {
        let network = parse_network(address, prefix)?;
        return Ok(AllowRule { subject: Subject::Network(network), port: None });
    }
    // A bare IPv6 address has colons of its own, so it comes before the search for a port.
    if let Some(address) = parse_address(text) {
        return Ok(AllowRule { subject: Subject::Network(Network::single(address)), port: None });
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(parse_port(port)?)),
        None => (text, None),
    };
    let subject = match parse_address(host) {
        Some(address) => Subject::Network(Network::single(address)),
        None => parse_name(host)?,
    };
    Ok(AllowRule { subject, port })
}

fn parse_address(text: &str) -> Option<IpAddr> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    inner.parse().ok().map(canonical)
}

fn parse_network(address: &str, prefix: &str) -> Result<Network, RuleFault> {
    let base: IpAddr = address.parse().map_err(|_| RuleFault::Host)?;
    let network =
        prefix.parse().ok().and_then(|prefix| Network::new(base, prefix)).ok_or(RuleFault::Prefix)?;
    if network.lowest() == base {
        Ok(network)
    } else {
        Err(RuleFault::HostBits { suggestion: format!("{}/{prefix}", network.lowest()) })
    }
}

fn parse_port(text: &str) -> Result<u16, RuleFault> {
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(RuleFault::Port),
    }
}

fn parse_name(text: &str) -> Result<Subject, RuleFault> {
    let name = normalise(text);
    let (labels, is_suffix) = match name.strip_prefix("*.") {
        Some(rest) => (rest, true),
        None => (name.as_str(), false),
    };
    if labels.contains('*') {
        return Err(RuleFault::Wildcard);
    }
    let is_label =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    if !labels.split('.').all(is_label) {
        return Err(RuleFault::Host);
    }
    Ok(if is_suffix { Subject::Suffix(format!(".{labels}")) } else { Subject::Name(name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> RuleFault {
        text.parse::<AllowRule>().unwrap_err().fault
    }

    #[test]
    fn every_form_is_understood() {
        for text in [
            "db",
            "db.example",
            "db.example:5432",
            "*.example",
            "*.example:1",
            "my_db",
            "10.0.0.5",
            "10.0.0.5:1",
            "::1",
            "[::1]",
            "[::1]:5432",
            "10.0.0.0/8",
            "0.0.0.0/0",
            "fd00::/8",
            " db ",
            "DB.example.",
        ] {
            assert!(text.parse::<AllowRule>().is_ok(), "{text}");
        }
    }

    #[test]
    fn a_rule_is_shown_as_it_is_parsed() {
        for text in ["db", "db:1", "*.x", "*.x:1", "10.0.0.5", "10.0.0.5:1", "::1", "[::1]:1", "10.0.0.0/8"] {
            let rule: AllowRule = text.parse().unwrap();
            assert_eq!(rule.to_string(), text);
            assert_eq!(rule.to_string().parse(), Ok(rule));
        }
    }

    #[test]
    fn an_exact_rule_is_that_of_the_same_text() {
        for (host, port, text) in [
            ("DB.example.", 5432, "db.example:5432"),
            ("[::1]", 1, "[::1]:1"),
            ("::ffff:10.0.0.5", 1, "10.0.0.5:1"),
        ] {
            let rule = AllowRule::exactly(&Destination::new(host, port)).unwrap();
            assert_eq!(rule.to_string(), text);
        }
        assert_eq!(AllowRule::exactly(&Destination::new("*.x", 1)).unwrap_err().fault, RuleFault::Wildcard);
        assert_eq!(AllowRule::exactly(&Destination::new("a/b", 1)).unwrap_err().fault, RuleFault::Host);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(fault(" "), RuleFault::Empty);
        assert_eq!(fault("db:0"), RuleFault::Port);
        assert_eq!(fault("db:http"), RuleFault::Port);
        assert_eq!(fault("db:65536"), RuleFault::Port);
        assert_eq!(fault("10.0.0.0/33"), RuleFault::Prefix);
        assert_eq!(fault("10.0.0.0/x"), RuleFault::Prefix);
        assert_eq!(fault("10.1.0.0/8"), RuleFault::HostBits { suggestion: "10.0.0.0/8".to_owned() });
        assert_eq!(fault("*"), RuleFault::Wildcard);
        assert_eq!(fault("a.*.b"), RuleFault::Wildcard);
        assert_eq!(fault("*foo.example"), RuleFault::Wildcard);
        assert_eq!(fault("postgres://db/x"), RuleFault::Host);
        assert_eq!(fault("a..b"), RuleFault::Host);
        assert_eq!(
            "10.1.0.0/8".parse::<AllowRule>().unwrap_err().to_string(),
            "`10.1.0.0/8` is not an allow rule: the network is written 10.0.0.0/8"
        );
    }
}
