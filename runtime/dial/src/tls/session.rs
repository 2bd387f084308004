//! An encrypted stream and the facts of its session.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client;

use super::certificate::PresentedCertificate;
use super::options::Verify;

/// What was agreed in a handshake.
#[derive(Debug, Clone)]
pub struct TlsSession {
    pub(super) version: &'static str,
    pub(super) cipher: &'static str,
    pub(super) alpn: Option<Vec<u8>>,
    pub(super) verify: Verify,
    pub(super) certificate: CertificateDer<'static>,
}

impl TlsSession {
    /// The protocol's version: `TLSv1.2` or `TLSv1.3`.
    #[must_use]
    pub const fn version(&self) -> &'static str {
        self.version
    }

    /// The cipher suite's name, as rustls spells it.
    #[must_use]
    pub const fn cipher(&self) -> &'static str {
        self.cipher
    }

    /// The application protocol the peer chose, if any.
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.alpn.as_deref()
    }

    /// How much of the certificate was checked.
    #[must_use]
    pub const fn verify(&self) -> Verify {
        self.verify
    }

    /// Whether the certificate was traced to a trusted authority.
    #[must_use]
    pub const fn verified(&self) -> bool {
        !matches!(self.verify, Verify::None)
    }

    /// The peer's own certificate, in DER: what `tls-server-end-point` channel binding hashes (RFC 5929 §4).
    #[must_use]
    pub fn peer_certificate_der(&self) -> &[u8] {
        &self.certificate
    }

    /// The peer's own certificate, to be shown.
    #[must_use]
    pub fn peer_certificate(&self) -> Option<PresentedCertificate> {
        PresentedCertificate::from_der(&self.certificate)
    }
}

/// An encrypted stream.
pub struct TlsStream<S> {
    pub(super) inner: client::TlsStream<S>,
    pub(super) session: TlsSession,
}

impl<S> TlsStream<S> {
    /// What was agreed in the handshake.
    #[must_use]
    pub const fn session(&self) -> &TlsSession {
        &self.session
    }

    /// The stream underneath.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        self.inner.get_ref().0
    }
}

impl<S> fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").field("version", &self.session.version).finish_non_exhaustive()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
