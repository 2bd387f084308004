//! How many jobs run at once, and in which order the others wait.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use connector_model::error::{Error, ErrorCode, Result};
use tokio::sync::oneshot;

use crate::lock::lock;
use crate::settings::Limits;

/// What waiting jobs may hold in memory, all together. A job may be as large as a frame, 16 MiB, and a queue of a
/// thousand such would be more than a small machine has; ordinary jobs of a few hundred bytes never come near it.
const MAX_WAITING_BYTES: usize = 64 * 1024 * 1024;

/// The door of the engine: a bounded number of jobs inside, a bounded number of them for each source, and a queue in
/// front, bounded in jobs and bytes, in which sources take turns.
#[derive(Clone)]
pub(crate) struct Admission(Arc<Mutex<State>>);

struct State {
    limits: Limits,
    running: usize,
    waiting: usize,
    waiting_bytes: usize,
    next_ticket: u64,
    sources: HashMap<Arc<str>, Lane>,
    /// The sources that have jobs waiting, the one whose turn is next in front.
    turns: VecDeque<Arc<str>>,
}

/// One source's jobs. There is a lane only while it has any.
#[derive(Default)]
struct Lane {
    running: usize,
    /// The most that run at once, as the latest job was told.
    most: usize,
    waiting: VecDeque<Waiter>,
}

struct Waiter {
    ticket: u64,
    bytes: usize,
    grant: oneshot::Sender<Slot>,
}

/// A place among the running jobs; dropping it lets the next one in.
pub(crate) struct Slot {
    admission: Admission,
    source: Arc<str>,
}

/// A place in the queue; dropping it leaves the queue.
pub(crate) struct Waiting {
    admission: Admission,
    source: Arc<str>,
    ticket: u64,
    granted: oneshot::Receiver<Slot>,
}

/// The answer at the door.
pub(crate) enum Entry {
    /// Come in.
    Slot(Slot),
    /// Wait for a slot.
    Waiting(Waiting),
}

impl Admission {
    /// A door with these limits.
    pub(crate) fn new(limits: Limits) -> Self {
        Admission(Arc::new(Mutex::new(State {
            limits,
            running: 0,
            waiting: 0,
            waiting_bytes: 0,
            next_ticket: 0,
            sources: HashMap::new(),
            turns: VecDeque::new(),
        })))
    }

    /// A slot for a job of `source` that holds so many bytes, or a place in the queue. `most` bounds how many of the
    /// source run at once, where that is fewer than the limits say.
    ///
    /// # Errors
    /// `RUNNER_BUSY` when the queue is full.
    pub(crate) fn enter(&self, source: &Arc<str>, bytes: usize, most: Option<usize>) -> Result<Entry> {
        let mut state = lock(&self.0);
        let State { limits, running, waiting, waiting_bytes, next_ticket, sources, turns } = &mut *state;
        let lane = sources.entry(source.clone()).or_default();
        lane.most = most.unwrap_or(usize::MAX).min(limits.jobs_per_source);
        // Nobody of the own source waits here without a reason that holds for the newcomer too, and a free slot
        // means that every other waiting source is at its own limit.
        if *running < limits.jobs && lane.running < lane.most {
            *running += 1;
            lane.running += 1;
            return Ok(Entry::Slot(Slot { admission: self.clone(), source: source.clone() }));
        }
        if *waiting >= limits.queued || waiting_bytes.saturating_add(bytes) > MAX_WAITING_BYTES {
            let idle = lane.running == 0 && lane.waiting.is_empty();
            let message = format!(
                "{running} jobs are running and {waiting} ({waiting_bytes} bytes) are waiting; try again shortly"
            );
            if idle {
                sources.remove(source);
            }
            return Err(Error::new(ErrorCode::RunnerBusy, message));
        }
        let (grant, granted) = oneshot::channel();
        let ticket = *next_ticket;
        *next_ticket += 1;
        *waiting += 1;
        *waiting_bytes += bytes;
        if lane.waiting.is_empty() {
            turns.push_back(source.clone());
        }
        lane.waiting.push_back(Waiter { ticket, bytes, grant });
        Ok(Entry::Waiting(Waiting { admission: self.clone(), source: source.clone(), ticket, granted }))
    }

