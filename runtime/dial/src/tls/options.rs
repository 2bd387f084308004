//! What a TLS session must prove.

use super::material::{CaCertificates, ClientIdentity};

/// How much of the peer's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Verify {
    /// It must come from a trusted authority and be for the host connected to.
    #[default]
    Full,
    /// It must come from a trusted authority; for which host does not matter.
    Chain,
    /// Anything goes. The stream is encrypted, but to whom is unknown.
    None,
}

/// How to start TLS.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// The name to ask for and to check, when it is not the destination's host.
    pub server_name: Option<String>,
    /// How much is checked.
    pub verify: Verify,
    /// The only authorities to trust; the dialer's roots when `None`.
    pub authorities: Option<CaCertificates>,
    /// The certificate to show when the peer asks for one.
    pub identity: Option<ClientIdentity>,
    /// Application protocols to offer (ALPN, RFC 7301), best first; none when empty.
    pub alpn: Vec<Vec<u8>>,
}
