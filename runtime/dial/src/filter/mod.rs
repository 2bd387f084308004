//! Which hosts and addresses a connection may go to.

mod network;
mod reserved;
mod rule;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::destination::Destination;

pub use reserved::ReservedClass;
use rule::Subject;
pub use rule::{AllowRule, RuleError, RuleFault};

/// Decides where connections may go.
///
/// *Unrestricted* is for destinations that this machine's owner configured. *Guarded* is for destinations
/// that somebody else chose: loopback, link-local, unspecified, multicast, broadcast and cloud metadata
/// addresses are refused however they are written (also inside IPv6 forms that carry an IPv4 address),
/// and with a non-empty rule list nothing is allowed but what the rules name.
///
/// A rule lifts the refusal of a reserved address only when it names that address or a network that lies
/// wholly within the reserved range (`127.0.0.0/8` does, `0.0.0.0/0` does not). A rule that is a name does
/// not, wherever the name points, except that `localhost` lifts it for loopback.
#[derive(Debug, Clone, Default)]
pub struct AddressFilter(Mode);

#[derive(Debug, Clone, Default)]
enum Mode {
    #[default]
    Unrestricted,
    Guarded(Arc<[AllowRule]>),
}

/// Why a host or address is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The address refused; none when the host was refused by its name.
    pub address: Option<IpAddr>,
    /// The rule of the filter that refused it.
    pub reason: RefusalReason,
}

/// The part of the filter that refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalReason {
    /// There is a list of what is allowed, and it does not name this host and port.
    NotListed,
    /// The address belongs to a reserved class, and no rule names it.
    Reserved(ReservedClass),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.reason, self.address) {
            (RefusalReason::NotListed, None) => f.write_str("no allow rule names this host and port"),
            (RefusalReason::NotListed, Some(address)) => {
                write!(f, "no allow rule names this host, or {address}, with this port")
            }
            (RefusalReason::Reserved(class), Some(address)) => write!(f, "{address} is {class}"),
            (RefusalReason::Reserved(class), None) => write!(f, "it is {class}"),
        }
    }
}

impl AddressFilter {
    /// Everything is allowed.
    #[must_use]
    pub const fn unrestricted() -> Self {
        Self(Mode::Unrestricted)
    }

    /// Reserved addresses are refused unless a rule names them; with rules, only what they name is allowed.
    #[must_use]
    pub fn guarded(rules: impl IntoIterator<Item = AllowRule>) -> Self {
        Self(Mode::Guarded(rules.into_iter().collect()))
    }

    /// Judges a host before it is looked up, so that a name which no rule can allow never reaches a resolver.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn check_name(&self, destination: &Destination) -> Result<(), Refusal> {
        let Mode::Guarded(rules) = &self.0 else { return Ok(()) };
        let host = destination.normalised_host();
        let possible = rules.is_empty()
            || rules
                .iter()
                .filter(|rule| rule.has_port(destination.port()))
                .any(|rule| rule.names_host(&host) || matches!(rule.subject(), Subject::Network(_)));
        if possible { Ok(()) } else { Err(Refusal { address: None, reason: RefusalReason::NotListed }) }
    }

    /// Judges one address that `destination` resolved to, or that it is.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn check_address(&self, destination: &Destination, address: IpAddr) -> Result<(), Refusal> {
        let Mode::Guarded(rules) = &self.0 else { return Ok(()) };
        let host = destination.normalised_host();
        let applicable: Vec<&AllowRule> =
            rules.iter().filter(|rule| rule.has_port(destination.port())).collect();
        let refuse = |reason| Err(Refusal { address: Some(address), reason });

        let address = reserved::canonical(address);
        for guard in reserved::guards(address) {
            let lifted = applicable.iter().any(|rule| match rule.subject() {
                Subject::Network(network) => {
                    network.is_exactly(address)
                        || (network.contains(guard.form) && network.lies_within(&guard.range))
                }
                Subject::Name(name) => {
                    guard.class == ReservedClass::Loopback && *name == host && is_localhost(name)
                }
                Subject::Suffix(_) => false,
            });
            if !lifted {
                return refuse(RefusalReason::Reserved(guard.class));
            }
        }

        let listed = rules.is_empty()
            || applicable.iter().any(|rule| match rule.subject() {
                Subject::Network(network) => network.contains(address),
                Subject::Name(_) | Subject::Suffix(_) => rule.names_host(&host),
            });
        if listed { Ok(()) } else { refuse(RefusalReason::NotListed) }
    }
}