    /// How many jobs run and how many wait.
    pub(crate) fn load(&self) -> (usize, usize) {
        let state = lock(&self.0);
        (state.running, state.waiting)
    }
}

impl State {
    /// Takes the next waiter whose source has room, in turn, and counts it as running.
    fn next(&mut self) -> Option<(Arc<str>, Waiter)> {
        if self.running >= self.limits.jobs {
            return None;
        }
        for _ in 0..self.turns.len() {
            let source = self.turns.pop_front()?;
            let Some(lane) = self.sources.get_mut(&source) else { continue };
            if lane.running >= lane.most {
                self.turns.push_back(source);
                continue;
            }
            let Some(waiter) = lane.waiting.pop_front() else { continue };
            lane.running += 1;
            self.running += 1;
            self.waiting -= 1;
            self.waiting_bytes -= waiter.bytes;
            if !lane.waiting.is_empty() {
                self.turns.push_back(source.clone());
            }
            return Some((source, waiter));
        }
        None
    }

    fn release(&mut self, source: &Arc<str>) {
        self.running -= 1;
        if let Some(lane) = self.sources.get_mut(source) {
            lane.running -= 1;
            if lane.running == 0 && lane.waiting.is_empty() {
                self.sources.remove(source);
            }
        }
    }
}

impl Slot {
    /// Whether no other job runs.
    pub(crate) fn is_alone(&self) -> bool {
        lock(&self.admission.0).running <= 1
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let granted = {
            let mut state = lock(&self.admission.0);
            state.release(&self.source);
            state.next()
        };
        // Outside the lock: a waiter that has gone gives the slot back by the same drop.
        if let Some((source, waiter)) = granted {
            let slot = Slot { admission: self.admission.clone(), source };
            drop(waiter.grant.send(slot));
        }
    }
}

