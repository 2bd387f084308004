//! Connections of the operating system, for tests.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use super::Failure;

#[derive(Debug)]
pub(super) struct Connection(TcpStream);

impl Connection {
    pub(super) fn dial(host: &str, port: u16, tls: bool) -> io::Result<Connection> {
        if tls {
            return Err(Failure::TlsNatively.into());
        }
        let stream = TcpStream::connect((host, port))?;
        stream.set_nodelay(true)?;
        Ok(Connection(stream))
    }

    pub(super) fn start_tls(&mut self, _server_name: Option<&str>) -> io::Result<()> {
        Err(Failure::TlsNatively.into())
    }

    /// Replaces what is in `buffer`; nothing is the end of the stream.
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>, most: usize) -> io::Result<()> {
        buffer.resize(most, 0);
        let read = self.0.read(buffer);
        buffer.truncate(*read.as_ref().unwrap_or(&0));
        read.map(|_| ())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }
}
