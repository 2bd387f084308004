//! What waits for one socket's writer, bounded in number and in bytes.

use std::sync::Arc;

use axum::extract::ws::{Message, Utf8Bytes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Frames that may wait. They are jobs, cancels and credits; a socket that does not take so many in the dead-peer time
/// is dead.
pub(super) const FRAMES: usize = 1_024;
/// Bytes of jobs that may wait: four of the largest. Jobs are the frames that carry what callers send, so without this
/// a socket that stalls could make the gateway hold [`FRAMES`] of the largest, 16 GiB. The other frames are small or
/// follow an administrator's change, so that their number bounds them.
const JOB_BYTES: usize = 64 * 1024 * 1024;

/// A frame that waits for the writer.
#[derive(Debug)]
pub(super) struct Unsent {
    frame: Utf8Bytes,
    room: Option<Room>,
}

/// Bytes held from a session's [`Budget`]; dropping it gives them back.
pub(super) type Room = OwnedSemaphorePermit;

impl Unsent {
    /// A job's frame, and its part of the budget.
    pub(super) fn job(frame: String, room: Room) -> Self {
        Self { frame: frame.into(), room: Some(room) }
    }

    /// The message, and the room to be given back once the socket has it.
    pub(super) fn into_message(self) -> (Message, Option<Room>) {
        (Message::Text(self.frame), self.room)
    }
}

/// A frame that is not a job.
impl From<String> for Unsent {
    fn from(frame: String) -> Self {
        Self { frame: frame.into(), room: None }
    }
}

/// The bytes of jobs that may still be handed to one session's writer.
#[derive(Debug)]
pub(super) struct Budget(Arc<Semaphore>);

impl Budget {
    /// All of it.
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(JOB_BYTES)))
    }

    /// Room for a frame; none when it does not fit beside what waits.
    pub(super) fn take(&self, frame: &str) -> Option<Room> {
        let bytes = u32::try_from(frame.len()).ok()?;
        Arc::clone(&self.0).try_acquire_many_owned(bytes).ok()
    }
}
