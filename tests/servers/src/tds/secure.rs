//! TLS: its handshake travels inside PRELOGIN packets, what follows does not (MS-TDS 3.3.5.1).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anyhow::{Context as _, Result};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto, version};
use tokio_rustls::server::TlsStream;

use super::packet::{HEADER, Kind, header};
use crate::certificates::Credential;

/// The connection, encrypted or not.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(Framed),
    Secure(Box<TlsStream<Framed>>),
}

impl Stream {
    /// Ends encryption, as clients do that encrypt nothing but the login.
    pub(super) fn into_plain(self) -> Self {
        match self {
            Self::Plain(stream) => Self::Plain(stream),
            Self::Secure(stream) => Self::Plain(stream.into_inner().0),
        }
    }

    pub(super) const fn is_encrypted(&self) -> bool {
        matches!(self, Self::Secure(_))
    }
}

/// What the server shows. As SQL Server does before TDS 8, it speaks TLS 1.2 only.
pub(super) fn server_config(credential: &Credential) -> Result<Arc<ServerConfig>> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(credential.certificate.as_bytes()).collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(credential.key.as_bytes())?;
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(Arc::new(config))
}

/// Shakes hands.
pub(super) async fn accept(config: Arc<ServerConfig>, mut stream: Framed) -> Result<Stream> {
    stream.framing = true;
    let mut stream = TlsAcceptor::from(config).accept(stream).await.context("the TLS handshake")?;
    stream.get_mut().0.framing = false;
    Ok(Stream::Secure(Box::new(stream)))
}

/// The TCP stream; while `framing`, what is read is taken out of PRELOGIN packets, and what is written is put into them.
#[derive(Debug)]
pub(super) struct Framed {
    stream: TcpStream,
    framing: bool,
    header: Vec<u8>,
    remaining: usize,
    outgoing: Vec<u8>,
    wire: Vec<u8>,
}

impl Framed {
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            framing: false,
            header: Vec::new(),
            remaining: 0,
            outgoing: Vec::new(),
            wire: Vec::new(),
        }
    }

    fn poll_wire(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.wire.is_empty() && !self.outgoing.is_empty() {
            let outgoing = std::mem::take(&mut self.outgoing);
            header(&mut self.wire, Kind::Prelogin, outgoing.len(), true, 0, 0).map_err(io::Error::other)?;
            self.wire.extend_from_slice(&outgoing);
        }
        while !self.wire.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.wire))?;
            self.wire.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Framed {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.framing && this.remaining == 0 {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        }
        while this.remaining == 0 {
            let mut byte = [0];
            let mut one = ReadBuf::new(&mut byte);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut one))?;
            if one.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.header.extend_from_slice(one.filled());
            if let [kind, _, high, low, _, _, _, _] = this.header.as_slice() {
                if *kind != Kind::Prelogin as u8 {
                    return Poll::Ready(Err(io::Error::other(
                        "a packet of another type within the TLS handshake",
                    )));
                }
                this.remaining = usize::from(u16::from_be_bytes([*high, *low])).saturating_sub(HEADER);
                this.header.clear();
            }
        }
        let room = this.remaining.min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(room));
        ready!(Pin::new(&mut this.stream).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        this.remaining -= read;
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Framed {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.framing {
            this.outgoing.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut this.stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_wire(cx))?;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

macro_rules! each {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream.get_mut() {
            Stream::Plain($inner) => $call,
            Stream::Secure($inner) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self, inner => Pin::new(inner).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, inner => Pin::new(inner).poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, inner => Pin::new(inner).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, inner => Pin::new(inner).poll_shutdown(cx))
    }
}
