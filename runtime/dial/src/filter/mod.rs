//! Which hosts and addresses a connection may go to.

mod network;
mod reserved;
mod rule;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::destination::Destination;

pub(crate) use network::Network;
use reserved::Guard;
pub use reserved::ReservedClass;
use rule::Subject;
pub use rule::{AllowRule, RuleError, RuleFault};

/// Decides where connections may go.
///
/// *Unrestricted* is for destinations that this machine's owner configured. *Guarded* is for destinations
/// that somebody else chose: loopback, link-local, unspecified, multicast, broadcast and cloud metadata
/// addresses are refused however they are written (also inside IPv6 forms that carry an IPv4 address),
/// and with a non-empty rule list nothing is allowed but what the rules name. *Public* is for a program
/// that somebody else wrote: private addresses are refused too, and rules only make exceptions.
///
/// A rule lifts the refusal of a reserved address only when it names that address or a network that lies
/// wholly within the reserved range (`127.0.0.0/8` does, `0.0.0.0/0` does not). A rule that is a name does
/// not, wherever the name points, except that `localhost` lifts it for loopback, and an exact name (not
/// `*.suffix`) for private addresses.
#[derive(Debug, Clone, Default)]
pub struct AddressFilter(Mode);

#[derive(Debug, Clone, Default)]
enum Mode {
    #[default]
    Unrestricted,
    Guarded(Arc<[AllowRule]>),
    Public(Arc<[AllowRule]>),
    All(Arc<[AddressFilter]>),
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

    /// Every address of the public internet, and of reserved and private ones those that a rule names.
    #[must_use]
    pub fn public(except: impl IntoIterator<Item = AllowRule>) -> Self {
        Self(Mode::Public(except.into_iter().collect()))
    }

    /// What both allow.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (&self.0, &other.0) {
            (Mode::Unrestricted, _) => other,
            (_, Mode::Unrestricted) => self,
            _ => Self(Mode::All(Arc::new([self, other]))),
        }
    }

    /// The rules it was made with.
    #[must_use]
    pub fn rules(&self) -> Vec<AllowRule> {
        match &self.0 {
            Mode::Unrestricted => Vec::new(),
            Mode::Guarded(rules) | Mode::Public(rules) => rules.to_vec(),
            Mode::All(filters) => filters.iter().flat_map(Self::rules).collect(),
        }
    }

    /// Judges a host before it is looked up, so that a name which no rule can allow never reaches a resolver.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn check_name(&self, destination: &Destination) -> Result<(), Refusal> {
        let rules = match &self.0 {
            Mode::Unrestricted | Mode::Public(_) => return Ok(()),
            Mode::All(filters) => {
                return filters.iter().try_for_each(|filter| filter.check_name(destination));
            }
            Mode::Guarded(rules) => rules,
        };
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
        let (rules, public) = match &self.0 {
            Mode::Unrestricted => return Ok(()),
            Mode::All(filters) => {
                return filters.iter().try_for_each(|filter| filter.check_address(destination, address));
            }
            Mode::Guarded(rules) => (rules, false),
            Mode::Public(rules) => (rules, true),
        };
        let host = destination.normalised_host();
        let applicable: Vec<&AllowRule> =
            rules.iter().filter(|rule| rule.has_port(destination.port())).collect();
        let refuse = |reason| Err(Refusal { address: Some(address), reason });

        let address = reserved::canonical(address);
        for guard in reserved::guards(address, public) {
            if !applicable.iter().any(|rule| lifts(rule, &guard, address, &host)) {
                return refuse(RefusalReason::Reserved(guard.class));
            }
        }

        let listed = public
            || rules.is_empty()
            || applicable.iter().any(|rule| match rule.subject() {
                Subject::Network(network) => network.contains(address),
                Subject::Name(_) | Subject::Suffix(_) => rule.names_host(&host),
            });
        if listed { Ok(()) } else { refuse(RefusalReason::NotListed) }
    }
}

/// Whether a rule means this very address of a reserved range, which `host` is or resolved to.
fn lifts(rule: &AllowRule, guard: &Guard, address: IpAddr, host: &str) -> bool {
    match rule.subject() {
        Subject::Network(network) => {
            network.is_exactly(address) || (network.contains(guard.form) && network.lies_within(&guard.range))
        }
        Subject::Name(name) => match guard.class {
            ReservedClass::Loopback => *name == host && is_localhost(name),
            ReservedClass::Private => *name == host,
            _ => false,
        },
        Subject::Suffix(_) => false,
    }
}

/// Names that mean this machine and nothing else (RFC 6761 §6.3).
fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}
