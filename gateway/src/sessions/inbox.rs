//! Where the frames of one job wait for its caller.
//!
//! The socket's read loop puts frames in and never waits; the caller's own task takes them out. What may wait is
//! bounded in bytes: by the send window where the runner keeps one, and by [`MAX_LAG_BYTES`] for everybody.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use runner_protocol::limits::MAX_LAG_BYTES;
use runner_protocol::{Chunk, DoneMeta, JobError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// What becomes of a job, in the order in which it happened.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// Part of the result.
    Chunk {
        /// The rows, still as text.
        chunk: Box<Chunk>,
        /// Size of the frame they came in, which is what the window counts.
        frame_bytes: usize,
    },
    /// The good end.
    Done(Option<DoneMeta>),
    /// The runner's own bad end.
    Failed(Box<JobError>),
    /// The runner sent a frame for this job that makes no sense; says which field.
    Malformed(&'static str),
    /// The socket is gone.
    Lost,
    /// The caller fell behind by more than may be held.
    Lagged,
    /// The deadline passed while nobody was taking frames out.
    Expired,
}

impl Delivery {
    /// Whether nothing can follow.
    const fn is_end(&self) -> bool {
        !matches!(self, Self::Chunk { .. })
    }
}

/// What the read loop has to do after putting a frame in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// Nothing.
    Taken,
    /// Nobody waits for this job any more; the frame was dropped.
    Dropped,
    /// The bound was passed: the job has ended here, and the runner has to be told.
    Overflowed,
}

/// The waiting frames of one job.
#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    arrived: Notify,
    /// When the job's time is up.
    pub(crate) deadline: Instant,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Delivery>,
    bytes: usize,
    closed: bool,
}

impl Inbox {
    /// An empty inbox of a job whose time is up at `deadline`.
    pub(crate) fn new(deadline: Instant) -> Self {
        Self { state: Mutex::default(), arrived: Notify::new(), deadline }
    }

    /// Puts a frame in. An end closes the inbox: whatever comes after it is dropped.
    pub(crate) fn put(&self, delivery: Delivery) -> Put {
        let put = {
            let mut state = self.lock();
            if state.closed {
                return Put::Dropped;
            }
            if let Delivery::Chunk { frame_bytes, .. } = &delivery {
                if state.bytes > MAX_LAG_BYTES {
                    state.end(Delivery::Lagged);
                    Put::Overflowed
                } else {
                    state.bytes += frame_bytes;
                    state.waiting.push_back(delivery);
                    Put::Taken
                }
            } else {
                state.closed = delivery.is_end();
                state.waiting.push_back(delivery);
                Put::Taken
            }
        };
        self.arrived.notify_one();
        put
    }

    /// Ends the job with `delivery` in place of everything that still waits; false when it had ended before.
    pub(crate) fn cut(&self, delivery: Delivery) -> bool {
        {
            let mut state = self.lock();
            if state.closed {
                return false;
            }
            state.end(delivery);
        }
        self.arrived.notify_one();
        true
    }

    /// Nobody will take anything out again; what waits is let go of. False when the job had ended before.
    pub(crate) fn abandon(&self) -> bool {
        let mut state = self.lock();
        let was_open = !state.closed;
        state.closed = true;
        state.waiting = VecDeque::new();
        state.bytes = 0;
        was_open
    }

    /// The next thing that happens to the job. Only one task may wait here at a time.
    pub(crate) async fn take(&self) -> Delivery {
        loop {
            if let Some(delivery) = self.pop() {
                return delivery;
            }
            self.arrived.notified().await;
        }
    }

    fn pop(&self) -> Option<Delivery> {
        let mut state = self.lock();
        let delivery = state.waiting.pop_front()?;
        if let Delivery::Chunk { frame_bytes, .. } = &delivery {
            state.bytes = state.bytes.saturating_sub(*frame_bytes);
        }
        Some(delivery)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under this lock; the state is sound whatever happened elsewhere.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn end(&mut self, delivery: Delivery) {
        self.waiting.clear();
        self.bytes = 0;
        self.closed = true;
        self.waiting.push_back(delivery);
    }
}

#[cfg(test)]
mod tests {
    use runner_protocol::RawJson;

    use super::*;

    fn chunk(frame_bytes: usize) -> Delivery {
        let chunk = Chunk {
            id: String::new(),
            rows: RawJson::empty_list(),
            agg: None,
            total: None,
            approximate: None,
        };
        Delivery::Chunk { chunk: Box::new(chunk), frame_bytes }
    }

    fn inbox() -> Inbox {
        Inbox::new(Instant::now())
    }

    #[tokio::test]
    async fn frames_come_out_in_order_and_nothing_follows_an_end() {
        let inbox = inbox();
        assert_eq!(inbox.put(chunk(10)), Put::Taken);
        assert_eq!(inbox.put(Delivery::Done(None)), Put::Taken);
        assert_eq!(inbox.put(chunk(10)), Put::Dropped);
        assert_eq!(inbox.put(Delivery::Lost), Put::Dropped);
        assert!(matches!(inbox.take().await, Delivery::Chunk { frame_bytes: 10, .. }));
        assert!(matches!(inbox.take().await, Delivery::Done(None)));
    }

    #[tokio::test]
    async fn a_caller_that_lags_too_far_ends_its_job_and_frees_the_memory() {
        let inbox = inbox();
        assert_eq!(inbox.put(chunk(MAX_LAG_BYTES)), Put::Taken);
        assert_eq!(inbox.put(chunk(1)), Put::Taken);
        assert_eq!(inbox.put(chunk(1)), Put::Overflowed);
        assert_eq!(inbox.put(chunk(1)), Put::Dropped);
        assert!(matches!(inbox.take().await, Delivery::Lagged));
    }

    #[tokio::test]
    async fn an_abandoned_inbox_swallows_what_still_comes() {
        let inbox = inbox();
        assert_eq!(inbox.put(chunk(10)), Put::Taken);
        assert!(inbox.abandon());
        assert_eq!(inbox.put(chunk(10)), Put::Dropped);
        assert!(!inbox.abandon());
        assert!(!inbox.cut(Delivery::Expired));
    }
}
