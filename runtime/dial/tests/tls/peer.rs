//! Servers on loopback, good and bad.

use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::authority::{Authority, Identity};

/// Whether a server asks for client certificates.
pub(crate) enum Clients<'a> {
    Ignored,
    SignedBy(&'a Authority),
}

/// A server that lives as long as this.
pub(crate) struct Peer {
    port: u16,
    task: JoinHandle<()>,
}

impl Peer {
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Speaks TLS and sends back what it is sent.
    pub(crate) async fn tls(identity: &Identity, clients: Clients<'_>) -> Self {
        Self::echo(config(identity, clients, rustls::ALL_VERSIONS)).await
    }

    /// The same, of the older protocol.
    pub(crate) async fn tls_1_2(identity: &Identity) -> Self {
        Self::echo(config(identity, Clients::Ignored, &[&rustls::version::TLS12])).await
    }

    /// Answers the first bytes with a text.
    pub(crate) async fn plain(greeting: &'static str) -> Self {
        Self::serve(move |mut stream: TcpStream| async move {
            let mut hello = [0; 1024];
            let _read = stream.read(&mut hello).await;
            let _sent = stream.write_all(greeting.as_bytes()).await;
            let _rest = stream.read_to_end(&mut Vec::new()).await;
        })
        .await
    }

    /// Accepts and says nothing.
    pub(crate) async fn hanging() -> Self {
        Self::serve(|stream: TcpStream| async move {
            let _open = stream;
            std::future::pending::<()>().await;
        })
        .await
    }

    /// Takes the first bytes and hangs up.
    pub(crate) async fn closing() -> Self {
        Self::serve(|mut stream: TcpStream| async move {
            let _read = stream.read(&mut [0; 4096]).await;
        })
        .await
    }

    async fn echo(config: ServerConfig) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::serve(move |stream: TcpStream| {
            let accepting = acceptor.accept(stream);
            async move {
                // A handshake that fails is the client's business to report.
                let Ok(stream) = accepting.await else { return };
                let (mut reader, mut writer) = tokio::io::split(stream);
                let _copied = tokio::io::copy(&mut reader, &mut writer).await;
            }
        })
        .await
    }

    /// Serves one connection after another.
    async fn serve<F, R>(serve: F) -> Self
    where
        F: Fn(TcpStream) -> R + Send + 'static,
        R: Future<Output = ()> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream).await;
            }
        });
        Self { port, task }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn config(
    identity: &Identity,
    clients: Clients<'_>,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions).unwrap();
    let builder = match clients {
        Clients::Ignored => builder.with_no_client_auth(),
        Clients::SignedBy(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .build()
                .unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain = vec![CertificateDer::from(identity.der().to_vec())];
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(identity.key_der()));
    let key = provider.key_provider.load_private_key(key).unwrap();
    // Put together by hand: the library's own way refuses certificates that some servers have.
    let certified = CertifiedKey::new(chain, key);
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"echo".to_vec()];
    config
}
