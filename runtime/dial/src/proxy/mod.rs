//! Reaching a destination through a proxy: HTTP CONNECT, or SOCKS5.
//!
//! A proxy only carries bytes. TLS runs end to end inside the tunnel, so a proxy sees where a connection goes and nothing
//! of what is said, unless it breaks into TLS with a certificate of its own; then [`crate::DialError::certificate`]
//! shows whose it is.

mod address;
mod exempt;
mod fault;
mod http;
mod login;
mod socks;
mod tunnel;

pub use address::{Proxy, ProxyScheme, ProxyUrlError};
pub use exempt::NoProxy;
pub use fault::{ProxyFault, SocksReply};
pub use tunnel::Tunnel;
