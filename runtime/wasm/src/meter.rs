//! How long a guest computes.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::ticks::Ticker;

/// The running time of an instance's present call: from each time that it is polled until it waits for something, or
/// another has its turn. What it waits for the network, or for whoever takes its rows, is not in it.
#[derive(Debug)]
pub(crate) struct Meter {
    limit: Duration,
    /// What moments are counted from.
    epoch: Instant,
    /// Nanoseconds of the turns that are over.
    spent: AtomicU64,
    /// Nanoseconds from the epoch to the beginning of the present turn.
    begun: AtomicU64,
}

/// A call has computed for longer than it may.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("it computed for more than {} ms in one call", limit.as_millis())]
pub(crate) struct RunningTimeUp {
    /// How long it may.
    pub(crate) limit: Duration,
}

impl Meter {
    /// A meter for calls that may compute for `limit`.
    pub(crate) fn new(limit: Duration) -> Self {
        Meter { limit, epoch: Instant::now(), spent: AtomicU64::new(0), begun: AtomicU64::new(0) }
    }

    /// Begins a call.
    pub(crate) fn begin(&self) {
        self.spent.store(0, Ordering::Relaxed);
    }

    /// How long the present call, or the last one, has run, up to its last turn.
    pub(crate) fn spent(&self) -> Duration {
        Duration::from_nanos(self.spent.load(Ordering::Relaxed))
    }

    /// Looks whether the call may go on; asked by the guest's own turn, at a tick.
    ///
    /// # Errors
    /// [`RunningTimeUp`].
    pub(crate) fn check(&self) -> Result<(), RunningTimeUp> {
        let turn = self.now().saturating_sub(self.begun.load(Ordering::Relaxed));
        let spent = self.spent() + Duration::from_nanos(turn);
        if spent > self.limit { Err(RunningTimeUp { limit: self.limit }) } else { Ok(()) }
    }

    /// The output of a future that runs the guest, measured; the clock ticks in its turns.
    pub(crate) async fn run<F: Future>(&self, ticker: &Ticker, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            let _running = ticker.run();
            let begun = self.now();
            self.begun.store(begun, Ordering::Relaxed);
            let poll = future.as_mut().poll(cx);
            self.spent.fetch_add(self.now().saturating_sub(begun), Ordering::Relaxed);
            poll
        })
        .await
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_turns_count() {
        let ticker = Ticker::start(wasmtime::Engine::default()).unwrap();
        let meter = Meter::new(Duration::from_millis(50));
        let turn = || {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(2) {
                std::hint::spin_loop();
            }
        };
        let call = async {
            turn();
            tokio::time::sleep(Duration::from_secs(3600)).await;
            turn();
            meter.check()
        };
        meter.run(&ticker, call).await.unwrap();
        let spent = meter.spent();
        assert!(spent >= Duration::from_millis(4) && spent < Duration::from_secs(1), "{spent:?}");
        meter.begin();
        assert_eq!(meter.spent(), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_turn_that_does_not_end_is_seen_from_within() {
        let ticker = Ticker::start(wasmtime::Engine::default()).unwrap();
        let meter = Meter::new(Duration::from_millis(1));
        let call = async {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(5) {
                std::hint::spin_loop();
            }
            meter.check()
        };
        assert_eq!(meter.run(&ticker, call).await.unwrap_err().limit, Duration::from_millis(1));
    }
}
