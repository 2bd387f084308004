//! Everything that waits to be sent on one session, and who may add to it.
//!
//! One short lock, never held across an await. Taken once a frame, not once a row.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use runner_protocol::{Credit, RunnerFrame};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::control::{Control, ControlQueue};
use crate::fair_queue::{FairQueue, LaneKey};
use crate::reply::Gone;
use crate::window::Window;

/// Chunks of one job that may wait here: one being written while the next is filled. More would only be
/// memory.
const CHUNKS_PER_JOB: usize = 2;

/// Ends of jobs that may wait here. Jobs that run are bounded by the engine; their ends never wait for a
/// slot, so a gateway that sends jobs and reads no answer is bounded by this: some 5 MB of error frames.
const MAX_UNSENT_ENDS: usize = 16_384;

/// What the writer does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Send this text frame.
    Frame(Bytes),
    /// Send a WebSocket ping.
    Ping,
    /// Nothing waits: flush, then wait for [`SendQueue::changed`].
    Nothing,
    /// Send a close frame; it is the last.
    Close(Option<CloseFrame>),
    /// The socket is gone.
    Ended,
}

/// Why a job cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// One with this id is running.
    Duplicate,
    /// Too many answers wait unread.
    Unread,
}

/// See the module's description.
#[derive(Debug, Default)]
pub(crate) struct SendQueue {
    state: Mutex<State>,
    writer: Notify,
    idle: Notify,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    control: ControlQueue,
    frames: FairQueue,
    jobs: HashMap<LaneKey, OpenJob>,
    ids: HashMap<Arc<str>, LaneKey>,
    /// Lanes whose last frame is waiting.
    ending: HashSet<LaneKey>,
    windows: bool,
    next_key: LaneKey,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Open,
    /// What waits is still sent, then this.
    Closing(Option<CloseFrame>),
    Closed,
}

#[derive(Debug)]
struct OpenJob {
    id: Arc<str>,
    window: Window,
    waiting: Option<Waker>,
}

