//! Connections to the database.
//!
//! In a component the runner makes them: it resolves the name, checks it against what this connector is granted, races
//! the addresses, and speaks TLS with its own authorities. Natively, in tests, they are those of [`std::net`], without TLS.

mod failure;
#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod wasm;

use std::io::{self, BufRead, Read, Write};

pub use failure::{Failure, unreachable};

#[cfg(not(target_arch = "wasm32"))]
use native::Connection;
#[cfg(target_arch = "wasm32")]
use wasm::Connection;

/// How much is asked for in one read: a crossing into the runner costs more than copying this much.
const READ_BYTES: usize = 32 * 1024;

/// One TCP connection, with TLS or without. Dropping it closes it.
///
/// Reads go through a buffer ([`BufRead`] reads lines from it); writes go out as they come, so gather a request into one
/// buffer and write that.
#[derive(Debug)]
pub struct TcpStream {
    connection: Connection,
    buffer: Vec<u8>,
    /// How much of the buffer has been read.
    read: usize,
}

impl TcpStream {
    /// Connects without TLS.
    ///
    /// # Errors
    /// An [`io::Error`] that holds a [`Failure`]; [`unreachable()`] says it to whoever asked for rows.
    pub fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
        Ok(TcpStream::over(Connection::dial(host, port, false)?))
    }

    /// Connects with TLS from the first byte; the certificate is checked for `host`.
    ///
    /// # Errors
    /// As [`TcpStream::connect`]; natively always.
    pub fn connect_tls(host: &str, port: u16) -> io::Result<TcpStream> {
        Ok(TcpStream::over(Connection::dial(host, port, true)?))
    }

    /// Starts TLS on a connection that has none yet; the certificate is checked for `server_name`, or for the host that
    /// was connected to.
    ///
    /// # Errors
    /// As [`TcpStream::connect`]; when bytes have been received that nobody read, which were sent without protection.
    pub fn start_tls(&mut self, server_name: Option<&str>) -> io::Result<()> {
        if !self.buffered().is_empty() {
            let text = "the server sent more than was asked for before TLS began".to_owned();
            return Err(Failure::Tls(text).into());
        }
        self.connection.start_tls(server_name)
    }

    /// What has been received and not been read: when there is nothing, the next read waits.
    pub fn buffered(&self) -> &[u8] {
        self.buffer.get(self.read..).unwrap_or_default()
    }

    fn over(connection: Connection) -> TcpStream {
        TcpStream { connection, buffer: Vec::new(), read: 0 }
    }
}

impl Read for TcpStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let length = ready.len().min(into.len());
        if let (Some(into), Some(ready)) = (into.get_mut(..length), ready.get(..length)) {
            into.copy_from_slice(ready);
        }
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for TcpStream {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read >= self.buffer.len() {
            self.read = 0;
            self.connection.read(&mut self.buffer, READ_BYTES)?;
        }
        Ok(self.buffered())
    }

    fn consume(&mut self, length: usize) {
        self.read = (self.read + length).min(self.buffer.len());
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.connection.write(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn echoing() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut back = stream.try_clone().unwrap();
            io::copy(&mut stream, &mut back).unwrap();
        });
        port
    }

    #[test]
    fn lines_and_bytes_are_read_from_one_buffer() {
        let mut stream = TcpStream::connect("127.0.0.1", echoing()).unwrap();
        stream.write_all(b"one\ntwo\n12345").unwrap();
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        stream.read_line(&mut line).unwrap();
        assert_eq!(line, "one\ntwo\n");
        let mut rest = [0; 5];
        stream.read_exact(&mut rest).unwrap();
        assert_eq!(&rest, b"12345");
        assert_eq!(stream.start_tls(None).unwrap_err().kind(), io::ErrorKind::Unsupported);
    }

    #[test]
    fn what_cannot_be_reached_says_so() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let failed = TcpStream::connect("127.0.0.1", port).unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::ConnectionRefused);
        let error = unreachable("127.0.0.1", port, &failed);
        assert!(error.message().contains("refused") && error.retryable(), "{error}");
        let unread = TcpStream::connect_tls("127.0.0.1", port).unwrap_err();
        assert_eq!(unread.kind(), io::ErrorKind::Unsupported);
    }

    #[test]
    fn tls_does_not_begin_over_bytes_that_nobody_read() {
        let mut stream = TcpStream::connect("127.0.0.1", echoing()).unwrap();
        stream.write_all(b"ab").unwrap();
        stream.read_exact(&mut [0]).unwrap();
        if stream.buffered().is_empty() {
            stream.fill_buf().unwrap();
        }
        let error = stream.start_tls(None).unwrap_err();
        assert!(error.to_string().contains("before TLS began"), "{error}");
    }
}
