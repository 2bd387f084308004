//! `NO_PROXY`: which destinations are reached without a proxy.

use std::fmt;
use std::net::IpAddr;

use crate::destination::{Destination, normalise};
use crate::filter::Network;

/// Entries that are read; a list with more is a mistake.
const MAX_ENTRIES: usize = 1024;

/// The destinations that a `NO_PROXY` variable names.
///
/// A list, divided by commas or blanks. An entry is
///
/// - `*`: everything;
/// - `corp.example`: that host and every host under it;
/// - `.corp.example` or `*.corp.example`: the hosts under it;
/// - `10.0.0.7` or `fd00::7`: that address;
/// - `10.0.0.0/8` or `fd00::/8`: the addresses of that network;
///
/// each with `:port` behind it for that port only (an IPv6 address then stands in brackets). Case and a dot at the end do
/// not count. Addresses are compared with a destination that is written as one: no name is looked up.
#[derive(Debug, Clone, Default)]
pub struct NoProxy {
    entries: Vec<Entry>,
    not_understood: Vec<String>,
}

#[derive(Debug, Clone)]
struct Entry {
    text: String,
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Any,
    Name { name: String, itself: bool },
    Network(Network),
}

impl NoProxy {
    /// Reads a list. What cannot be understood is passed over, since the variable is every program's:
    /// [`NoProxy::not_understood`] has it.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        let mut parsed = Self::default();
        let texts = list.split(|c: char| c == ',' || c.is_whitespace()).filter(|text| !text.is_empty());
        for text in texts.take(MAX_ENTRIES) {
            match Entry::parse(text) {
                Some(entry) => parsed.entries.push(entry),
                None => parsed.not_understood.push(crate::tls::printable(text)),
            }
        }
        parsed
    }

    /// The first entry that names the destination.
    #[must_use]
    pub fn names(&self, destination: &Destination) -> Option<&str> {
        let host = destination.normalised_host();
        let address = destination.literal().map(|address| address.to_canonical());
        let found = self.entries.iter().find(|entry| entry.names(&host, address, destination.port()));
        found.map(|entry| entry.text.as_str())
    }

    /// The entries that are none of the kinds above.
    #[must_use]
    pub fn not_understood(&self) -> &[String] {
        &self.not_understood
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = split(text)?;
        Some(Self { text: text.to_owned(), host: Host::parse(host)?, port })
    }

    fn names(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        if self.port.is_some_and(|only| only != port) {
            return false;
        }
        match (&self.host, address) {
            (Host::Any, _) => true,
            (Host::Network(network), Some(address)) => network.contains(address),
            (Host::Name { name, itself }, None) => match host.strip_suffix(name.as_str()) {
                Some("") => *itself,
                Some(before) => before.ends_with('.'),
                None => false,
            },
            (Host::Network(_), None) | (Host::Name { .. }, Some(_)) => false,
        }
    }
}

/// Divides an entry from its port.
fn split(text: &str) -> Option<(&str, Option<u16>)> {
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port != 0);
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return match rest {
            "" => Some((host, None)),
            rest => Some((host, Some(port(rest.strip_prefix(':')?)?))),
        };
    }
    match text.split_once(':') {
        Some((host, rest)) if !rest.contains(':') => Some((host, Some(port(rest)?))),
        _ => Some((text, None)),
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self::Network(Network::single(address.to_canonical())));
        }
        if let Some((base, prefix)) = text.split_once('/') {
            return Network::new(base.parse().ok()?, prefix.parse().ok()?).map(Self::Network);
        }
        let (name, itself) = match text.strip_prefix("*.").or(text.strip_prefix('.')) {
            Some(name) => (name, false),
            None => (text, true),
        };
        let name = normalise(name);
        let usable = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
        usable.then_some(Self::Name { name, itself })
    }
}

impl fmt::Display for NoProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.entries.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}", entry.text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(list: &str, host: &str, port: u16) -> bool {
        let parsed = NoProxy::parse(list);
        assert!(parsed.not_understood().is_empty(), "{list}");
        parsed.names(&Destination::new(host, port)).is_some()
    }

    #[test]
    fn each_kind_of_entry_names_what_it_says_and_no_more() {
        for (entry, yes, no) in [
            ("*", &["a", "10.0.0.1", "::1"][..], &[][..]),
            (
                "corp.example",
                &["corp.example", "CORP.example.", "a.corp.example", "a.b.corp.example"],
                &["notcorp.example", "corp.example.com", "example"],
            ),
            (".corp.example", &["a.corp.example", "a.b.corp.example"], &["corp.example", "acorp.example"]),
            ("*.corp", &["a.corp", "a.b.corp"], &["corp", "acorp"]),
            ("10.0.0.7", &["10.0.0.7", "::ffff:10.0.0.7"], &["10.0.0.70", "a10.0.0.7", "10.0.0.7.example"]),
            ("fd00::7", &["fd00::7", "[fd00:0::7]"], &["fd00::8"]),
            ("[fd00::7]", &["fd00::7"], &["fd00::8"]),
            ("10.0.0.0/8", &["10.255.0.1"], &["11.0.0.1", "ten.example", "::1"]),
            ("fd00::/8", &["fdff::1"], &["fe80::1", "10.0.0.1"]),
            ("localhost", &["localhost", "a.localhost"], &["127.0.0.1"]),
        ] {
            for host in yes {
                assert!(named(entry, host, 443), "{entry} {host}");
            }
            for host in no {
                assert!(!named(entry, host, 443), "{entry} {host}");
            }
        }
    }

    #[test]
    fn a_port_narrows_an_entry() {
        for (entry, host) in
            [("a:8443", "a"), ("*:8443", "b"), ("10.0.0.0/8:8443", "10.0.0.7"), ("[fd00::7]:8443", "fd00::7")]
        {
            assert!(named(entry, host, 8443), "{entry}");
            assert!(!named(entry, host, 443), "{entry}");
        }
    }

    #[test]
    fn lists_are_divided_by_commas_and_blanks_and_the_entry_that_counts_is_told() {
        let list = NoProxy::parse("localhost, 127.0.0.1 ,,\t.corp.example\n10.0.0.0/8");
        assert_eq!(list.names(&Destination::new("db.corp.example", 1)), Some(".corp.example"));
        assert_eq!(list.names(&Destination::new("10.1.1.1", 1)), Some("10.0.0.0/8"));
        assert_eq!(list.names(&Destination::new("gateway.example", 1)), None);
        assert_eq!(list.to_string(), "localhost,127.0.0.1,.corp.example,10.0.0.0/8");
        assert_eq!(NoProxy::parse("").names(&Destination::new("a", 1)), None);
    }

    #[test]
    fn what_is_not_understood_names_nothing_and_is_told() {
        for entry in
            ["10.0.0.0/99", "10.0.0.0/x", "a*b", "*corp", "a:b", "a:0", "http://a", ".", "[::1", "a/8"]
        {
            let list = NoProxy::parse(entry);
            assert_eq!(list.not_understood(), [entry], "{entry}");
            assert!(list.entries.is_empty(), "{entry}");
        }
    }
}