impl SendQueue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Turns the windows on, which both sides have agreed to.
    pub(crate) fn enable_windows(&self) {
        self.lock().windows = true;
    }

    /// Queues a frame that goes before all jobs' frames: `hello` and `draining`.
    pub(crate) fn control(&self, frame: &RunnerFrame) {
        self.lock().control.once(frame.encode().into());
        self.writer.notify_one();
    }

    /// Queues a heartbeat, in place of one that still waits.
    pub(crate) fn heartbeat(&self, frame: &RunnerFrame) {
        self.lock().control.heartbeat(frame.encode().into());
        self.writer.notify_one();
    }

    /// Queues a WebSocket ping, unless one waits.
    pub(crate) fn ping(&self) {
        self.lock().control.ping();
        self.writer.notify_one();
    }

    /// Opens a lane for a job.
    pub(crate) fn open(&self, id: &str) -> Result<(LaneKey, Arc<str>), Refused> {
        let mut state = self.lock();
        if state.ids.contains_key(id) {
            return Err(Refused::Duplicate);
        }
        if state.ending.len() >= MAX_UNSENT_ENDS {
            return Err(Refused::Unread);
        }
        let key = state.next_key;
        state.next_key += 1;
        let id: Arc<str> = id.into();
        state.ids.insert(Arc::clone(&id), key);
        let job = OpenJob { id: Arc::clone(&id), window: Window::default(), waiting: None };
        state.jobs.insert(key, job);
        Ok((key, id))
    }

    /// Queues a chunk once the job's window is open and it has a slot.
    pub(crate) fn poll_chunk(
        &self,
        key: LaneKey,
        frame: &mut Option<Bytes>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Gone>> {
        let mut state = self.lock();
        let State { phase, frames, jobs, windows, .. } = &mut *state;
        let Some(job) = jobs.get_mut(&key).filter(|_| matches!(phase, Phase::Open)) else {
            return Poll::Ready(Err(Gone));
        };
        if (*windows && !job.window.is_open()) || frames.depth(key) >= CHUNKS_PER_JOB {
            match &mut job.waiting {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        if let Some(frame) = frame.take() {
            job.window.take(frame.len());
            frames.push(key, frame);
        }
        drop(state);
        self.writer.notify_one();
        Poll::Ready(Ok(()))
    }

    /// Queues a job's last frame behind its chunks, without waiting, and closes its lane to others.
    pub(crate) fn end(&self, key: LaneKey, frame: Bytes) {
        let mut state = self.lock();
        let Some(job) = state.jobs.remove(&key) else { return };
        state.ids.remove(&job.id);
        if !matches!(state.phase, Phase::Closed) {
            state.frames.push(key, frame);
            state.ending.insert(key);
        }
        drop(state);
        self.writer.notify_one();
    }

    /// Adds to a job's window; an unknown job is ignored.
    pub(crate) fn credit(&self, credit: &Credit) {
        let mut state = self.lock();
        let Some(&key) = state.ids.get(credit.id.as_str()) else { return };
        let Some(job) = state.jobs.get_mut(&key) else { return };
        job.window.add(credit.bytes);
        if job.window.is_open() {
            wake(job.waiting.take());
        }
    }

    /// Whether a job of this id is running.
    pub(crate) fn is_running(&self, id: &str) -> bool {
        self.lock().ids.contains_key(id)
    }

    /// Takes what is to be sent next: control frames first, then jobs in fair order.
    pub(crate) fn next(&self) -> Next {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Closed) {
            return Next::Ended;
        }
        match state.control.pop() {
            Some(Control::Frame(frame)) => return Next::Frame(frame),
            Some(Control::Ping) => return Next::Ping,
            None => {}
        }
        if let Some((key, frame)) = state.frames.pop() {
            self.taken(&mut state, key);
            return Next::Frame(frame);
        }
        match std::mem::take(&mut state.phase) {
            Phase::Closing(frame) => {
                state.phase = Phase::Closed;
                Next::Close(frame)
            }
            _ => Next::Nothing,
        }
    }

    /// A frame of `key` has left.
    fn taken(&self, state: &mut State, key: LaneKey) {
        if let Some(job) = state.jobs.get_mut(&key) {
            wake(job.waiting.take());
        } else if state.frames.depth(key) == 0 {
            state.frames.remove(key);
            state.ending.remove(&key);
            if state.is_idle() {
                self.idle.notify_waiters();
            }
        }
    }

    /// Resolves when [`next`](Self::next) may have something new.
    pub(crate) async fn changed(&self) {
        self.writer.notified().await;
    }

    /// Resolves when no job runs and no frame of one waits.
    pub(crate) async fn idle(&self) {
        loop {
            // Registered before looking, so that an end between the two is not missed.
            let mut changed = std::pin::pin!(self.idle.notified());
            changed.as_mut().enable();
            if self.lock().is_idle() {
                return;
            }
            changed.await;
        }
    }

    /// Sends what waits, then a close frame, then nothing more. Jobs that still run find the socket gone.
    pub(crate) fn close(&self, frame: Option<CloseFrame>) {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Open) {
            return;
        }
        state.phase = Phase::Closing(frame);
        state.wake_all();
        drop(state);
        self.writer.notify_one();
    }

    /// Drops what waits, and sends only a close frame.
    pub(crate) fn abort(&self, frame: Option<CloseFrame>) {
        let mut state = self.lock();
        state.clear();
        state.phase = Phase::Closing(frame);
        drop(state);
        self.writer.notify_one();
    }

    /// The socket is gone: drops everything.
    pub(crate) fn shut(&self) {
        let mut state = self.lock();
        state.clear();
        state.phase = Phase::Closed;
        drop(state);
        self.writer.notify_one();
        self.idle.notify_waiters();
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.jobs.is_empty() && self.frames.is_empty()
    }

    fn wake_all(&mut self) {
        for job in self.jobs.values_mut() {
            wake(job.waiting.take());
        }
    }

    fn clear(&mut self) {
        self.wake_all();
        self.control = ControlQueue::default();
        self.frames = FairQueue::default();
        self.jobs.clear();
        self.ids.clear();
        self.ending.clear();
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests;
