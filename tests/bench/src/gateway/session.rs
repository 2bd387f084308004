//! One runner's session: frames out, events in, all in one task.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::frames::{self, Event, Query};

/// Bytes of one job that are given back at once: a quarter of its window.
const CREDIT_STEP: u64 = 256 * 1024;

/// A session with a runner.
pub(crate) struct Session {
    socket: WebSocketStream<TcpStream>,
    last_job: u64,
}

impl Session {
    pub(super) fn new(socket: WebSocketStream<TcpStream>) -> Self {
        Session { socket, last_job: 0 }
    }

    pub(super) async fn feed(&mut self, text: String) -> Result<()> {
        self.socket.feed(Message::text(text)).await.context("writing to the runner")
    }

    pub(super) async fn flush(&mut self) -> Result<()> {
        self.socket.flush().await.context("writing to the runner")
    }

    /// Sends a job with the next [`Session::flush`], and gives its id.
    ///
    /// # Errors
    /// When the socket is gone.
    pub(super) async fn feed_job(&mut self, query: Query<'_>) -> Result<u64> {
        self.last_job += 1;
        self.feed(query.frame(self.last_job)).await?;
        Ok(self.last_job)
    }

    /// Sends a job, and gives its id.
    ///
    /// # Errors
    /// When the socket is gone.
    pub(crate) async fn job(&mut self, query: Query<'_>) -> Result<u64> {
        let id = self.feed_job(query).await?;
        self.flush().await?;
        Ok(id)
    }

    /// Sends a cancel.
    ///
    /// # Errors
    /// When the socket is gone.
    pub(crate) async fn cancel(&mut self, job: u64) -> Result<()> {
        self.feed(frames::cancel(job)).await?;
        self.flush().await
    }

    /// The next event. What was fed is flushed before there is a wait, and only then: answers that arrived together
    /// are answered together.
    ///
    /// # Errors
    /// When the runner closes or sends what it must not.
    pub(crate) async fn next(&mut self) -> Result<Event> {
        loop {
            let message = match self.socket.next().now_or_never() {
                Some(message) => message,
                None => {
                    self.flush().await?;
                    self.socket.next().await
                }
            };
            match message.context("the runner closed the socket")?? {
                Message::Text(text) => return frames::event(Bytes::from(text)),
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Close(frame) => bail!("the runner closed the socket: {frame:?}"),
                Message::Binary(_) | Message::Frame(_) => bail!("the runner sent a frame that is no text"),
            }
        }
    }

    /// Reads until a job has ended well, and gives its rows.
    ///
    /// # Errors
    /// When it, or any other, ends badly.
    pub(crate) async fn done(&mut self, wanted: u64) -> Result<u64> {
        loop {
            match self.next().await? {
                Event::Done { job, rows, .. } if job == wanted => return Ok(rows),
                Event::Failed(error) => bail!("job {} failed: {} {}", error.id, error.code, error.message),
                _ => {}
            }
        }
    }

    /// Notes that a job's chunk was taken, and gives credit in steps.
    ///
    /// # Errors
    /// When the socket is gone.
    pub(crate) async fn taken(&mut self, job: u64, owed: &mut u64, bytes: usize) -> Result<()> {
        *owed += bytes as u64;
        if *owed >= CREDIT_STEP {
            self.feed(frames::credit(job, *owed)).await?;
            *owed = 0;
        }
        Ok(())
    }
}
