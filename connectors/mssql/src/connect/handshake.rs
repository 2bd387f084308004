//! TLS's handshake inside of prelogin packets (MS-TDS, section 3.2.5.2): the stream below TLS.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::packets::{END_OF_MESSAGE, HEADER, header, payload_length};
use super::prelogin::PRELOGIN;

/// The most payload that one packet carries during the handshake: packets of 4,096 bytes, before the login may ask
/// for longer ones.
const MAX_PAYLOAD: usize = 4_096 - HEADER;

/// Says when the handshake is over: what follows is TLS without packets around it.
#[derive(Debug, Clone, Default)]
pub(super) struct HandshakeOver(Arc<AtomicBool>);

impl HandshakeOver {
    pub(super) fn declare(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_declared(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A stream that wraps what is written into packets, and unwraps what is read, until the handshake is over.
#[derive(Debug)]
pub(super) struct Wrapped<S> {
    stream: S,
    over: HandshakeOver,
    /// The header of the packet that is read.
    header: [u8; HEADER],
    filled: usize,
    /// What is left of its payload.
    remaining: usize,
    /// Bytes on their way out, from `sent` on.
    outgoing: Vec<u8>,
    sent: usize,
    /// What was written since the last flush.
    pending: Vec<u8>,
    /// Whether what is read has no packets around it any more.
    bare: bool,
}

impl<S> Wrapped<S> {
    pub(super) fn new(stream: S, over: HandshakeOver) -> Self {
        Wrapped {
            stream,
            over,
            header: [0; HEADER],
            filled: 0,
            remaining: 0,
            outgoing: Vec::new(),
            sent: 0,
            pending: Vec::new(),
            bare: false,
        }
    }
}

impl<S: AsyncRead + Unpin> Wrapped<S> {
    /// Reads a packet's header. Once the handshake is over, the first byte that begins no packet begins bare TLS: it
    /// stays in `header`.
    fn poll_header(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        while self.filled < HEADER {
            let wanted = if self.over.is_declared() && self.filled == 0 { 1 } else { HEADER - self.filled };
            let place = self.header.get_mut(self.filled..self.filled + wanted).unwrap_or_default();
            let mut buf = ReadBuf::new(place);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf))?;
            let read = buf.filled().len();
            if read == 0 {
                return Poll::Ready(Ok(false));
            }
            self.filled += read;
            let [kind, ..] = self.header;
            if kind != PRELOGIN {
                if self.over.is_declared() && self.filled == 1 {
                    self.bare = true;
                    return Poll::Ready(Ok(true));
                }
                return Poll::Ready(Err(no_prelogin()));
            }
        }
        self.remaining = payload_length(&self.header).ok_or_else(no_prelogin)?;
        self.filled = 0;
        Poll::Ready(Ok(true))
    }
}

fn no_prelogin() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a packet in the TLS handshake is not one of it")
}

impl<S: AsyncRead + Unpin> AsyncRead for Wrapped<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        while !this.bare && this.remaining == 0 {
            if !ready!(this.poll_header(cx))? {
                return Poll::Ready(Ok(()));
            }
        }
        if this.bare {
            // The byte that showed it comes first.
            if std::mem::take(&mut this.filled) > 0 {
                let [first, ..] = this.header;
                buf.put_slice(&[first]);
                return Poll::Ready(Ok(()));
            }
            return Pin::new(&mut this.stream).poll_read(cx, buf);
        }
        let length = this.remaining.min(buf.remaining());
        let mut limited = ReadBuf::new(buf.initialize_unfilled_to(length));
        ready!(Pin::new(&mut this.stream).poll_read(cx, &mut limited))?;
        let read = limited.filled().len();
        this.remaining -= read;
        buf.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wrapped<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.over.is_declared() && this.pending.is_empty() && this.sent == this.outgoing.len() {
            return Pin::new(&mut this.stream).poll_write(cx, bytes);
        }
        // A handshake's flights have a few kilobytes, and each is flushed.
        this.pending.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let pending = std::mem::take(&mut this.pending);
        let mut packets = pending.chunks(MAX_PAYLOAD).peekable();
        while let Some(payload) = packets.next() {
            let status = if packets.peek().is_none() { END_OF_MESSAGE } else { 0 };
            this.outgoing.extend(header(PRELOGIN, status, payload.len()).unwrap_or_default());
            this.outgoing.extend_from_slice(payload);
        }
        while let Some(rest @ [_, ..]) = this.outgoing.get(this.sent..) {
            let written = ready!(Pin::new(&mut this.stream).poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            this.sent += written;
        }
        this.outgoing.clear();
        this.sent = 0;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_flight_is_one_message_and_after_the_handshake_nothing_is_wrapped() {
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        let over = HandshakeOver::default();
        let mut stream = Wrapped::new(near, over.clone());
        stream.write_all(&[7; 5_000]).await.unwrap();
        stream.flush().await.unwrap();
        let mut head = [0; HEADER];
        far.read_exact(&mut head).await.unwrap();
        assert_eq!(head[..4], [PRELOGIN, 0, 0x10, 0x00]);
        let mut rest = vec![0; MAX_PAYLOAD + HEADER + 5_000 - MAX_PAYLOAD];
        far.read_exact(&mut rest).await.unwrap();
        assert_eq!(rest[MAX_PAYLOAD..MAX_PAYLOAD + 2], [PRELOGIN, END_OF_MESSAGE]);
        let answer = [&header(PRELOGIN, 1, 3).unwrap()[..], &[1, 2, 3]].concat();
        far.write_all(&answer).await.unwrap();
        let mut read = [0; 3];
        stream.read_exact(&mut read).await.unwrap();
        assert_eq!(read, [1, 2, 3]);
        over.declare();
        // One that was wrapped all the same, then bare bytes.
        far.write_all(&answer).await.unwrap();
        far.write_all(&[0x17, 3, 3]).await.unwrap();
        let mut read = [0; 6];
        stream.read_exact(&mut read).await.unwrap();
        assert_eq!(read, [1, 2, 3, 0x17, 3, 3]);
        stream.write_all(&[9]).await.unwrap();
        assert_eq!(far.read_u8().await.unwrap(), 9);
    }

    #[tokio::test]
    async fn what_is_no_packet_ends_the_handshake() {
        let (near, mut far) = tokio::io::duplex(1_024);
        let mut stream = Wrapped::new(near, HandshakeOver::default());
        far.write_all(b"HTTP/1.1 400 Bad Request\r\n").await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
