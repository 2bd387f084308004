//! The stream that the library speaks on. It knows where messages begin and end, so that an attention can be sent
//! while a response is being read, and what it leaves behind be taken away.
//!
//! The library's own cancel call wants the response's reader dropped first, which may stop in the middle of a value:
//! what follows would be read as something else.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use dial::BoxedStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::packets::{END_OF_MESSAGE, HEADER, Packets, header};
use crate::session::ROW_SIZE;

/// The packet type of an attention (MS-TDS, section 2.2.1.7).
const ATTENTION: u8 = 0x06;
/// The packet type of a login.
const LOGIN: u8 = 0x10;
/// How much is read at once when a response is thrown away.
const SCRAP: usize = 16 * 1024;

/// The stream, as the library holds it.
pub(crate) struct Port(Handle);

/// The same stream, as the session holds it.
#[derive(Clone)]
pub(crate) struct Handle(Arc<Mutex<Line>>);

/// How far an attention has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attention {
    None,
    /// To be sent, from this byte on.
    Wanted(usize),
    /// Sent, not answered yet.
    Sent,
}

struct Line {
    stream: BoxedStream,
    /// What the connection goes on with after the login.
    after_login: Option<BoxedStream>,
    /// What the library hears instead of the server's own answer to its first message.
    greeting: Vec<u8>,
    outgoing: Packets,
    incoming: Packets,
    attention: Attention,
    /// How many bytes of a row have come.
    row: usize,
}

impl Port {
    /// A port on a stream whose prelogin is over; `greeting` is what the library is told about it. With
    /// `after_login`, the login message alone goes over `stream`.
    pub(super) fn new(
        stream: BoxedStream,
        after_login: Option<BoxedStream>,
        greeting: Vec<u8>,
    ) -> (Port, Handle) {
        let line = Line {
            stream,
            after_login,
            greeting,
            outgoing: Packets::default(),
            incoming: Packets::default(),
            attention: Attention::None,
            row: 0,
        };
        let handle = Handle(Arc::new(Mutex::new(line)));
        (Port(handle.clone()), handle)
    }
}

impl Handle {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the server to stop what it is doing. The request goes out with the next read of the response, which then
    /// ends early and has to be read to its end.
    pub(crate) fn attend(&self) {
        let mut line = self.line();
        if line.attention == Attention::None {
            line.attention = Attention::Wanted(0);
        }
    }

    /// Takes note that what comes next is another row.
    pub(crate) fn row_ended(&self) {
        self.line().row = 0;
    }

    /// How many bytes of a row have come. Beyond [`ROW_SIZE`] no more of it is read, and the connection is at its end.
    pub(crate) fn row_bytes(&self) -> usize {
        self.line().row
    }

    /// Waits until nothing is under way: to be called when the response has been read to its end. An attention that
    /// was not sent is not needed any more; one that crossed the response is answered in a message of its own.
    ///
    /// # Errors
    /// What the connection says.
    pub(crate) async fn quiet(&self) -> io::Result<()> {
        poll_fn(|cx| self.line().poll_quiet(cx)).await
    }
}

