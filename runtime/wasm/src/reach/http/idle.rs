//! Connections that wait for the next request.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::WasiBody;

use super::target::Target;
use crate::reach::outbound::Slot;

/// Connections that wait, of one instance. A guest does one thing at a time; a second request may be a cancel.
const MAX_IDLE: usize = 8;

/// What a connection that has just answered may take to be ready again, when its task has not run yet.
const READY: Duration = Duration::from_millis(50);

/// One connection to a server. Dropping it closes it.
pub(super) struct Wire {
    pub(super) target: Target,
    pub(super) sender: SendRequest<WasiBody>,
    /// Moves the bytes.
    pub(super) _driver: AbortOnDropHandle<()>,
    pub(super) _slot: Slot,
}

/// The connections that wait, the latest last.
#[derive(Default)]
pub(super) struct Idle {
    waiting: Mutex<Vec<(Wire, Instant)>>,
}

impl Idle {
    /// Keeps a connection until `until`.
    pub(super) fn put(&self, wire: Wire, until: Instant) {
        let now = Instant::now();
        let mut waiting = self.waiting();
        waiting.retain(|(wire, until)| *until > now && !wire.sender.is_closed());
        if waiting.len() == MAX_IDLE {
            waiting.remove(0);
        }
        waiting.push((wire, until));
    }

    /// The connection to that target which waited least, if one can take a request.
    pub(super) async fn take(&self, target: &Target) -> Option<Wire> {
        loop {
            let (mut wire, until) = {
                let mut waiting = self.waiting();
                let at = waiting.iter().rposition(|(wire, _)| wire.target == *target)?;
                waiting.remove(at)
            };
            let usable =
                until > Instant::now() && matches!(timeout(READY, wire.sender.ready()).await, Ok(Ok(())));
            if usable {
                return Some(wire);
            }
        }
    }

    /// Closes them all, to make room.
    pub(super) fn clear(&self) {
        self.waiting().clear();
    }

    /// Whether the other side has closed all that wait.
    #[cfg(test)]
    pub(super) fn all_closed(&self) -> bool {
        self.waiting().iter().all(|(wire, _)| wire.sender.is_closed())
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<(Wire, Instant)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
