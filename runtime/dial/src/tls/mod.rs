//! Encrypting a stream and checking who is at its other end.

mod certificate;
mod handshake;
mod material;
mod options;
mod session;
mod verifier;

pub use certificate::PresentedCertificate;
pub(crate) use certificate::printable;
pub(crate) use material::read_authorities;
pub use material::{CaCertificates, ClientIdentity, PemError};
pub use options::{TlsOptions, Verify};
pub use session::{TlsSession, TlsStream};
