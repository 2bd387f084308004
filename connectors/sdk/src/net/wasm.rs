//! Connections that the runner makes.

use std::io;

use super::Failure;
use crate::component::bindings::semilayer::connector::net as host;

/// How much crosses into the runner at once: it is copied there.
const WRITE_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Connection(host::Connection);

impl Connection {
    pub(super) fn dial(host: &str, port: u16, tls: bool) -> io::Result<Connection> {
        let tls = if tls { host::Tls::On } else { host::Tls::Off };
        host::dial(host, port, tls).map(Connection).map_err(failure)
    }

    pub(super) fn start_tls(&mut self, server_name: Option<&str>) -> io::Result<()> {
        self.0.start_tls(server_name).map_err(failure)
    }

    /// Replaces what is in `buffer`; nothing is the end of the stream.
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>, most: usize) -> io::Result<()> {
        buffer.clear();
        *buffer = self.0.read(u32::try_from(most).unwrap_or(u32::MAX)).map_err(failure)?;
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        bytes.chunks(WRITE_BYTES).try_for_each(|piece| self.0.write(piece).map_err(failure))
    }
}

fn failure(error: host::NetError) -> io::Error {
    match error {
        host::NetError::NotAllowed(text) => Failure::NotAllowed(text),
        host::NetError::NameNotFound => Failure::NameNotFound,
        host::NetError::Refused => Failure::Refused,
        host::NetError::TimedOut => Failure::TimedOut,
        host::NetError::Tls(text) => Failure::Tls(text),
        host::NetError::Closed => Failure::Closed,
        host::NetError::Other(text) => Failure::Other(text),
    }
    .into()
}
