//! From a connection to a tunnel.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::inspect::Inspection;
use super::options::{ProxyBehaviour, ProxyOptions, ProxyProtocol};
use super::record::{ProxyRequest, Record};
use super::relay::relay;
use super::{http, socks};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: ProxyOptions,
    pub(super) behaviour: Mutex<ProxyBehaviour>,
    pub(super) record: Record,
    pub(super) inspection: Inspection,
}

/// What a client is told, in either protocol.
pub(super) enum Verdict {
    /// The tunnel is open.
    Open,
    /// It must log in, or has logged in wrongly.
    Login,
    /// The destination is not reached.
    Unreachable,
    /// As the test wants it: a status or a reply.
    Refused(u16),
}

pub(super) async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((tcp, _)) = accepted else { return };
                let (tls, shared) = (tls.clone(), shared.clone());
                connections.spawn(async move {
                    // A client that breaks off, or refuses the certificate, sees the end of its connection.
                    let _ended = match tls {
                        None => shared.serve(tcp).await,
                        Some(tls) => match tls.accept(tcp).await {
                            Ok(stream) => shared.serve(stream).await,
                            Err(error) => Err(error.into()),
                        },
                    };
                });
            }
            Some(_ended) = connections.join_next() => {}
        }
    }
}

impl Shared {
    async fn serve(&self, mut client: impl AsyncRead + AsyncWrite + Unpin) -> Result<()> {
        let behaviour = self.behaviour.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let ProxyBehaviour::Say(answer) = behaviour {
            let mut first = Vec::new();
            client.read_buf(&mut first).await?;
            self.record.hear(&first);
            client.write_all(answer).await?;
            client.flush().await?;
            client.read_to_end(&mut first).await?;
            return Ok(());
        }
        let is_socks = self.options.protocol == ProxyProtocol::Socks5;
        let asked = if is_socks {
            socks::request(&mut client, self.options.login.as_ref(), &self.record).await?
        } else {
            http::request(&mut client, &self.record).await?
        };
        let is_welcome = match &self.options.login {
            None => true,
            Some((user, password)) => asked.login.as_deref() == Some(&format!("{user}:{password}")),
        };
        let (host, port) = (asked.host.clone(), asked.port);
        self.record.asked(asked);
        let (verdict, server) = match &behaviour {
            ProxyBehaviour::Close => return Ok(()),
            ProxyBehaviour::Hang => return std::future::pending().await,
            _ if !is_welcome => (Verdict::Login, None),
            ProxyBehaviour::Refuse(number) => (Verdict::Refused(*number), None),
            _ => match self.reach(&host, port).await {
                Some(server) => (Verdict::Open, Some(server)),
                None => (Verdict::Unreachable, None),
            },
        };
        if is_socks {
            socks::answer(&mut client, &verdict).await?;
        } else {
            http::answer(&mut client, &verdict).await?;
        }
        let Some(server) = server else {
            client.shutdown().await?;
            return Ok(());
        };
        match behaviour {
            ProxyBehaviour::Inspect(authority) => {
                let (client, server) = self.inspection.break_into(client, server, &host, &authority).await?;
                relay(client, server, |bytes| self.record.inspect(bytes)).await?;
            }
            _ => relay(client, server, |bytes| self.record.hear(bytes)).await?,
        }
        Ok(())
    }

    /// Names by the routes only: a test must not depend on a resolver.
    async fn reach(&self, host: &str, port: u16) -> Option<TcpStream> {
        let routed = self.options.routes.iter().find(|(known, _)| known == host);
        let address = match routed {
            Some((_, port)) => SocketAddr::from((Ipv4Addr::LOCALHOST, *port)),
            None if host == "localhost" => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            None => SocketAddr::new(host.parse::<IpAddr>().ok().filter(IpAddr::is_loopback)?, port),
        };
        TcpStream::connect(address).await.ok()
    }
}

/// A request as it is recorded.
pub(super) fn asked(host: &str, port: u16, login: Option<String>) -> ProxyRequest {
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    ProxyRequest { host: host.to_owned(), port, login }
}
