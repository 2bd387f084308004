//! Telling the program how the link is doing.

use std::time::Duration;

use crate::Disconnect;

/// A change in the link's state.
#[derive(Debug)]
#[non_exhaustive]
pub enum LinkState<'a> {
    /// A connection is being made.
    Connecting,
    /// The WebSocket is open and `hello` is on its way.
    Connected,
    /// The gateway has answered `hello`: jobs may come.
    Acknowledged {
        /// The session's id.
        session_id: &'a str,
        /// Features in effect.
        features: &'a [String],
        /// How many sources are assigned.
        sources: usize,
    },
    /// No further job is accepted; those in flight are being finished.
    Draining,
    /// The connection is gone, or could not be made.
    Disconnected {
        /// Why.
        reason: &'a Disconnect,
    },
    /// Waiting before the next attempt.
    Waiting {
        /// Attempts since the last healthy session, from 1.
        attempt: u32,
        /// How long.
        delay: Duration,
    },
    /// The link has ended and will not connect again.
    Stopped,
}

/// Is told of each change, from the link's own task: must not block.
pub trait Observer: Send + Sync + 'static {
    /// The state is now this.
    fn changed(&self, state: &LinkState<'_>);
}

impl<F: Fn(&LinkState<'_>) + Send + Sync + 'static> Observer for F {
    fn changed(&self, state: &LinkState<'_>) {
        self(state);
    }
}
