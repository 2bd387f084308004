//! What all instances of one module may say together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::rate::Rate;

/// A module's share of the log: however many instances of it there are, and however often they are made anew. A clone is
/// the same share.
#[derive(Clone)]
pub(crate) struct Voice(Arc<Share>);

struct Share {
    /// The connector's short name, the operator's word for it.
    connector: Arc<str>,
    rate: Mutex<Rate>,
}

impl Voice {
    /// The share of the connector of that name.
    pub(crate) fn new(connector: impl Into<Arc<str>>) -> Voice {
        Voice(Arc::new(Share { connector: connector.into(), rate: Mutex::default() }))
    }

    /// The connector's short name.
    pub(crate) fn connector(&self) -> Arc<str> {
        self.0.connector.clone()
    }

    /// Whether a line may be written now. Those that may not are counted, and the count is a line of its own.
    pub(super) fn passes(&self) -> bool {
        let now = Instant::now();
        let (passes, left_out) = {
            let mut rate = self.0.rate();
            (rate.passes(now), rate.take_left_out(now))
        };
        report(&self.0.connector, left_out);
        passes
    }

    /// An instance is gone: it may have been the last.
    pub(super) fn ended(&self) {
        let left_out = self.0.rate().take_last(Instant::now());
        report(&self.0.connector, left_out);
    }
}

impl Share {
    fn rate(&self) -> MutexGuard<'_, Rate> {
        self.rate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let left_out = self.rate().take_all();
        report(&self.connector, left_out);
    }
}

fn report(connector: &str, left_out: u64) {
    if left_out > 0 {
        tracing::warn!(
            target: "semilayer::connector",
            connector,
            left_out,
            "the connector writes more log lines than are taken; some were left out"
        );
    }
}
