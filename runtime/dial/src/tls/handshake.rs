//! The TLS stage.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, ProtocolVersion};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as RustlsStream;

use super::certificate::PresentedCertificate;
use super::options::{TlsOptions, Verify};
use super::session::{TlsSession, TlsStream};
use super::verifier::RecordingVerifier;
use crate::destination::Destination;
use crate::dialer::Dialer;
use crate::error::{DialError, Stage};
use crate::kind::Kind;

impl Dialer {
    /// Encrypts a connected stream, and checks the peer's certificate as `options` ask.
    ///
    /// `destination` is where the stream leads: its host is the name that is asked for and checked, unless
    /// `options.server_name` says otherwise. A failure carries the certificate that was presented.
    ///
    /// # Errors
    /// [`Stage::Tls`].
    pub async fn start_tls<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        destination: &Destination,
        options: &TlsOptions,
        limit: Duration,
    ) -> Result<TlsStream<S>, DialError> {
        let start = Instant::now();
        let fail = |kind| DialError::new(Stage::Tls, kind, destination, start.elapsed());
        let verifier = Arc::new(self.verifier(options));
        let config =
            self.client_config(options, verifier.clone()).map_err(|error| fail(Kind::of_tls(&error)))?;
        let name = options.server_name.as_deref().unwrap_or(destination.host());
        let server_name = ServerName::try_from(name.to_owned())
            .map_err(|error| fail(Kind::InvalidHost).with_source(error))?;

        let handshake = TlsConnector::from(Arc::new(config)).connect(server_name, stream);
        let presented = || verifier.seen.get().and_then(|der| PresentedCertificate::from_der(der));
        match timeout(limit, handshake).await {
            Ok(Ok(inner)) => match session(&inner, options.verify) {
                Some(session) => Ok(TlsStream { inner, session }),
                None => {
                    Err(fail(Kind::HandshakeFailed { detail: "no certificate was presented".to_owned() }))
                }
            },
            Ok(Err(error)) => {
                let certificate = presented();
                let kind = match (Kind::of_io(&error), &certificate) {
                    // The library lists names in a notation of its own.
                    (Kind::CertificateNameMismatch { expected, .. }, Some(certificate)) => {
                        Kind::CertificateNameMismatch { expected, presented: certificate.names.clone() }
                    }
                    (kind, _) => kind,
                };
                Err(fail(kind).with_certificate(certificate).with_source(error))
            }
            Err(_) => Err(fail(Kind::TimedOut).with_certificate(presented())),
        }
    }

    fn verifier(&self, options: &TlsOptions) -> RecordingVerifier {
        let (roots, pinned) = match &options.authorities {
            Some(given) => (given.store.clone(), given.certificates.clone()),
            None => (self.shared.roots.store(), Arc::from([])),
        };
        RecordingVerifier {
            verify: options.verify,
            roots,
            pinned,
            algorithms: self.shared.provider.signature_verification_algorithms,
            seen: OnceLock::new(),
        }
    }

    fn client_config(
        &self,
        options: &TlsOptions,
        verifier: Arc<RecordingVerifier>,
    ) -> Result<ClientConfig, rustls::Error> {
        let builder = ClientConfig::builder_with_provider(self.shared.provider.clone())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match &options.identity {
            Some(identity) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.key.clone())))
            }
            None => builder.with_no_client_auth(),
        };
        // Connections are few and long-lived, and a resumed session would show no certificate.
        config.resumption = Resumption::disabled();
        config.alpn_protocols.clone_from(&options.alpn);
        Ok(config)
    }
}

/// The facts of a finished handshake; `None` when the library cannot name them.
fn session<S>(stream: &RustlsStream<S>, verify: Verify) -> Option<TlsSession> {
    let (_, connection) = stream.get_ref();
    Some(TlsSession {
        version: version_name(connection.protocol_version()?)?,
        cipher: connection.negotiated_cipher_suite()?.suite().as_str()?,
        alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
        verify,
        certificate: connection.peer_certificates()?.first()?.clone().into_owned(),
    })
}

/// The version as OpenSSL and PostgreSQL spell it.
const fn version_name(version: ProtocolVersion) -> Option<&'static str> {
    match version {
        ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
        ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
        _ => None,
    }
}
