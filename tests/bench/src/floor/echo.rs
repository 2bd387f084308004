//! A frame there and back over a WebSocket, to a process that does nothing with it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use test_servers::{Launch, Process};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::gateway::Gateway;
use crate::world::World;

/// Bytes of a frame, about a small job's.
const FRAME_BYTES: usize = 256;

/// The far end: connects where a runner would, and sends back what comes.
///
/// # Errors
/// When it cannot connect.
pub(crate) async fn peer(url: &str) -> Result<()> {
    let authority =
        url.strip_prefix("ws://").and_then(|rest| rest.split('/').next()).context("not a ws:// URL")?;
    let stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = client_async(url, stream).await?;
    while let Some(Ok(message)) = socket.next().await {
        if message.is_text() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

/// The near end, with the process at the far one.
pub(crate) struct Echo {
    socket: WebSocketStream<TcpStream>,
    _process: Process,
}

impl Echo {
    /// Starts the far end.
    ///
    /// # Errors
    /// When it does not connect.
    pub(crate) async fn start(world: &World) -> Result<Echo> {
        let gateway = Gateway::listen().await?;
        let process = Process::start(&Launch::new(&world.programs.own).arg("echo").arg(gateway.url()))?;
        Ok(Echo { socket: gateway.accept(&process).await?, _process: process })
    }

    /// Times of `count` round trips, one after the other.
    ///
    /// # Errors
    /// When the far end goes.
    pub(crate) async fn round_trips(&mut self, count: u64) -> Result<Vec<Duration>> {
        let text = "x".repeat(FRAME_BYTES);
        let mut times = Vec::new();
        for _ in 0..count {
            let start = Instant::now();
            self.socket.send(Message::text(text.as_str())).await?;
            match self.socket.next().await.context("the far end closed")?? {
                Message::Text(_) => times.push(start.elapsed()),
                other => bail!("the far end sent {other:?}"),
            }
        }
        Ok(times)
    }
}
