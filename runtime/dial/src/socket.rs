//! The options every TCP socket gets.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// Idle time before the kernel probes the peer: below the five minutes after which common NATs and cloud
/// load balancers forget a silent connection.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
/// Time between unanswered probes.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// Unanswered probes after which the connection counts as dead.
const KEEPALIVE_PROBES: u32 = 4;

/// Sends small writes at once, notices a peer that vanished, and bounds what the kernel takes ahead of the
/// network when `unsent_bytes` is given (`TCP_NOTSENT_LOWAT`, tcp(7)).
pub(crate) fn prepare(stream: &TcpStream, unsent_bytes: Option<u32>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_PROBES);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    if let Some(bytes) = unsent_bytes {
        socket.set_tcp_notsent_lowat(bytes)?;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = unsent_bytes;
    Ok(())
}
