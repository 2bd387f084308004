//! Connections in the guest's hands.

use std::io;
use std::sync::Arc;

use dial::{Destination, Kind, TlsOptions, TlsStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wasmtime::component::Resource;

use super::outbound::{CONNECT_TIMEOUT, Failure, Line, Outbound, Slot};
use crate::bindings::semilayer::connector::net::{Host, HostConnection, NetError, Tls};
use crate::state::State;

/// Bytes that one read brings at most, whatever the guest asks for: what a socket's buffer usually holds.
const MAX_READ: usize = 64 * 1024;

/// One connection that a guest holds. Dropping it closes it.
#[allow(unreachable_pub, reason = "the generated bindings name it")]
pub struct Connection {
    stream: Stream,
    leads_to: Destination,
    slot: Slot,
}

enum Stream {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
    /// A handshake failed on it, or is under way.
    Gone,
}

impl Connection {
    /// Connects, and starts TLS if it is asked for.
    pub(super) async fn dial(
        outbound: &Outbound,
        host: &str,
        port: u16,
        tls: Tls,
    ) -> Result<Connection, NetError> {
        let line = outbound.connect(host, port, CONNECT_TIMEOUT).await.map_err(net_error)?;
        let Line { stream, leads_to, slot } = line;
        let mut connection = Connection { stream: Stream::Plain(stream), leads_to, slot };
        if tls == Tls::On {
            connection.start_tls(outbound, None).await?;
        }
        Ok(connection)
    }

    /// Some bytes, at most `max` and at most 64 KiB; none at the end of the stream.
    pub(super) async fn read(&mut self, max: u32) -> Result<Vec<u8>, NetError> {
        let max = usize::try_from(max).unwrap_or(MAX_READ).min(MAX_READ);
        if max == 0 {
            return Err(NetError::Other(
                "a read of no bytes would look like the end of the stream".to_owned(),
            ));
        }
        let mut bytes = Vec::with_capacity(max);
        // The capacity may be larger than what was asked for.
        let read = match &mut self.stream {
            Stream::Plain(stream) => stream.take(max as u64).read_buf(&mut bytes).await,
            Stream::Encrypted(stream) => stream.take(max as u64).read_buf(&mut bytes).await,
            Stream::Gone => return Err(NetError::Closed),
        };
        read.map_err(|error| broken(&error))?;
        Ok(bytes)
    }

    /// Sends all of them.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), NetError> {
        let sent = match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes).await,
            Stream::Encrypted(stream) => match stream.write_all(bytes).await {
                // What is encrypted may still be in the library's buffer.
                Ok(()) => stream.flush().await,
                Err(error) => Err(error),
            },
            Stream::Gone => return Err(NetError::Closed),
        };
        sent.map_err(|error| broken(&error))
    }

    /// Encrypts the connection, checking `server_name` instead of the name that was dialled.
    pub(super) async fn start_tls(
        &mut self,
        outbound: &Outbound,
        server_name: Option<String>,
    ) -> Result<(), NetError> {
        let stream = match std::mem::replace(&mut self.stream, Stream::Gone) {
            Stream::Plain(stream) => stream,
            Stream::Encrypted(stream) => {
                self.stream = Stream::Encrypted(stream);
                return Err(NetError::Other("the connection has TLS already".to_owned()));
            }
            Stream::Gone => return Err(NetError::Closed),
        };
        let options = TlsOptions { server_name, ..TlsOptions::default() };
        let encrypting = outbound.encrypt(stream, &self.leads_to, &self.slot, &options, CONNECT_TIMEOUT);
        self.stream = Stream::Encrypted(Box::new(encrypting.await.map_err(net_error)?));
        Ok(())
    }
}

/// A dial or a handshake that failed, as the guest sees it.
fn net_error(failure: Failure) -> NetError {
    let message = failure.message();
    let Failure::Dial(error) = failure else {
        return match failure {
            Failure::Denied(_) => NetError::NotAllowed(message),
            _ => NetError::Other(message),
        };
    };
    match (error.stage(), error.kind()) {
        (_, Kind::NameNotFound | Kind::NoAddress) => NetError::NameNotFound,
        (_, Kind::Refused) => NetError::Refused,
        (_, Kind::TimedOut) => NetError::TimedOut,
        (dial::Stage::Tls, _) => NetError::Tls(message),
        (_, Kind::Closed) => NetError::Closed,
        _ => NetError::Other(message),
    }
}

/// An error met on a connection that had come about.
fn broken(error: &io::Error) -> NetError {
    match Kind::of_io(error) {
        Kind::Closed => NetError::Closed,
        Kind::TimedOut => NetError::TimedOut,
        Kind::ClientCertificate { alert } => {
            NetError::Tls(format!("the peer wants a client certificate that it accepts (alert {alert})"))
        }
        Kind::HandshakeFailed { detail } => NetError::Tls(detail),
        kind => NetError::Other(format!("the connection failed ({})", kind.code())),
    }
}

impl Host for State {
    async fn dial(
        &mut self,
        host: String,
        port: u16,
        tls: Tls,
    ) -> wasmtime::Result<Result<Resource<Connection>, NetError>> {
        let outbound = self.reach.outbound();
        Ok(match Connection::dial(&outbound, &host, port, tls).await {
            Ok(connection) => Ok(self.table.push(connection)?),
            Err(error) => Err(error),
        })
    }
}

impl HostConnection for State {
    async fn read(
        &mut self,
        connection: Resource<Connection>,
        max: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, NetError>> {
        Ok(self.table.get_mut(&connection)?.read(max).await)
    }

    async fn write(
        &mut self,
        connection: Resource<Connection>,
        bytes: Vec<u8>,
    ) -> wasmtime::Result<Result<(), NetError>> {
        Ok(self.table.get_mut(&connection)?.write(&bytes).await)
    }

    async fn start_tls(
        &mut self,
        connection: Resource<Connection>,
        server_name: Option<String>,
    ) -> wasmtime::Result<Result<(), NetError>> {
        let outbound: Arc<Outbound> = self.reach.outbound();
        Ok(self.table.get_mut(&connection)?.start_tls(&outbound, server_name).await)
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}
