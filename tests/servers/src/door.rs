//! A TLS listener before a plain server: what a load balancer is.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Certificates, ServerCertificate};
use crate::tls;

/// How a door is set up.
#[derive(Debug, Clone, Copy, Default)]
pub struct TlsDoorOptions {
    /// The certificate that it shows.
    pub certificate: ServerCertificate,
    /// Whether it opens only to clients with a certificate of its authority.
    pub asks_clients: bool,
}

/// TLS before a plain server. It ends, with its connections, when dropped.
#[derive(Debug)]
pub struct TlsDoor {
    port: u16,
    certificates: Certificates,
    accepting: JoinHandle<()>,
}

impl TlsDoor {
    /// Opens before a plain server at this port of 127.0.0.1.
    ///
    /// # Errors
    /// When loopback has no port left, or a certificate cannot be made.
    pub async fn start(server: u16, options: TlsDoorOptions) -> Result<Self> {
        let certificates = Certificates::generate("runner")?;
        let clients = options.asks_clients.then(|| certificates.authority());
        let acceptor = tls::acceptor(certificates.server(options.certificate), clients)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listening on loopback")?;
        let port = listener.local_addr()?.port();
        let accepting = tokio::spawn(accept(listener, acceptor, server));
        Ok(Self { port, certificates, accepting })
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its authority, and a client's certificate of it.
    #[must_use]
    pub const fn certificates(&self) -> &Certificates {
        &self.certificates
    }
}

impl Drop for TlsDoor {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, server: u16) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { return };
                let acceptor = acceptor.clone();
                connections.spawn(async move {
                    // A client without a certificate sees the alert, and the end of its connection.
                    let _ended = carry(acceptor, client, server).await;
                });
            }
            Some(_ended) = connections.join_next() => {}
        }
    }
}

async fn carry(acceptor: TlsAcceptor, client: TcpStream, server: u16) -> std::io::Result<()> {
    let mut client = acceptor.accept(client).await?;
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
