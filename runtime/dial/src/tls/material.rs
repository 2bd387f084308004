//! Certificates and keys from PEM text, checked once.

use std::fmt;
use std::sync::Arc;

use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, RootCertStore};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// PEM text that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// The PEM armour or its base64 is broken.
    #[error("not valid PEM: {0}")]
    Malformed(String),
    /// There is no `CERTIFICATE` section.
    #[error("it contains no PEM certificate (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// A certificate that cannot be an authority's.
    #[error("certificate {number} in it is not usable: {detail}")]
    Unusable {
        /// Which one, counted from 1.
        number: usize,
        /// What the TLS library found.
        detail: String,
    },
    /// There is no private key, or only an encrypted one.
    #[error("it contains no unencrypted PEM private key (-----BEGIN PRIVATE KEY-----)")]
    NoPrivateKey,
    /// A key of a kind that TLS does not know.
    #[error("the private key is not usable: {0}")]
    UnusableKey(String),
    /// The key belongs to another certificate.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
}

impl From<pem::Error> for PemError {
    fn from(error: pem::Error) -> Self {
        // The error's text may quote a line of the file, which in a key file is part of the key.
        let what = match error {
            pem::Error::MissingSectionEnd { .. } => "a section has no END line",
            pem::Error::IllegalSectionStart { .. } => "a BEGIN line is broken",
            pem::Error::Base64Decode(_) => "a section is not base64",
            pem::Error::SectionTooLarge => "a section is too large",
            pem::Error::NoItemsFound => "nothing of the kind in it",
            _ => "it cannot be read",
        };
        Self::Malformed(what.to_owned())
    }
}

/// Authorities to trust instead of the dialer's roots (`sslrootcert`). Cheap to clone.
#[derive(Clone)]
pub struct CaCertificates {
    pub(super) store: Arc<RootCertStore>,
    /// The same certificates whole: one of them may be the server's own.
    pub(super) certificates: Arc<[CertificateDer<'static>]>,
}

impl CaCertificates {
    /// Reads one or more certificates.
    ///
    /// # Errors
    /// [`PemError`] when there is none, or one of them is unusable: a root that is left out silently
    /// would show only later, as a failed handshake.
    pub fn from_pem(pem: &[u8]) -> Result<Self, PemError> {
        let certificates = read_authorities(pem)?;
        let mut store = RootCertStore::empty();
        for (index, certificate) in certificates.iter().enumerate() {
            store
                .add(certificate.clone())
                .map_err(|error| PemError::Unusable { number: index + 1, detail: error.to_string() })?;
        }
        Ok(Self { store: Arc::new(store), certificates: certificates.into() })
    }
}

impl fmt::Debug for CaCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaCertificates({})", self.certificates.len())
    }
}

/// The certificates in PEM text; at least one.
pub(crate) fn read_authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()?;
    if certificates.is_empty() { Err(PemError::NoCertificate) } else { Ok(certificates) }
}

/// A certificate chain and its private key, to show to a peer that asks. Cheap to clone; never printed.
#[derive(Clone)]
pub struct ClientIdentity {
    pub(super) key: Arc<CertifiedKey>,
}

impl ClientIdentity {
    /// Reads a chain (leaf first) and the leaf's unencrypted key, and checks that they belong together.
    ///
    /// # Errors
    /// [`PemError`].
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, PemError> {
        let chain = read_authorities(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            pem::Error::NoItemsFound => PemError::NoPrivateKey,
            other => other.into(),
        })?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let key = CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => PemError::KeyMismatch,
            other => PemError::UnusableKey(other.to_string()),
        })?;
        Ok(Self { key: Arc::new(key) })
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientIdentity(…)")
    }
}
