//! ATTENTION: the client calls the running statement off (MS-TDS 2.2.1.7).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::AsyncRead;
use tokio::sync::{Notify, mpsc};

use super::packet::{Kind, Message, read_message};

/// Requests that wait while one is answered: clients send none but an attention signal.
const WAITING: usize = 2;

/// What the reading side has seen of attention signals.
#[derive(Debug, Default)]
pub(super) struct Signals {
    received: AtomicU64,
    closed: AtomicBool,
    changed: Notify,
}

impl Signals {
    /// How many attention signals came so far.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::SeqCst)
    }

    /// Whether a statement has to stop: more signals came than were answered, or nobody listens any more.
    pub(super) fn stop(&self, answered: u64) -> bool {
        self.received() > answered || self.closed.load(Ordering::SeqCst)
    }

    /// Waits until a statement has to stop.
    pub(super) async fn wait(&self, answered: u64) {
        loop {
            let changed = self.changed.notified();
            if self.stop(answered) {
                return;
            }
            changed.await;
        }
    }
}

/// Reads messages on a task of its own, so that a signal is seen while a response is being written.
pub(super) fn listen(
    mut stream: impl AsyncRead + Unpin + Send + 'static,
) -> (Arc<Signals>, mpsc::Receiver<Message>, tokio::task::AbortHandle) {
    let signals = Arc::new(Signals::default());
    let (sender, receiver) = mpsc::channel(WAITING);
    let seen = signals.clone();
    let task = tokio::spawn(async move {
        // A message that cannot be read ends the connection, as its end does.
        while let Ok(Some(message)) = read_message(&mut stream).await {
            if message.kind == Kind::Attention {
                seen.received.fetch_add(1, Ordering::SeqCst);
                seen.changed.notify_waiters();
            }
            if sender.send(message).await.is_err() {
                break;
            }
        }
        seen.closed.store(true, Ordering::SeqCst);
        seen.changed.notify_waiters();
    });
    (signals, receiver, task.abort_handle())
}
