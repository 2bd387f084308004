//! Accepts connections and gives each its own task. Nothing that a peer can delay happens here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{connection, tls};
use crate::settings::Settings;

/// Connections at once: 10,000 idle runners, and callers beside them. More wait in the kernel's queue.
const MOST: usize = 16_384;
/// How long to wait after an accept that failed, which is nearly always for want of file descriptors.
const AFTER_FAILURE: Duration = Duration::from_millis(100);
/// How long connections may take to finish what they are sending once the listener ends.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Why the gateway does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenerError {
    /// The address cannot be had.
    #[error("cannot listen on {address}: {reason}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        reason: std::io::Error,
    },
    /// Certificate or key cannot be used.
    #[error("cannot use {path} for TLS: {reason}")]
    Certificate {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A bound listener.
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Binds the address and reads the certificate.
    pub(crate) async fn bind(settings: &Settings) -> Result<Self, ListenerError> {
        let tls = settings.tls.as_ref().map(tls::server_config).transpose()?.map(TlsAcceptor::from);
        let failed = |reason| ListenerError::Bind { address: settings.listen, reason };
        let socket = TcpListener::bind(settings.listen).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address, tls })
    }

    /// Where it listens, with the port that was taken.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `ended`, then lets connections finish their answers.
    pub(crate) async fn serve(self, router: Router, ended: CancellationToken) {
        let room = Arc::new(Semaphore::new(MOST));
        let connections = TaskTracker::new();
        loop {
            let permit = tokio::select! {
                () = ended.cancelled() => break,
                permit = Arc::clone(&room).acquire_owned() => match permit {
                    Ok(permit) => permit,
                    Err(_) => break,
                },
            };
            let accepted = tokio::select! {
                () = ended.cancelled() => break,
                accepted = self.socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let serve =
                        connection::serve(stream, peer, self.tls.clone(), router.clone(), ended.clone());
                    connections.spawn(async move {
                        serve.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
        drop(self.socket);
        connections.close();
        if tokio::time::timeout(LAST_ANSWERS, connections.wait()).await.is_err() {
            tracing::warn!(connections = connections.len(), "connections were still open at the end");
        }
    }
}
