//! The certificate check, which also keeps what it saw.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use x509_parser::certificate::X509Certificate;

use super::options::Verify;

/// Checks one peer's certificate as far as [`Verify`] asks, and records the certificate so that a refusal
/// can show it.
#[derive(Debug)]
pub(super) struct RecordingVerifier {
    pub(super) verify: Verify,
    pub(super) roots: Arc<RootCertStore>,
    /// Certificates trusted as they are, also when one of them is the server's own.
    pub(super) pinned: Arc<[CertificateDer<'static>]>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    pub(super) seen: OnceLock<CertificateDer<'static>>,
}

impl RecordingVerifier {
    fn check_chain(
        &self,
        leaf: &CertificateDer<'_>,
        parsed: &ParsedCertificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        // `openssl req -x509` makes a self-signed certificate that is marked as an authority, and giving
        // clients that very file as their root is common practice. Path building refuses an authority in
        // the server's place, but there is no path to build: the owner named this certificate.
        if self.pinned.iter().any(|pinned| pinned == leaf) {
            return check_validity(leaf, now);
        }
        verify_server_cert_signed_by_trust_anchor(
            parsed,
            &self.roots,
            intermediates,
            now,
            self.algorithms.all,
        )
        .map_err(|error| match error {
            // An authority that was made anew under its old name signs with another key.
            Error::InvalidCertificate(CertificateError::BadSignature) => {
                CertificateError::UnknownIssuer.into()
            }
            other => other,
        })
    }
}

impl ServerCertVerifier for RecordingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // Set before any check, and only once: one verifier serves one handshake.
        self.seen.get_or_init(|| end_entity.clone().into_owned());
        if self.verify != Verify::None {
            let parsed = ParsedCertificate::try_from(end_entity)?;
            self.check_chain(end_entity, &parsed, intermediates, now)?;
            if self.verify == Verify::Full {
                verify_server_name(&parsed, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.verify != Verify::None {
            return verify_tls12_signature(message, cert, dss, &self.algorithms);
        }
        let certificate = parse(cert)?;
        let key = certificate.public_key().subject_public_key.data.as_ref();
        // In this version a scheme names no curve: one of the algorithms it stands for has to fit.
        let named = self.algorithms.mapping.iter().filter(|(scheme, _)| *scheme == dss.scheme);
        let mut candidates = named.flat_map(|(_, algorithms)| algorithms.iter());
        if candidates.any(|algorithm| algorithm.verify_signature(key, message, dss.signature()).is_ok()) {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(CertificateError::BadSignature.into())
        }
    }

    // Signatures are checked in every mode: without that, somebody in the middle could show the real
    // server's certificate without having its key, and channel binding would vouch for them.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.verify != Verify::None {
            return verify_tls13_signature(message, cert, dss, &self.algorithms);
        }
        // A certificate that nobody checks may be of any shape (old openssl made version 1, and so may servers
        // that make their own): only its public key is of interest.
        let certificate = parse(cert)?;
        let key = SubjectPublicKeyInfoDer::from(certificate.public_key().raw);
        verify_tls13_signature_with_raw_key(message, &key, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Error> {
    match x509_parser::parse_x509_certificate(der) {
        Ok((_, certificate)) => Ok(certificate),
        Err(_) => Err(CertificateError::BadEncoding.into()),
    }
}

fn check_validity(der: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let certificate = parse(der)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < certificate.validity().not_before.timestamp() {
        Err(CertificateError::NotValidYet.into())
    } else if now > certificate.validity().not_after.timestamp() {
        Err(CertificateError::Expired.into())
    } else {
        Ok(())
    }
}