impl Future for Waiting {
    type Output = Slot;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Slot> {
        match Pin::new(&mut self.granted).poll(cx) {
            Poll::Ready(Ok(slot)) => Poll::Ready(slot),
            // The sender is dropped only by this waiter's own drop.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = lock(&self.admission.0);
        let State { sources, turns, waiting, waiting_bytes, .. } = &mut *state;
        let Some(lane) = sources.get_mut(&self.source) else { return };
        // Tickets of a lane ascend, so a granted one (no longer there) is found missing quickly.
        let Ok(position) = lane.waiting.binary_search_by_key(&self.ticket, |waiter| waiter.ticket) else {
            return;
        };
        let bytes = lane.waiting.remove(position).map_or(0, |waiter| waiter.bytes);
        *waiting -= 1;
        *waiting_bytes -= bytes;
        if lane.waiting.is_empty() {
            turns.retain(|source| *source != self.source);
            if lane.running == 0 {
                sources.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn limits(jobs: usize, jobs_per_source: usize, queued: usize) -> Limits {
        Limits { jobs, jobs_per_source, queued, ..Limits::default() }
    }

    fn slot(entry: Entry) -> Slot {
        match entry {
            Entry::Slot(slot) => slot,
            Entry::Waiting(_) => panic!("had to wait"),
        }
    }

    fn waiting(entry: Entry) -> Waiting {
        match entry {
            Entry::Waiting(waiting) => waiting,
            Entry::Slot(_) => panic!("did not wait"),
        }
    }

    #[test]
    fn a_source_at_its_own_limit_leaves_room_for_the_others() {
        let door = Admission::new(limits(3, 2, 10));
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let held = [slot(door.enter(&a, 1, None).unwrap()), slot(door.enter(&a, 1, None).unwrap())];
        let mut third = waiting(door.enter(&a, 1, None).unwrap());
        let other = slot(door.enter(&b, 1, None).unwrap());
        assert_eq!(door.load(), (3, 1));
        drop(other);
        assert!(
            (&mut third).now_or_never().is_none(),
            "a slot of another source does not lift the own limit"
        );
        drop(held);
        assert!(third.now_or_never().is_some());
        assert_eq!(door.load(), (0, 0));
    }

    #[test]
    fn waiting_sources_take_turns_whatever_the_length_of_their_queues() {
        let door = Admission::new(limits(1, 1, 10));
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let held = slot(door.enter(&a, 1, None).unwrap());
        let a1 = waiting(door.enter(&a, 1, None).unwrap());
        let mut a2 = waiting(door.enter(&a, 1, None).unwrap());
        let b1 = waiting(door.enter(&b, 1, None).unwrap());
        drop(held);
        let first = a1.now_or_never().unwrap();
        drop(first);
        let second = b1.now_or_never().expect("b has its turn before a's second job");
        assert!((&mut a2).now_or_never().is_none());
        drop(second);
        assert!(a2.now_or_never().is_some());
    }

    #[test]
    fn a_full_queue_refuses_and_one_that_left_makes_room() {
        let door = Admission::new(limits(1, 1, 1));
        let a: Arc<str> = "a".into();
        let held = slot(door.enter(&a, 1, None).unwrap());
        let queued = waiting(door.enter(&a, 1, None).unwrap());
        let Err(error) = door.enter(&"b".into(), 1, None) else { panic!("was admitted") };
        assert_eq!(error.code(), ErrorCode::RunnerBusy);
        assert!(error.retryable());
        drop(queued);
        let again = waiting(door.enter(&"b".into(), 1, None).unwrap());
        drop(held);
        assert!(again.now_or_never().is_some());
        assert!(lock(&door.0).sources.is_empty() && lock(&door.0).turns.is_empty());
    }

    #[test]
    fn a_queue_full_of_large_jobs_refuses_however_few_they_are() {
        let door = Admission::new(limits(1, 1, 100));
        let a: Arc<str> = "a".into();
        let quarter = MAX_WAITING_BYTES / 4;
        let held = slot(door.enter(&a, MAX_WAITING_BYTES, None).unwrap());
        let mut queued: Vec<_> = (0..4).map(|_| waiting(door.enter(&a, quarter, None).unwrap())).collect();
        let Err(error) = door.enter(&a, 1, None) else { panic!("was admitted") };
        assert_eq!((error.code(), error.retryable()), (ErrorCode::RunnerBusy, true));
        // A job that carries nothing is not refused for the others' size.
        drop(waiting(door.enter(&a, 0, None).unwrap()));
        drop(queued.pop());
        queued.push(waiting(door.enter(&a, quarter, None).unwrap()));
        drop(held);
        let admitted = queued.remove(0).now_or_never().unwrap();
        queued.push(waiting(door.enter(&a, quarter, None).unwrap()));
        assert!(door.enter(&a, 1, None).is_err());
        drop(queued);
        drop(admitted);
        assert_eq!((door.load(), lock(&door.0).waiting_bytes), ((0, 0), 0));
    }

    #[test]
    fn a_slot_granted_to_one_that_has_gone_is_passed_on() {
        let door = Admission::new(limits(1, 1, 4));
        let a: Arc<str> = "a".into();
        let held = slot(door.enter(&a, 1, None).unwrap());
        let first = waiting(door.enter(&a, 1, None).unwrap());
        let second = waiting(door.enter(&a, 1, None).unwrap());
        drop(held);
        drop(first);
        assert!(second.now_or_never().is_some());
        assert_eq!(door.load(), (0, 0));
    }

    #[test]
    fn a_source_with_fewer_jobs_of_its_own_waits_for_those_while_slots_are_free() {
        let door = Admission::new(limits(8, 8, 10));
        let a: Arc<str> = "a".into();
        let held = slot(door.enter(&a, 1, Some(1)).unwrap());
        let mut second = waiting(door.enter(&a, 1, Some(1)).unwrap());
        drop(slot(door.enter(&"b".into(), 1, None).unwrap()));
        assert!((&mut second).now_or_never().is_none(), "another source's slot lifts no limit");
        drop(held);
        let second = second.now_or_never().unwrap();
        // The limit was raised meanwhile.
        let third = slot(door.enter(&a, 1, Some(2)).unwrap());
        drop((second, third));
        assert_eq!(door.load(), (0, 0));
    }
}
