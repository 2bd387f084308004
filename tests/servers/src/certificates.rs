//! Certificates made for a test run: a good set, and one of each kind that must be refused.

use std::path::PathBuf;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, date_time_ymd,
};

use crate::workspace::ServerDirectory;

/// A certificate and its key, both PEM.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The certificate.
    pub certificate: String,
    /// Its unencrypted private key (PKCS #8).
    pub key: String,
}

/// Which certificate a server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServerCertificate {
    /// For `localhost`, 127.0.0.1, ::1 and `gateway.example`, signed by the authority.
    #[default]
    Good,
    /// Signed by the authority, but for `wrong.example`.
    WrongName,
    /// Like the good one, but no longer valid.
    Expired,
    /// Like the good one, but signed by an authority nobody knows.
    UnknownAuthority,
}

/// An authority and what it signed.
#[derive(Debug, Clone)]
pub struct Certificates {
    authority: String,
    good: Credential,
    wrong_name: Credential,
    expired: Credential,
    unknown_authority: Credential,
    client: Credential,
}

const SERVER_NAMES: &[&str] = &["localhost", "127.0.0.1", "::1", "gateway.example"];

impl Certificates {
    /// Makes a new set; `client` is the common name in the client's certificate (PostgreSQL takes it for
    /// the user's name).
    ///
    /// # Errors
    /// When a key or certificate cannot be made.
    pub fn generate(client: &str) -> Result<Self> {
        let authority = make_authority("Test Authority")?;
        let stranger = make_authority("Authority That Nobody Knows")?;
        let server = |issuer: &Issuer, names: &[&str], until: i32| {
            sign(issuer, "server", names, until, ExtendedKeyUsagePurpose::ServerAuth)
        };
        Ok(Self {
            good: server(&authority, SERVER_NAMES, 4000)?,
            wrong_name: server(&authority, &["wrong.example"], 4000)?,
            expired: server(&authority, SERVER_NAMES, 2002)?,
            unknown_authority: server(&stranger, SERVER_NAMES, 4000)?,
            client: sign(&authority, client, &[], 4000, ExtendedKeyUsagePurpose::ClientAuth)?,
            authority: authority.pem(),
        })
    }

    /// The authority's certificate, PEM: what a client is told to trust.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// A server's certificate.
    #[must_use]
    pub const fn server(&self, which: ServerCertificate) -> &Credential {
        match which {
            ServerCertificate::Good => &self.good,
            ServerCertificate::WrongName => &self.wrong_name,
            ServerCertificate::Expired => &self.expired,
            ServerCertificate::UnknownAuthority => &self.unknown_authority,
        }
    }

    /// A client's certificate, signed by the authority.
    #[must_use]
    pub const fn client(&self) -> &Credential {
        &self.client
    }

    /// Writes what a server needs into its directory.
    pub(crate) fn write(
        &self,
        directory: &ServerDirectory,
        which: ServerCertificate,
    ) -> Result<CertificateFiles> {
        let server = self.server(which);
        Ok(CertificateFiles {
            authority: directory.write("ca.crt", &self.authority)?,
            certificate: directory.write("server.crt", &server.certificate)?,
            key: directory.write("server.key", &server.key)?,
        })
    }
}

/// The files of a server's TLS configuration.
#[derive(Debug, Clone)]
pub(crate) struct CertificateFiles {
    pub(crate) authority: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

pub(crate) type Issuer = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn make_authority(name: &str) -> Result<Issuer> {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate()?).context("making a certificate authority")
}

/// A server's certificate for one name.
pub(crate) fn sign_server(issuer: &Issuer, name: &str) -> Result<Credential> {
    sign(issuer, name, &[name], 4000, ExtendedKeyUsagePurpose::ServerAuth)
}

fn sign(
    issuer: &Issuer,
    name: &str,
    names: &[&str],
    until: i32,
    usage: ExtendedKeyUsagePurpose,
) -> Result<Credential> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = named(name);
    params.extended_key_usages = vec![usage];
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer).context("signing a certificate")?;
    Ok(Credential { certificate: certificate.pem(), key: key.serialize_pem() })
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}
