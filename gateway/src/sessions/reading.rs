//! What a runner sends, frame by frame. Nothing here waits for anybody: a frame is handed on or dropped.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::ws::Message;
use futures_util::{Stream, StreamExt as _};
use runner_protocol::{
    CloseCode, Hello, Incoming, RunnerFrame, codes, decode_runner, limits::MAX_FRAME_BYTES, reasons,
};
use tokio::time::{Duration, timeout};
use tokio_tungstenite::tungstenite;
use uuid::Uuid;

use super::inbox::{Delivery, Inbox, Put};
use super::session::{Closing, Session};

/// A frame that is not one of the protocol's.
pub(super) const PROTOCOL_ERROR: Closing =
    Closing { code: CloseCode::ProtocolError, reason: reasons::PROTOCOL_ERROR };
const NO_HELLO: Closing =
    Closing { code: CloseCode::ProtocolError, reason: "protocol error: no hello in time" };
const NOT_HELLO: Closing =
    Closing { code: CloseCode::ProtocolError, reason: "protocol error: the first frame was not hello" };
const BAD_FRAME: Closing =
    Closing { code: CloseCode::ProtocolError, reason: "protocol error: a frame could not be read" };
const BINARY: Closing = Closing { code: CloseCode::ProtocolError, reason: "protocol error: frames are text" };
const TOO_BIG: Closing = Closing { code: CloseCode::TooBig, reason: "a frame was over 16 MiB" };

/// How reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// This side has to close.
    Close(Closing),
    /// The peer closed, or the socket broke.
    Gone,
}

/// Waits for `hello`, for at most `within`.
pub(super) async fn hello<S>(stream: &mut S, within: Duration) -> Result<Box<Hello>, End>
where
    S: Stream<Item = Result<Message, axum::Error>> + Unpin,
{
    let first = async {
        loop {
            let Some(text) = next_text(stream).await? else { continue };
            return match decode_runner(&text) {
                Ok(Incoming::Frame(RunnerFrame::Hello(hello))) => Ok(hello),
                Ok(_) => Err(End::Close(NOT_HELLO)),
                Err(error) => {
                    tracing::warn!(%error, "a socket did not begin with hello");
                    Err(End::Close(BAD_FRAME))
                }
            };
        }
    };
    timeout(within, first).await.unwrap_or(Err(End::Close(NO_HELLO)))
}

/// Reads frames until the socket ends or nothing came for `dead_after`.
pub(super) async fn read<S>(stream: &mut S, session: &Arc<Session>, dead_after: Duration) -> End
where
    S: Stream<Item = Result<Message, axum::Error>> + Unpin,
{
    loop {
        let text = match timeout(dead_after, next_text(stream)).await {
            Ok(Ok(text)) => text,
            Ok(Err(end)) => return end,
            Err(_) => return End::Close(Closing::SILENT),
        };
        session.heard();
        let Some(text) = text else { continue };
        let frame_bytes = text.len();
        match decode_runner(&text) {
            Ok(Incoming::Frame(frame)) => take(session, frame, frame_bytes),
            Ok(Incoming::Unknown { kind }) => {
                tracing::debug!(session = %session.id, %kind, "unknown frame ignored")
            }
            Ok(Incoming::BadJob { id, reason }) => malformed(session, &id, reason),
            Err(error) => {
                // Whatever it was, a result may lack it now: better no result than a wrong one.
                tracing::warn!(session = %session.id, runner = %session.runner_name, %error, "protocol error");
                return End::Close(BAD_FRAME);
            }
        }
    }
}

/// The text of the next message; `None` for a ping or pong.
async fn next_text<S>(stream: &mut S) -> Result<Option<Bytes>, End>
where
    S: Stream<Item = Result<Message, axum::Error>> + Unpin,
{
    match stream.next().await {
        Some(Ok(Message::Text(text))) if text.len() > MAX_FRAME_BYTES => {
            tracing::warn!(
                bytes = text.len(),
                limit = MAX_FRAME_BYTES,
                "a runner sent a frame that is too big"
            );
            Err(End::Close(TOO_BIG))
        }
        Some(Ok(Message::Text(text))) => Ok(Some(text.into())),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Binary(_))) => Err(End::Close(BINARY)),
        Some(Ok(Message::Close(_))) | None => Err(End::Gone),
        Some(Err(error)) => Err(fault(error)),
    }
}

fn fault(error: axum::Error) -> End {
    match error.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(error)) => {
            tracing::warn!(%error, limit = MAX_FRAME_BYTES, "a runner sent a frame that is too big");
            End::Close(TOO_BIG)
        }
        Some(tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_)) => End::Close(PROTOCOL_ERROR),
        _ => End::Gone,
    }
}

fn take(session: &Arc<Session>, frame: RunnerFrame, frame_bytes: usize) {
    match frame {
        RunnerFrame::Chunk(chunk) => {
            if let Some((id, inbox)) = known(session, &chunk.id, Session::inbox)
                && inbox.put(Delivery::Chunk { chunk: Box::new(chunk), frame_bytes }) == Put::Overflowed
            {
                session.cancel(id);
            }
        }
        RunnerFrame::Done(done) => {
            if let Some((_, inbox)) = known(session, &done.id, Session::forget) {
                inbox.put(Delivery::Done(done.meta));
            }
        }
        RunnerFrame::Error(error) => {
            if let Some((_, inbox)) = known(session, &error.id, Session::forget) {
                if error.code == codes::RUNNER_DRAINING {
                    // A runner without the `draining` frame says it like this.
                    session.set_draining();
                }
                inbox.put(Delivery::Failed(Box::new(error)));
            }
        }
        RunnerFrame::Heartbeat(heartbeat) => {
            if let Some(stats) = heartbeat.stats {
                session.report(stats.active_jobs, stats.sources);
            }
        }
        RunnerFrame::Draining(_) => {
            tracing::info!(session = %session.id, runner = %session.runner_name, "runner is draining");
            session.set_draining();
        }
        RunnerFrame::Hello(_) => tracing::warn!(session = %session.id, "a second hello was ignored"),
    }
}

fn malformed(session: &Arc<Session>, id: &str, reason: &'static str) {
    if let Some((id, inbox)) = known(session, id, Session::inbox) {
        tracing::warn!(session = %session.id, job = %id, reason, "a job's frame could not be read");
        if inbox.cut(Delivery::Malformed(reason)) {
            session.cancel(id);
        }
    }
}

/// The inbox of a job that this socket was given. A frame for any other is ignored: no runner can speak for a job that
/// it was not handed.
fn known(
    session: &Arc<Session>,
    id: &str,
    find: impl FnOnce(&Session, Uuid) -> Option<Arc<Inbox>>,
) -> Option<(Uuid, Arc<Inbox>)> {
    let found = Uuid::parse_str(id).ok().and_then(|id| Some((id, find(session, id)?)));
    if found.is_none() {
        tracing::warn!(session = %session.id, runner = %session.runner_name, "a frame for a job that this socket was not given was ignored");
    }
    found
}
