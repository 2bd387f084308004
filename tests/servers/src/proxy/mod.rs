//! Proxies, good and bad: HTTP CONNECT, SOCKS5, and one that breaks into TLS with an authority of its own.

mod accept;
mod http;
mod inspect;
mod options;
mod record;
mod relay;
mod socks;

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::certificates::Certificates;
use crate::tls;
use accept::Shared;
use inspect::Inspection;
pub use options::{ProxyBehaviour, ProxyOptions, ProxyProtocol};
pub use record::ProxyRequest;
use record::Record;

/// A proxy on 127.0.0.1. It knows names by its routes only, whatever this machine's resolver says. It ends, with its
/// tunnels, when dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    certificates: Certificates,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy.
    ///
    /// # Errors
    /// When loopback has no port left, or a certificate cannot be made.
    pub async fn start(options: ProxyOptions) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listening on loopback")?;
        let port = listener.local_addr()?.port();
        let certificates = Certificates::generate("proxy")?;
        let acceptor = match options.protocol {
            ProxyProtocol::ConnectInTls => {
                Some(tls::acceptor(certificates.server(Default::default()), None)?)
            }
            ProxyProtocol::Connect | ProxyProtocol::Socks5 => None,
        };
        let shared = Arc::new(Shared {
            inspection: Inspection::new()?,
            behaviour: Mutex::new(options.behaviour.clone()),
            record: Record::default(),
            options,
        });
        let accepting = tokio::spawn(accept::accept(listener, acceptor, shared.clone()));
        Ok(Self { port, shared, certificates, accepting })
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its URL with this scheme, without a login.
    #[must_use]
    pub fn url(&self, scheme: &str) -> String {
        // A certificate is for the name.
        let host = if scheme == "https" { "localhost" } else { "127.0.0.1" };
        format!("{scheme}://{host}:{}", self.port)
    }

    /// Its URL with this scheme and what stands before the `@`.
    #[must_use]
    pub fn url_with(&self, scheme: &str, login: &str) -> String {
        self.url(scheme).replacen("://", &format!("://{login}@"), 1)
    }

    /// What it does from now on with whoever connects.
    pub fn set_behaviour(&self, behaviour: ProxyBehaviour) {
        *self.shared.behaviour.lock().unwrap_or_else(PoisonError::into_inner) = behaviour;
    }

    /// What it has been asked for, in that order.
    #[must_use]
    pub fn requests(&self) -> Vec<ProxyRequest> {
        self.shared.record.requests()
    }

    /// Waits until it has been asked so often.
    pub async fn until_asked(&self, times: usize) {
        self.shared.record.until_asked(times).await;
    }

    /// Every byte that clients have sent it, requests and tunnels, as it came over the network (for a proxy that is
    /// reached over TLS: inside of that).
    #[must_use]
    pub fn heard(&self) -> Vec<u8> {
        self.shared.record.heard()
    }

    /// What clients have said inside of the TLS that it broke into.
    #[must_use]
    pub fn inspected(&self) -> Vec<u8> {
        self.shared.record.inspected()
    }

    /// The authority by which it breaks into TLS, PEM.
    #[must_use]
    pub fn inspecting_authority(&self) -> String {
        self.shared.inspection.authority()
    }

    /// The authority of its own certificate when it is reached over TLS, PEM.
    #[must_use]
    pub fn own_authority(&self) -> &str {
        self.certificates.authority()
    }

    /// Breaks every tunnel and takes no more.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // Only then the port is free and the connections are closed: the task owns them.
        let _aborted = (&mut self.accepting).await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
