//! Where a connection goes.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// The longest host accepted, in bytes: 253 is the longest name DNS can carry (RFC 1035 §2.3.4), one more
/// for a trailing dot.
const MAX_HOST_BYTES: usize = 254;

/// A host and a TCP port.
///
/// The host is a name, an IPv4 address or an IPv6 address; brackets around an IPv6 address are removed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    host: String,
    port: u16,
}

impl Destination {
    /// A destination from a host as the user wrote it.
    ///
    /// Nothing is checked here: a host that can be no name ends [`crate::Dialer::resolve`] with
    /// [`crate::Kind::InvalidHost`].
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).map(str::to_owned);
        Self { host: inner.unwrap_or(host), port }
    }

    /// The host, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The address, when the host is written as one and needs no resolver.
    #[must_use]
    pub fn literal(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// The host in the form in which names are compared: lower case, without the trailing dot.
    pub(crate) fn normalised_host(&self) -> String {
        normalise(&self.host)
    }

    /// Whether the host could be a name or an address at all.
    pub(crate) fn is_plausible(&self) -> bool {
        !self.host.is_empty()
            && self.host.len() <= MAX_HOST_BYTES
            && self.host.chars().all(|c| !c.is_control() && !c.is_whitespace() && !"/@[]\\".contains(c))
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = crate::tls::printable(&self.host);
        if self.host.contains(':') {
            write!(f, "[{host}]:{}", self.port)
        } else {
            write!(f, "{host}:{}", self.port)
        }
    }
}

/// Lower case, and without the dot that marks a name as fully qualified.
pub(crate) fn normalise(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Which address families may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Family {
    /// Both, raced.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Family {
    /// Whether an address is of this family.
    #[must_use]
    pub const fn includes(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "IP",
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// An address that has passed the address filter.
///
/// Only this crate makes one, so whoever holds it need not check again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CheckedAddress(SocketAddr);

impl CheckedAddress {
    pub(crate) const fn passed(address: SocketAddr) -> Self {
        Self(address)
    }

    /// The address itself.
    #[must_use]
    pub const fn socket_addr(self) -> SocketAddr {
        self.0
    }
}

impl fmt::Display for CheckedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_removed_and_shown_again() {
        let destination = Destination::new("[::1]", 5432);
        assert_eq!(destination.host(), "::1");
        assert_eq!(destination.to_string(), "[::1]:5432");
        assert_eq!(destination.literal(), Some(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1_u16])));
    }

    #[test]
    fn a_host_that_can_be_no_name_is_implausible() {
        for host in ["", "a b", "a\0b", "user@host", "a/b", "[::1", &"a".repeat(300)] {
            assert!(!Destination::new(host, 1).is_plausible(), "{host:?}");
        }
        for host in ["db", "db.example.", "my_db", "10.0.0.1", "::1", "fe80::1%eth0"] {
            assert!(Destination::new(host, 1).is_plausible(), "{host:?}");
        }
    }

    #[test]
    fn a_hostile_host_is_shown_without_control_characters() {
        assert!(!Destination::new("a\u{1b}[31mb", 1).to_string().contains('\u{1b}'));
    }
}
