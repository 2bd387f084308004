//! The clock by which running guests are interrupted.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use wasmtime::Engine;

/// How long a guest computes before others have their turn, and how exactly its running time is held.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Advances the engine's epoch every [`TICK`] while a guest runs; asleep otherwise.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Default)]
struct Shared {
    /// Guests that run at this moment.
    running: AtomicUsize,
    /// Whether the thread sleeps until it is woken.
    asleep: AtomicBool,
    stopped: AtomicBool,
}

impl Ticker {
    /// Starts the thread.
    pub(crate) fn start(engine: Engine) -> io::Result<Ticker> {
        let shared = Arc::new(Shared::default());
        let ticking = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("wasm-ticks".into())
            .spawn(move || ticking.tick(|| engine.increment_epoch()))?;
        Ok(Ticker { shared, thread: thread.thread().clone() })
    }

    /// Says that a guest runs for as long as the answer lives.
    pub(crate) fn run(&self) -> Running<'_> {
        // Each side stores its own and then looks at the other's, in one order for both: one of them sees the other.
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) && self.shared.asleep.swap(false, Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(&self.shared.running)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// One guest that runs.
pub(crate) struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    fn tick(&self, advance: impl Fn()) {
        while !self.stopped.load(Ordering::SeqCst) {
            let next = Instant::now() + TICK;
            loop {
                let left = next.saturating_duration_since(Instant::now());
                if left.is_zero() || self.stopped.load(Ordering::SeqCst) {
                    break;
                }
                thread::park_timeout(left);
            }
            advance();
            if self.running.load(Ordering::SeqCst) == 0 {
                self.sleep();
            }
        }
    }

    /// Sleeps until a guest runs.
    fn sleep(&self) {
        self.asleep.store(true, Ordering::SeqCst);
        while self.asleep.load(Ordering::SeqCst)
            && self.running.load(Ordering::SeqCst) == 0
            && !self.stopped.load(Ordering::SeqCst)
        {
            thread::park();
        }
        self.asleep.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn it_ticks_while_a_guest_runs_and_ends_with_its_owner() {
        let shared = Arc::new(Shared::default());
        let (ticked, ticks) = mpsc::sync_channel(1);
        let ticking = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            ticking.tick(|| {
                let _ = ticked.try_send(());
            })
        });
        let ticker = Ticker { shared: Arc::clone(&shared), thread: thread.thread().clone() };
        let running = ticker.run();
        for _ in 0..3 {
            ticks.recv_timeout(Duration::from_secs(10)).unwrap();
        }
        drop(running);
        while !shared.asleep.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        let again = ticker.run();
        let _ = ticks.try_recv();
        ticks.recv_timeout(Duration::from_secs(10)).unwrap();
        drop(again);
        drop(ticker);
        thread.join().unwrap();
    }
}
