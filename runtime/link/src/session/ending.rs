//! What an end of the socket means, and how to take leave.

use runner_protocol::CloseCode;
use runner_protocol::limits::MAX_FRAME_BYTES;
use tokio::task::JoinError;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as WireCode;

use super::Cause;
use crate::disconnect::{Disconnect, Reason};
use crate::send_queue::SendQueue;
use crate::writer::SocketSink;

/// The gateway's close frame, or one without a code (RFC 6455 section 7.1.5 calls that 1005).
pub(crate) fn closed(frame: Option<CloseFrame>) -> Disconnect {
    match frame {
        Some(frame) => Disconnect::Closed {
            code: CloseCode::from(u16::from(frame.code)),
            reason: Reason::new(frame.reason.as_str()),
        },
        None => Disconnect::Closed { code: CloseCode::Other(1005), reason: Reason::new("") },
    }
}

/// A failure of the socket.
pub(super) fn of_error(error: Error) -> Disconnect {
    match error {
        Error::Io(error) => Disconnect::Abnormal { cause: Some(error.kind()) },
        Error::Capacity(CapacityError::MessageTooLong { size, .. }) => Disconnect::FrameTooBig { size },
        Error::Capacity(_) => Disconnect::FrameTooBig { size: MAX_FRAME_BYTES },
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing) => {
            Disconnect::Abnormal { cause: None }
        }
        _ => Disconnect::Violation,
    }
}

/// The writing task has ended before the session.
pub(super) fn of_writer(ended: Result<(SocketSink, Result<(), Error>), JoinError>) -> Disconnect {
    match ended {
        Ok((_, Err(error))) => of_error(error),
        Ok((_, Ok(()))) => Disconnect::Abnormal { cause: None },
        Err(error) => {
            tracing::error!(panicked = error.is_panic(), "the task that writes to the gateway has died");
            Disconnect::Abnormal { cause: None }
        }
    }
}

/// Tells the gateway why, where it is still there to hear it.
pub(super) fn take_leave(queue: &SendQueue, cause: &Cause) {
    let frame = |code: WireCode, reason: &'static str| Some(CloseFrame { code, reason: reason.into() });
    match cause {
        Cause::Stopped => queue.close(frame(WireCode::Normal, "runner stopped")),
        Cause::Lost(reason) => match reason {
            Disconnect::FrameTooBig { .. } => queue.abort(frame(WireCode::Size, "frame over 16 MiB")),
            Disconnect::Violation => queue.abort(frame(WireCode::Protocol, "not a WebSocket frame")),
            Disconnect::NoHelloAck => queue.abort(frame(WireCode::Protocol, "no hello-ack")),
            Disconnect::Silent => queue.abort(frame(WireCode::Away, "no sign of life")),
            Disconnect::AnswersUnread => queue.abort(frame(WireCode::Policy, "answers unread")),
            Disconnect::Closed { .. }
            | Disconnect::Abnormal { .. }
            | Disconnect::Connect(_)
            | Disconnect::Upgrade(_) => queue.shut(),
        },
    }
}
