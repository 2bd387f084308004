//! The gateway's end of a real socket, reduced to what costs least: frames are counted, values are not parsed.

mod frames;
mod session;
pub(crate) mod small;
pub(crate) mod stream;

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::StreamExt;
use runner_protocol::{Incoming, RunnerFrame, decode_runner};
use test_servers::Process;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

pub(crate) use frames::{Event, Query};
pub(crate) use session::Session;

use crate::world::Source;

/// How long a started program may take to come and greet.
const GREETING_LIMIT: Duration = Duration::from_secs(10);

/// Listens for one runner.
pub(crate) struct Gateway {
    listener: TcpListener,
    port: u16,
}

impl Gateway {
    /// Listens on a port of loopback.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn listen() -> Result<Gateway> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        Ok(Gateway { listener, port })
    }

    /// The URL to connect to.
    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/connect", self.port)
    }

    /// Accepts one WebSocket from `process`.
    ///
    /// # Errors
    /// When the process ends or takes too long; the error shows what it printed.
    pub(crate) async fn accept(&self, process: &Process) -> Result<WebSocketStream<TcpStream>> {
        let accepted = async {
            let (stream, _) = self.listener.accept().await?;
            stream.set_nodelay(true)?;
            anyhow::Ok(accept_async(stream).await?)
        };
        match tokio::time::timeout(GREETING_LIMIT, accepted).await {
            Ok(accepted) => accepted,
            Err(_) => {
                let printed: Vec<String> = process.lines().into_iter().map(|line| line.text).collect();
                bail!(
                    "nobody connected within {GREETING_LIMIT:?}; the program printed:\n{}",
                    printed.join("\n")
                )
            }
        }
    }

    /// Accepts a runner and reads its `hello`.
    ///
    /// # Errors
    /// As [`Gateway::accept`]; when something else comes first.
    pub(crate) async fn greeted(&self, process: &Process) -> Result<Greeted> {
        let mut socket = self.accept(process).await?;
        let first = socket.next().await.context("the runner closed before its hello")??;
        let Message::Text(text) = first else { bail!("the runner's first frame is no text") };
        match decode_runner(&text.into()) {
            Ok(Incoming::Frame(RunnerFrame::Hello(_))) => Ok(Greeted(socket)),
            _ => bail!("the runner's first frame is not hello"),
        }
    }
}

/// A runner that waits to be acknowledged.
pub(crate) struct Greeted(WebSocketStream<TcpStream>);

impl Greeted {
    /// Acknowledges it, with send windows, and with both sources assigned.
    ///
    /// # Errors
    /// When the socket is gone.
    pub(crate) async fn acknowledge(self, sources: &[Source]) -> Result<Session> {
        let mut session = Session::new(self.0);
        session.feed(frames::hello_ack(sources)).await?;
        session.flush().await?;
        Ok(session)
    }
}
