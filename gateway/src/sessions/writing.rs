//! What this side sends: frames in order, pings, and one close frame.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::{Sink, SinkExt as _, StreamExt as _};
use runner_protocol::CloseCode;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::session::{Closing, Ends};

/// How long a peer may take to answer a close frame. The socket is read until then: closing it with bytes unread would
/// make the kernel send a reset that can overtake the close frame.
const LINGER: Duration = Duration::from_secs(2);

/// Sends what the session hands over, and a ping every `ping_every`, until this side closes, the socket fails, or it
/// takes nothing for `stalled_after`.
pub(super) async fn write<S>(mut sink: S, ends: Ends, ping_every: Duration, stalled_after: Duration)
where
    S: Sink<Message, Error = axum::Error> + Unpin,
{
    let Ends { mut outgoing, closing: mut closing_seen } = ends;
    let mut pings = tokio::time::interval_at(Instant::now() + ping_every, ping_every);
    loop {
        let (first, room) = tokio::select! {
            biased;
            closing = closing(&mut closing_seen) => return send_close(&mut sink, closing).await,
            frame = outgoing.recv() => match frame {
                Some(frame) => frame.into_message(),
                None => return,
            },
            _ = pings.tick() => (Message::Ping(Bytes::new()), None),
        };
        let sent = timeout(stalled_after, async {
            sink.feed(first).await?;
            // The sink has the frame now, and takes no other before it has sent most of it.
            drop(room);
            // What else is ready goes out with the same flush.
            while let Ok(next) = outgoing.try_recv() {
                let (next, room) = next.into_message();
                sink.feed(next).await?;
                drop(room);
            }
            sink.flush().await
        });
        match sent.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return tracing::debug!(%error, "a runner's socket takes no more"),
            Err(_) => return tracing::warn!("a runner's socket took nothing for too long"),
        }
    }
}

/// Closes a socket that was never served.
pub(super) async fn refuse(mut socket: WebSocket, closing: Closing) {
    send_close(&mut socket, closing).await;
    linger(&mut socket, closing).await;
}

/// Reads and drops what still comes, until the peer has closed or has had its time.
pub(super) async fn linger<S>(stream: &mut S, closing: Closing)
where
    S: futures_util::Stream<Item = Result<Message, axum::Error>> + Unpin,
{
    let until = Instant::now() + LINGER;
    loop {
        match timeout_at(until, stream.next()).await {
            Ok(Some(Ok(Message::Close(_)))) => return,
            Ok(Some(Ok(_))) => {}
            // What follows a frame that was refused by its header cannot be read. The socket is held open all the same, so
            // that the close frame is seen before a reset.
            Ok(Some(Err(_)) | None) if closing.code == CloseCode::TooBig => {
                return tokio::time::sleep_until(until).await;
            }
            Ok(Some(Err(_)) | None) => return,
            Err(_) => return tracing::debug!("a runner did not answer the close frame"),
        }
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
