//! Writes down how jobs went, beside their path: a job hands its note to a bounded channel and goes on; one task
//! commits notes in groups.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::store::{FinishedJob, StartedJob, Store};

/// Notes that may wait. At 20,000 jobs a second two notes each fill it in a fifth of a second of a stalled disk; a
/// longer stall loses notes, never time of a query.
const WAITING: usize = 8_192;
/// Notes in one transaction.
const GROUP: usize = 256;
/// How long the first note of a group may wait for others.
const GATHER: Duration = Duration::from_millis(20);

enum Note {
    Started(StartedJob, Instant),
    Finished(FinishedJob, Instant),
}

/// Where jobs leave their notes.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    notes: mpsc::Sender<Note>,
    lost: Arc<AtomicU64>,
}

impl Recorder {
    /// A recorder, and the task that writes to `store` until `ended`, and what is waiting then.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        ended: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (notes, waiting) = mpsc::channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let recorder = Self { notes, lost: Arc::clone(&lost) };
        (recorder, write(store, waiting, lost, ended))
    }

    /// Notes that a job was handed over, or found nobody.
    pub(crate) fn started(&self, job: StartedJob) {
        self.note(Note::Started(job, Instant::now()));
    }

    /// Notes how a job ended.
    pub(crate) fn finished(&self, job: FinishedJob) {
        self.note(Note::Finished(job, Instant::now()));
    }

    fn note(&self, note: Note) {
        if self.notes.try_send(note).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn write(
    store: Arc<dyn Store>,
    mut waiting: mpsc::Receiver<Note>,
    lost: Arc<AtomicU64>,
    ended: CancellationToken,
) {
    let mut group = Vec::with_capacity(GROUP);
    loop {
        let first = tokio::select! {
            biased;
            note = waiting.recv() => note,
            () = ended.cancelled() => None,
        };
        let Some(first) = first else { return };
        group.push(first);
        let until = Instant::now() + GATHER;
        while group.len() < GROUP {
            let room = GROUP - group.len();
            match tokio::time::timeout_at(until, waiting.recv_many(&mut group, room)).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        commit(&*store, &mut group).await;
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::error!(lost, "the database was too slow: some jobs are missing from the record");
        }
    }
}

async fn commit(store: &dyn Store, group: &mut Vec<Note>) {
    let now = Instant::now();
    let age = |since: Instant| u64::try_from((now - since).as_millis()).unwrap_or(u64::MAX);
    let (mut started, mut finished) = (Vec::new(), Vec::new());
    for note in group.drain(..) {
        match note {
            Note::Started(job, at) => started.push((job, age(at))),
            Note::Finished(job, at) => finished.push((job, age(at))),
        }
    }
    if let Err(error) = store.record_jobs(&started, &finished).await {
        let lost = started.len() + finished.len();
        tracing::error!(%error, lost, "a group of jobs could not be recorded");
    }
}
