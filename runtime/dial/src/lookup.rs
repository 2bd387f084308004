//! Asking for a name's addresses.

use std::io;
use std::net::SocketAddr;

use dns_lookup::{AddrFamily, AddrInfoHints, LookupError, LookupErrorKind, SockType};

use crate::destination::Family;

/// Turns a name into addresses.
///
/// The call blocks; the dialer runs it on a thread for blocking work.
pub trait Lookup: Send + Sync + 'static {
    /// The addresses of `host`, best first. The port in them is of no meaning.
    ///
    /// # Errors
    /// A [`LookupFailure`] when there are none, or the resolver fails.
    fn lookup(&self, host: &str, family: Family) -> Result<Vec<SocketAddr>, LookupFailure>;
}

/// A lookup without a result.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct LookupFailure {
    /// What the resolver found.
    pub fault: LookupFault,
    /// The resolver's own error.
    pub source: io::Error,
}

/// What a resolver finds when it finds no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupFault {
    /// The name does not exist.
    NameNotFound,
    /// The name exists without an address of the family.
    NoAddress,
    /// No answer could be had.
    ResolverFailed,
}

/// The system's resolver, `getaddrinfo(3)`: it honours `/etc/hosts`, `nsswitch.conf` and `resolv.conf`, and
/// orders addresses by RFC 6724.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

/// glibc's `EAI_ADDRFAMILY` (`netdb.h`): the name has no address in the family asked for.
const EAI_ADDRFAMILY: i32 = -9;

impl Lookup for SystemLookup {
    fn lookup(&self, host: &str, family: Family) -> Result<Vec<SocketAddr>, LookupFailure> {
        let hints = AddrInfoHints {
            socktype: SockType::Stream.into(),
            address: match family {
                Family::Any => 0,
                Family::V4 => AddrFamily::Inet.into(),
                Family::V6 => AddrFamily::Inet6.into(),
            },
            ..AddrInfoHints::default()
        };
        let found = dns_lookup::getaddrinfo(Some(host), None, Some(hints)).map_err(failure)?;
        let mut addresses = Vec::new();
        for entry in found {
            // An entry of a family that std does not know is an error of this entry alone.
            let Ok(entry) = entry else { continue };
            if !addresses.contains(&entry.sockaddr) {
                addresses.push(entry.sockaddr);
            }
        }
        Ok(addresses)
    }
}

fn failure(error: LookupError) -> LookupFailure {
    let fault = match error.kind() {
        LookupErrorKind::NoName => LookupFault::NameNotFound,
        LookupErrorKind::NoData => LookupFault::NoAddress,
        _ if error.error_num() == EAI_ADDRFAMILY => LookupFault::NoAddress,
        _ => LookupFault::ResolverFailed,
    };
    LookupFailure { fault, source: error.into() }
}