/// Names that mean this machine and nothing else (RFC 6761 §6.3).
fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(rules: &[&str]) -> AddressFilter {
        AddressFilter::guarded(rules.iter().map(|rule| rule.parse().unwrap()))
    }

    /// What a lookup would do: the name, then the address it gave.
    fn judge(filter: &AddressFilter, host: &str, port: u16, address: &str) -> Verdict {
        let destination = Destination::new(host, port);
        if destination.literal().is_none() {
            filter.check_name(&destination).map_err(|refusal| refusal.reason)?;
        }
        filter.check_address(&destination, address.parse().unwrap()).map_err(|refusal| refusal.reason)
    }

    type Verdict = Result<(), RefusalReason>;
    const LISTED: Verdict = Ok(());
    const UNLISTED: Verdict = Err(RefusalReason::NotListed);
    const fn reserved(class: ReservedClass) -> Verdict {
        Err(RefusalReason::Reserved(class))
    }

    #[test]
    fn without_rules_only_reserved_addresses_are_refused() {
        use ReservedClass as C;
        let cases = [
            ("8.8.8.8", LISTED),
            ("10.1.2.3", LISTED),
            ("192.168.0.1", LISTED),
            ("172.16.9.9", LISTED),
            ("100.64.0.1", LISTED),
            ("2001:4860::8888", LISTED),
            ("fd12:3456::1", LISTED),
            ("127.0.0.1", reserved(C::Loopback)),
            ("127.255.255.254", reserved(C::Loopback)),
            ("::1", reserved(C::Loopback)),
            ("0.0.0.0", reserved(C::Unspecified)),
            ("0.1.2.3", reserved(C::Unspecified)),
            ("::", reserved(C::Unspecified)),
            ("169.254.1.1", reserved(C::LinkLocal)),
            ("fe80::1", reserved(C::LinkLocal)),
            ("febf::1", reserved(C::LinkLocal)),
            ("224.0.0.1", reserved(C::Multicast)),
            ("239.255.255.255", reserved(C::Multicast)),
            ("ff02::1", reserved(C::Multicast)),
            ("255.255.255.255", reserved(C::Broadcast)),
            ("169.254.169.254", reserved(C::Metadata)),
            ("fd00:ec2::254", reserved(C::Metadata)),
            ("100.100.100.200", reserved(C::Metadata)),
            ("::ffff:127.0.0.1", reserved(C::Loopback)),
            ("::ffff:169.254.169.254", reserved(C::Metadata)),
            ("::169.254.169.254", reserved(C::Metadata)),
            ("::ffff:0:127.0.0.1", reserved(C::Loopback)),
            ("64:ff9b::a9fe:a9fe", reserved(C::Metadata)),
            ("64:ff9b:1:a9fe:a9:fe00::", reserved(C::Metadata)),
            ("64:ff9b:1::a9fe:a9fe", reserved(C::Metadata)),
            ("2002:7f00:1::", reserved(C::Loopback)),
            ("2002:a9fe:a9fe::1", reserved(C::Metadata)),
            ("::ffff:8.8.8.8", LISTED),
            ("64:ff9b::808:808", LISTED),
            ("64:ff9b:1::808:808", LISTED),
            ("2001:0:808:808::80ff:fffe", reserved(C::Loopback)),
            ("fd00::5efe:7f00:1", reserved(C::Loopback)),
        ];
        for (address, expected) in cases {
            assert_eq!(judge(&guarded(&[]), "db.example", 5432, address), expected, "{address}");
            assert_eq!(judge(&guarded(&[]), address, 5432, address), expected, "{address} as the host");
            assert_eq!(
                judge(&AddressFilter::unrestricted(), "db.example", 5432, address),
                LISTED,
                "{address}"
            );
        }
    }

    #[test]
    fn with_rules_only_what_they_name_is_allowed() {
        let rules = ["db.example", "pg.example:5432", "*.corp.example:3306", "10.0.0.0/8", "192.0.2.7:1433"];
        let filter = guarded(&rules);
        let cases = [
            ("db.example", 1, "8.8.8.8", LISTED),
            ("DB.Example.", 1, "8.8.8.8", LISTED),
            ("pg.example", 5432, "8.8.8.8", LISTED),
            ("pg.example", 5433, "8.8.8.8", UNLISTED),
            ("a.corp.example", 3306, "8.8.8.8", LISTED),
            ("a.b.corp.example", 3306, "8.8.8.8", LISTED),
            ("corp.example", 3306, "8.8.8.8", UNLISTED),
            ("evilcorp.example", 3306, "8.8.8.8", UNLISTED),
            ("a.corp.example", 5432, "8.8.8.8", UNLISTED),
            ("other.example", 5432, "10.9.9.9", LISTED),
            ("other.example", 5432, "11.9.9.9", UNLISTED),
            ("10.9.9.9", 5432, "10.9.9.9", LISTED),
            ("192.0.2.7", 1433, "192.0.2.7", LISTED),
            ("::ffff:192.0.2.7", 1433, "::ffff:192.0.2.7", LISTED),
            ("192.0.2.7", 1434, "192.0.2.7", UNLISTED),
            ("db.example", 1, "127.0.0.1", reserved(ReservedClass::Loopback)),
            ("db.example", 1, "169.254.169.254", reserved(ReservedClass::Metadata)),
        ];
        for (host, port, address, expected) in cases {
            assert_eq!(judge(&filter, host, port, address), expected, "{host}:{port} at {address}");
        }
    }

    #[test]
    fn a_reserved_address_needs_a_rule_that_means_it() {
        use ReservedClass as C;
        let cases: &[(&[&str], &str, &str, Verdict)] = &[
            (&["127.0.0.1"], "127.0.0.1", "127.0.0.1", LISTED),
            (&["127.0.0.1:5432"], "127.0.0.1", "127.0.0.1", LISTED),
            (&["127.0.0.1:5433"], "127.0.0.1", "127.0.0.1", reserved(C::Loopback)),
            (&["127.0.0.0/8"], "db.example", "127.3.2.1", LISTED),
            (&["127.0.0.1"], "x", "::ffff:127.0.0.1", LISTED),
            (&["::1"], "::1", "::1", LISTED),
            (&["[::1]:5432"], "::1", "::1", LISTED),
            (&["0.0.0.0/0", "::/0"], "8.8.8.8", "8.8.8.8", LISTED),
            (&["0.0.0.0/0", "::/0"], "127.0.0.1", "127.0.0.1", reserved(C::Loopback)),
            (&["0.0.0.0/0", "::/0"], "x", "169.254.169.254", reserved(C::Metadata)),
            (&["0.0.0.0/0", "::/0"], "x", "64:ff9b::7f00:1", reserved(C::Loopback)),
            (&["169.254.0.0/16"], "x", "169.254.7.7", LISTED),
            (&["169.254.0.0/16"], "x", "169.254.169.254", reserved(C::Metadata)),
            (&["169.254.169.254"], "x", "169.254.169.254", LISTED),
            (&["localhost"], "localhost", "127.0.0.1", LISTED),
            (&["localhost:5432"], "localhost", "::1", LISTED),
            (&["localhost"], "localhost", "169.254.169.254", reserved(C::Metadata)),
            (&["db.example"], "db.example", "127.0.0.1", reserved(C::Loopback)),
            (&["*.example"], "db.example", "127.0.0.1", reserved(C::Loopback)),
            (&["db.example", "127.0.0.1"], "db.example", "127.0.0.1", LISTED),
        ];
        for (rules, host, address, expected) in cases {
            assert_eq!(
                judge(&guarded(rules), host, 5432, address),
                *expected,
                "{rules:?}: {host} at {address}"
            );
        }
    }

    #[test]
    fn a_refusal_says_what_and_why() {
        let refusal = guarded(&[])
            .check_address(&Destination::new("db", 1), "::ffff:169.254.169.254".parse().unwrap())
            .unwrap_err();
        assert_eq!(refusal.to_string(), "::ffff:169.254.169.254 is a cloud metadata address");
    }
}