impl Line {
    /// Sends the attention, once the request it is about has gone out whole.
    fn poll_attention(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Attention::Wanted(sent) = self.attention {
            if !self.outgoing.between_messages() {
                return Poll::Ready(Ok(()));
            }
            let packet = header(ATTENTION, END_OF_MESSAGE, 0).unwrap_or_default();
            match packet.get(sent..) {
                Some(rest @ [_, ..]) => {
                    let written = ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
                    if written == 0 {
                        return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                    }
                    self.attention = Attention::Wanted(sent + written);
                }
                _ => {
                    ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
                    self.attention = Attention::Sent;
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads, past no packet's end while an attention is out: what comes behind it may be its answer.
    fn poll_incoming(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let limit = match self.attention {
            Attention::Sent => self.incoming.within_packet().min(buf.remaining()),
            Attention::None | Attention::Wanted(_) => buf.remaining(),
        };
        if self.row > ROW_SIZE {
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        let mut limited = ReadBuf::new(buf.initialize_unfilled_to(limit));
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut limited))?;
        let read = limited.filled().len();
        self.incoming.pass(limited.filled());
        self.row += read;
        buf.advance(read);
        if self.attention == Attention::Sent && self.incoming.ended_with_attention() {
            self.attention = Attention::None;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.attention {
            // Some of it is out already: it has to be finished, and will be answered.
            Attention::Wanted(sent @ 1..) if sent < HEADER => ready!(self.poll_attention(cx))?,
            Attention::Wanted(0) => self.attention = Attention::None,
            Attention::Wanted(_) => ready!(self.poll_attention(cx))?,
            Attention::None | Attention::Sent => {}
        }
        let mut scrap = vec![0; SCRAP];
        while self.attention == Attention::Sent {
            let mut buf = ReadBuf::new(&mut scrap);
            ready!(self.poll_incoming(cx, &mut buf))?;
            if buf.filled().is_empty() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Port {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut line = self.0.line();
        if !line.greeting.is_empty() {
            let length = line.greeting.len().min(buf.remaining());
            let said: Vec<u8> = line.greeting.drain(..length).collect();
            buf.put_slice(&said);
            return Poll::Ready(Ok(()));
        }
        ready!(line.poll_attention(cx))?;
        line.poll_incoming(cx, buf)
    }
}

impl AsyncWrite for Port {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut line = self.0.line();
        // The library's first message was answered before it began.
        if line.outgoing.messages() == 0 {
            let length = line.outgoing.within_packet().min(bytes.len());
            let (taken, _) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
            line.outgoing.pass(taken);
            return Poll::Ready(Ok(taken.len()));
        }
        if line.outgoing.between_messages() {
            line.row = 0;
        }
        let written = ready!(Pin::new(&mut line.stream).poll_write(cx, bytes))?;
        line.outgoing.pass(bytes.get(..written).unwrap_or_default());
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut line = self.0.line();
        ready!(Pin::new(&mut line.stream).poll_flush(cx))?;
        let logged_in = line.outgoing.kind() == LOGIN && line.outgoing.between_messages();
        if logged_in && let Some(stream) = line.after_login.take() {
            line.stream = stream;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.line().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    const REQUEST: [u8; 10] = [1, 1, 0, 10, 0, 0, 1, 0, 0xAA, 0xBB];

    async fn connected() -> (Port, Handle, DuplexStream) {
        let (near, far) = tokio::io::duplex(1 << 16);
        let (mut port, handle) = Port::new(Box::new(near), None, vec![1, 2, 3]);
        port.write_all(&[0x12, 1, 0, 9, 0, 0, 0, 0, 7]).await.unwrap();
        let mut greeting = [0; 3];
        port.read_exact(&mut greeting).await.unwrap();
        (port, handle, far)
    }

    fn message(status: u8) -> Vec<u8> {
        let mut token = vec![0xFD, status];
        token.resize(13, 0);
        [&header(4, END_OF_MESSAGE, 13).unwrap()[..], &token].concat()
    }

    #[tokio::test]
    async fn the_first_message_is_answered_here_and_the_second_goes_out() {
        let (mut port, _handle, mut far) = connected().await;
        port.write_all(&REQUEST).await.unwrap();
        let mut sent = [0; 10];
        far.read_exact(&mut sent).await.unwrap();
        assert_eq!(sent, REQUEST);
    }

    #[tokio::test]
    async fn an_attention_waits_for_the_whole_request_and_its_answer_ends_the_response() {
        let (mut port, handle, mut far) = connected().await;
        handle.attend();
        port.write_all(&REQUEST).await.unwrap();
        far.write_all(&message(0x20)).await.unwrap();
        let mut answer = vec![0; 21];
        port.read_exact(&mut answer).await.unwrap();
        let mut sent = [0; 18];
        far.read_exact(&mut sent).await.unwrap();
        assert_eq!((sent[0], sent[10], sent[11]), (1, ATTENTION, END_OF_MESSAGE));
        handle.quiet().await.unwrap();
    }

    #[tokio::test]
    async fn an_attention_that_crossed_the_response_is_answered_behind_it_and_never_read_as_the_next_response()
     {
        let (mut port, handle, mut far) = connected().await;
        port.write_all(&REQUEST).await.unwrap();
        handle.attend();
        far.write_all(&[message(0), message(0x20), message(0x10)].concat()).await.unwrap();
        let mut response = vec![0; 21];
        port.read_exact(&mut response).await.unwrap();
        assert_eq!(response, message(0));
        handle.quiet().await.unwrap();
        port.read_exact(&mut response).await.unwrap();
        assert_eq!(response, message(0x10));
    }

    #[tokio::test]
    async fn an_attention_that_nobody_needs_any_more_is_not_sent() {
        let (mut port, handle, mut far) = connected().await;
        handle.attend();
        handle.quiet().await.unwrap();
        port.write_all(&REQUEST).await.unwrap();
        drop((port, handle));
        let mut sent = Vec::new();
        far.read_to_end(&mut sent).await.unwrap();
        assert_eq!(sent, REQUEST);
    }

    #[tokio::test]
    async fn a_server_that_goes_away_before_it_answers_is_an_error() {
        let (mut port, handle, mut far) = connected().await;
        port.write_all(&REQUEST).await.unwrap();
        handle.attend();
        far.write_all(&message(0)).await.unwrap();
        let mut response = vec![0; 21];
        port.read_exact(&mut response).await.unwrap();
        drop(far);
        assert!(handle.quiet().await.is_err());
    }

    #[tokio::test]
    async fn the_login_alone_goes_over_the_first_stream_where_another_follows() {
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let (plain_near, mut plain_far) = tokio::io::duplex(1 << 16);
        let (mut port, _handle) = Port::new(Box::new(near), Some(Box::new(plain_near)), Vec::new());
        port.write_all(&[0x12, 1, 0, 8, 0, 0, 0, 0]).await.unwrap();
        port.write_all(&[LOGIN, 1, 0, 9, 0, 0, 0, 0, 5]).await.unwrap();
        port.flush().await.unwrap();
        port.write_all(&REQUEST).await.unwrap();
        let mut login = Vec::new();
        far.read_to_end(&mut login).await.unwrap();
        assert_eq!(login.len(), 9);
        let mut request = [0; 10];
        plain_far.read_exact(&mut request).await.unwrap();
        assert_eq!(request, REQUEST);
    }
}
