//! Every outgoing connection of the runner goes through this crate.
//!
//! A connection is made in stages, and a failure says which of them it was:
//!
//! 1. **dns** – the host's name becomes addresses ([`Dialer::resolve`]);
//! 2. **policy** – addresses that the caller's [`AddressFilter`] does not allow are left out;
//! 3. **tcp** – the rest are raced, both families interleaved ([`Dialer::connect`]);
//! 4. **tls** – the stream is encrypted and the peer's certificate checked ([`Dialer::start_tls`]).
//!
//! Where a proxy leads to the destination, [`Dialer::connect_through`] stands in for the first three; its failures are of
//! the stage **proxy**.
//!
//! The stages are separate calls because some protocols speak in clear before TLS begins (PostgreSQL's
//! `SSLRequest`), and because a cancel request must reach the very address the session is connected to
//! ([`Dialer::connect_address`]).
//!
//! Nothing is installed process-wide: the TLS provider and the trusted roots live in the [`Dialer`].

mod connect;
mod destination;
mod dialer;
mod error;
mod filter;
mod kind;
mod lookup;
mod proxy;
mod race;
mod resolve;
mod roots;
mod socket;
mod stream;
mod tls;

pub use connect::{ConnectOptions, Connected};
pub use destination::{CheckedAddress, Destination, Family};
pub use dialer::Dialer;
pub use error::{Attempt, DialError, Stage};
pub use filter::{AddressFilter, AllowRule, Refusal, RefusalReason, ReservedClass, RuleError, RuleFault};
pub use kind::Kind;
pub use lookup::{Lookup, LookupFailure, LookupFault, SystemLookup};
pub use proxy::{NoProxy, Proxy, ProxyFault, ProxyScheme, ProxyUrlError, SocksReply, Tunnel};
pub use resolve::Resolved;
pub use roots::{Roots, RootsError, RootsReport};
pub use stream::{BoxedStream, Stream};
pub use tls::{
    CaCertificates, ClientIdentity, PemError, PresentedCertificate, TlsOptions, TlsSession, TlsStream, Verify,
};
