//! What this side sends: frames in order, pings, and one close frame.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::{Sink, SinkExt as _, StreamExt as _};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::session::{Closing, Ends};

/// How long a peer may take to answer a close frame. The socket is read until then: closing it with bytes unread would
/// make the kernel send a reset that can overtake the close frame.
const LINGER: Duration = Duration::from_secs(2);

/// Sends what the session hands over, and a ping every `ping_every`, until this side closes or the socket fails.
/// Returns the reason when it was this side that closed.
pub(super) async fn write<S>(mut sink: S, ends: Ends, ping_every: Duration) -> Option<Closing>
where
    S: Sink<Message, Error = axum::Error> + Unpin,
{
    let Ends { mut outgoing, closing: mut closing_seen } = ends;
    let mut pings = tokio::time::interval_at(Instant::now() + ping_every, ping_every);
    loop {
        let sent = tokio::select! {
            biased;
            closing = closing(&mut closing_seen) => {
                send_close(&mut sink, closing).await;
                return Some(closing);
            }
            frame = outgoing.recv() => match frame {
                Some(frame) => {
                    // What else is ready goes out with the same flush.
                    let mut fed = sink.feed(Message::Text(frame)).await;
                    while fed.is_ok() && let Ok(next) = outgoing.try_recv() {
                        fed = sink.feed(Message::Text(next)).await;
                    }
                    match fed {
                        Ok(()) => sink.flush().await,
                        Err(error) => Err(error),
                    }
                }
                None => return None,
            },
            _ = pings.tick() => sink.send(Message::Ping(Bytes::new())).await,
        };
        if let Err(error) = sent {
            tracing::debug!(%error, "a runner's socket takes no more");
            return None;
        }
    }
}

/// Closes a socket that was never served.
pub(super) async fn refuse(mut socket: WebSocket, closing: Closing) {
    send_close(&mut socket, closing).await;
    linger(&mut socket).await;
}

/// Reads and drops what still comes, until the peer has closed or has had its time.
pub(super) async fn linger<S>(stream: &mut S)
where
    S: futures_util::Stream<Item = Result<Message, axum::Error>> + Unpin,
{
    let drained = timeout(LINGER, async { while let Some(Ok(_)) = stream.next().await {} }).await;
    if drained.is_err() {
        tracing::debug!("a runner did not answer the close frame");
    }
}

async fn send_close<S>(sink: &mut S, closing: Closing)
where
    S: Sink<Message, Error = axum::Error> + Unpin,
{
    let frame = CloseFrame { code: closing.code.code(), reason: closing.reason.into() };
    match timeout(LINGER, sink.send(Message::Close(Some(frame)))).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the close frame could not be sent"),
        Err(_) => tracing::debug!("the close frame was not taken in time"),
    }
}

/// Waits until this side closes.
async fn closing(seen: &mut watch::Receiver<Option<Closing>>) -> Closing {
    match seen.wait_for(Option::is_some).await.map(|closing| *closing) {
        Ok(Some(closing)) => closing,
        // The session is gone without a word: its frames have ended too, which is what the writer then sees.
        Ok(None) | Err(_) => std::future::pending().await,
    }
}
