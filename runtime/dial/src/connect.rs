//! From a destination to a connected socket.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout, timeout_at};

use crate::destination::{CheckedAddress, Destination, Family};
use crate::dialer::Dialer;
use crate::error::{Attempt, DialError, Stage};
use crate::filter::AddressFilter;
use crate::kind::Kind;
use crate::race::{Scoreboard, race};
use crate::socket;

/// How to connect.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Which address families may be used.
    pub family: Family,
    /// Which addresses may be used.
    pub filter: AddressFilter,
    /// Time for lookup and race together.
    pub timeout: Duration,
    /// Bytes the kernel may hold that are not yet on the network; `None` leaves the system's setting. A
    /// small value keeps a sender that chooses among several producers in charge of their order.
    pub unsent_bytes: Option<u32>,
}

impl Default for ConnectOptions {
    /// Both families, every address, ten seconds.
    fn default() -> Self {
        Self {
            family: Family::Any,
            filter: AddressFilter::unrestricted(),
            timeout: Duration::from_secs(10),
            unsent_bytes: None,
        }
    }
}

/// A connected socket and how it came about.
#[derive(Debug)]
pub struct Connected {
    /// The socket, with `TCP_NODELAY` and keepalive set.
    pub stream: TcpStream,
    /// The address that won the race.
    pub address: CheckedAddress,
    /// Time spent on the name.
    pub dns: Duration,
    /// Time spent on the race.
    pub tcp: Duration,
}

impl Dialer {
    /// Resolves `destination` and connects to whichever of its addresses answers first.
    ///
    /// A proxy, when one is configured, takes its place here: the race then goes to the proxy, and the
    /// tunnel's handshake follows it, before the caller's TLS.
    ///
    /// # Errors
    /// Those of [`Dialer::resolve`], and [`Stage::Tcp`] when no address could be connected to; a timeout
    /// names the stage it struck.
    pub async fn connect(
        &self,
        destination: &Destination,
        options: &ConnectOptions,
    ) -> Result<Connected, DialError> {
        let start = Instant::now();
        let deadline = start + options.timeout;
        let resolved = timeout_at(deadline, self.resolve(destination, options.family, &options.filter))
            .await
            .map_err(|_| DialError::new(Stage::Dns, Kind::TimedOut, destination, start.elapsed()))??;

        let racing = Instant::now();
        let order = resolved.addresses;
        let mut scoreboard = Scoreboard::default();
        let connect = |address| open(address, options.unsent_bytes);
        match timeout_at(deadline, race(&order, connect, &mut scoreboard)).await {
            Ok(Some((address, stream, _))) => {
                Ok(Connected { stream, address, dns: resolved.elapsed, tcp: racing.elapsed() })
            }
            Ok(None) => Err(all_failed(destination, scoreboard, start.elapsed()).with_dns(resolved.elapsed)),
            Err(_) => {
                Err(ran_out(destination, &order, scoreboard, start.elapsed()).with_dns(resolved.elapsed))
            }
        }
    }

    /// Connects to an address that an earlier [`Dialer::resolve`] or [`Dialer::connect`] gave: a cancel
    /// request must reach the same machine as the session it cancels, whatever the name says by now.
    ///
    /// # Errors
    /// [`Stage::Tcp`].
    pub async fn connect_address(
        &self,
        address: CheckedAddress,
        limit: Duration,
    ) -> Result<TcpStream, DialError> {
        let start = Instant::now();
        let peer = address.socket_addr();
        let destination = Destination::new(peer.ip().to_string(), peer.port());
        let fail =
            |kind| DialError::new(Stage::Tcp, kind, &destination, start.elapsed()).with_address(Some(peer));
        match timeout(limit, open(address, None)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(fail(Kind::of_io(&error)).with_source(error)),
            Err(_) => Err(fail(Kind::TimedOut)),
        }
    }

    /// Connects to a Unix socket. Whether the path may be used is for the caller to decide.
    ///
    /// # Errors
    /// [`Stage::Tcp`], with [`Kind::SocketMissing`] when there is no such file.
    pub async fn connect_unix(&self, path: &Path, limit: Duration) -> Result<UnixStream, DialError> {
        let start = Instant::now();
        match timeout(limit, UnixStream::connect(path)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => {
                let kind = match error.kind() {
                    io::ErrorKind::NotFound => Kind::SocketMissing,
                    _ => Kind::of_io(&error),
                };
                Err(DialError::unix(kind, path, start.elapsed()).with_source(error))
            }
            Err(_) => Err(DialError::unix(Kind::TimedOut, path, start.elapsed())),
        }
    }
}

async fn open(address: CheckedAddress, unsent_bytes: Option<u32>) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address.socket_addr()).await?;
    socket::prepare(&stream, unsent_bytes)?;
    Ok(stream)
}

/// The failure that says most: a machine without IPv6 fails every IPv6 address as unreachable, which would
/// hide what the IPv4 address had to say.
fn all_failed(destination: &Destination, scoreboard: Scoreboard, elapsed: Duration) -> DialError {
    let Scoreboard { failed, last_error } = scoreboard;
    let telling: Option<&Attempt> =
        failed.iter().find(|attempt| attempt.kind != Kind::Unreachable).or(failed.first());
    let (kind, address) = match telling {
        Some(attempt) => (attempt.kind.clone(), Some(attempt.address)),
        None => (Kind::NoAddress, None),
    };
    let error =
        DialError::new(Stage::Tcp, kind, destination, elapsed).with_address(address).with_attempts(failed);
    match last_error {
        Some(source) => error.with_source(source),
        None => error,
    }
}

fn ran_out(
    destination: &Destination,
    order: &[CheckedAddress],
    scoreboard: Scoreboard,
    elapsed: Duration,
) -> DialError {
    let silent = order
        .iter()
        .map(|address| address.socket_addr())
        .find(|address| scoreboard.failed.iter().all(|attempt| attempt.address != *address));
    DialError::new(Stage::Tcp, Kind::TimedOut, destination, elapsed)
        .with_address(silent)
        .with_attempts(scoreboard.failed)
}
