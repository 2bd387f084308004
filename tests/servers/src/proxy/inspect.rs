//! Breaking into TLS, as an inspecting proxy does: its own certificate to the client, TLS of its own to the server.

use std::fmt;

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{client, server};

use crate::certificates::{Issuer, make_authority, sign_server};
use crate::tls;

pub(super) struct Inspection {
    authority: Issuer,
}

impl Inspection {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { authority: make_authority("Corporate Inspection Authority")? })
    }

    pub(super) fn authority(&self) -> String {
        self.authority.pem()
    }

    /// Both ends of a tunnel to `host`, opened. `upstream` is the authority that the server's certificate is held against.
    pub(super) async fn break_into<C: AsyncRead + AsyncWrite + Unpin>(
        &self,
        client: C,
        server: TcpStream,
        host: &str,
        upstream: &str,
    ) -> Result<(server::TlsStream<C>, client::TlsStream<TcpStream>)> {
        let resigned = sign_server(&self.authority, host)?;
        let client = tls::acceptor(&resigned, None)?.accept(client).await?;
        let name = ServerName::try_from(host.to_owned())?;
        let server = tls::connector(upstream)?.connect(name, server).await?;
        Ok((client, server))
    }
}

impl fmt::Debug for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspection").finish_non_exhaustive()
    }
}
