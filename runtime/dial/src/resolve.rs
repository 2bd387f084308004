//! Names to addresses that may be used.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::destination::{CheckedAddress, Destination, Family};
use crate::dialer::Dialer;
use crate::error::{DialError, Stage};
use crate::filter::AddressFilter;
use crate::kind::Kind;
use crate::lookup::{LookupFailure, LookupFault};
use crate::race::interleave;

/// Addresses used of one name. A name with more is a pool in which any will do, and each costs an attempt.
const MAX_ADDRESSES: usize = 16;

/// What a name resolved to.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The addresses that may be used, in the order in which they are tried; at least one.
    pub addresses: Vec<CheckedAddress>,
    /// How long the lookup took; nothing for an address literal.
    pub elapsed: Duration,
}

impl Dialer {
    /// The addresses of `destination` that are of `family` and that `filter` allows.
    ///
    /// The filter is asked twice: about the name before any lookup, and about each address after it, since
    /// a name may point anywhere. Cancelling the call leaves no work behind but the system's own lookup.
    ///
    /// # Errors
    /// [`Stage::Dns`] when there is no address, [`Stage::Policy`] when none of them is allowed.
    pub async fn resolve(
        &self,
        destination: &Destination,
        family: Family,
        filter: &AddressFilter,
    ) -> Result<Resolved, DialError> {
        let start = Instant::now();
        let fail = |stage, kind| DialError::new(stage, kind, destination, start.elapsed());
        if !destination.is_plausible() {
            return Err(fail(Stage::Dns, Kind::InvalidHost));
        }
        let found = match destination.literal() {
            Some(literal) => vec![SocketAddr::new(literal, destination.port())],
            None => {
                filter
                    .check_name(destination)
                    .map_err(|refusal| fail(Stage::Policy, Kind::NotAllowed(refusal)))?;
                self.lookup(destination, family).await.map_err(|failure| {
                    let kind = match failure.fault {
                        LookupFault::NameNotFound => Kind::NameNotFound,
                        LookupFault::NoAddress => Kind::NoAddress,
                        LookupFault::ResolverFailed => Kind::ResolverFailed,
                    };
                    fail(Stage::Dns, kind).with_source(failure)
                })?
            }
        };

        let mut refused = None;
        let mut addresses = Vec::new();
        for mut address in found.into_iter().filter(|address| family.includes(address.ip())) {
            address.set_port(destination.port());
            match filter.check_address(destination, address.ip()) {
                Ok(()) => addresses.push(CheckedAddress::passed(address)),
                Err(refusal) => {
                    refused.get_or_insert((address, refusal));
                }
            }
        }
        let mut addresses = interleave(&addresses);
        addresses.truncate(MAX_ADDRESSES);
        match (addresses.is_empty(), refused) {
            (false, _) => Ok(Resolved { addresses, elapsed: start.elapsed() }),
            (true, Some((address, refusal))) => {
                Err(fail(Stage::Policy, Kind::NotAllowed(refusal)).with_address(Some(address)))
            }
            (true, None) => Err(fail(Stage::Dns, Kind::NoAddress)),
        }
    }

    async fn lookup(
        &self,
        destination: &Destination,
        family: Family,
    ) -> Result<Vec<SocketAddr>, LookupFailure> {
        let broken = |source| LookupFailure { fault: LookupFault::ResolverFailed, source };
        let permit = self
            .shared
            .lookups
            .clone()
            .acquire_owned()
            .await
            .map_err(std::io::Error::other)
            .map_err(broken)?;
        let lookup = self.shared.lookup.clone();
        let host = destination.host().to_owned();
        tokio::task::spawn_blocking(move || {
            // Held by the thread, not by the caller: a caller that gives up does not free the thread.
            let _permit = permit;
            lookup.lookup(&host, family)
        })
        .await
        .map_err(|error| broken(std::io::Error::other(error)))?
    }
}
