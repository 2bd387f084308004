//! What the operating system asks of the process.

use std::io;

use runner_link::Signals;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that mean something here, caught from the moment this is made.
pub struct OsSignals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl OsSignals {
    /// Begins to catch them.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn catch() -> io::Result<Self> {
        Ok(OsSignals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Passes them on for ever: the first SIGTERM or SIGINT drains, a second one stops at once, SIGHUP calls `reload`.
    pub async fn relay(mut self, signals: Signals, mut reload: impl FnMut()) {
        loop {
            let name = tokio::select! {
                Some(()) = self.terminate.recv() => "SIGTERM",
                Some(()) = self.interrupt.recv() => "SIGINT",
                Some(()) = self.hang_up.recv() => {
                    reload();
                    continue;
                }
                else => return,
            };
            if signals.drain.is_cancelled() {
                tracing::warn!(signal = name, "{name} received again, cancelling the jobs in flight");
                signals.stop.cancel();
            } else {
                tracing::info!(signal = name, "{name} received, stopping runner…");
                signals.drain.cancel();
            }
        }
    }
}
