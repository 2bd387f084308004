//! A session's thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use connector_model::{Error, ErrorCode, Result};
use connector_sql::sqlite::Binary;
use rusqlite::{Connection, InterruptHandle};
use tokio::sync::oneshot;

use crate::catalog::Catalog;
use crate::flow::Flow;

/// A session makes one call at a time: one waits in the channel at most.
const QUEUED: usize = 1;

/// What lives on the thread.
pub(crate) struct Database {
    pub(crate) connection: Connection,
    /// Shared by the source's sessions.
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) binary: Binary,
}

impl Database {
    /// Ends the transaction that a call may have left open.
    fn settle(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            // Nothing was written, so nothing is lost; the next call tries again.
            tracing::debug!(%error, "a read transaction could not be ended");
        }
    }
}

type Job = Box<dyn FnOnce(&mut Database) + Send>;

/// The async side's hold on the thread. The thread ends when this is dropped.
pub(crate) struct Worker {
    jobs: SyncSender<Job>,
    interrupt: InterruptHandle,
    thread: JoinHandle<()>,
}

impl Worker {
    /// Starts a thread that opens the database and then waits for work.
    ///
    /// # Errors
    /// What `open` returns; `INTERNAL` when the system gives no thread, or the thread died.
    pub(crate) async fn start(
        flow: &Arc<Flow>,
        open: impl FnOnce() -> Result<Database> + Send + 'static,
    ) -> Result<Worker> {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let (jobs, queue) = sync_channel::<Job>(QUEUED);
        let (opened, outcome) = oneshot::channel();
        let flow = Arc::clone(flow);
        let run = move || {
            let mut database = match flow.during(open) {
                Ok(database) => database,
                Err(error) => return drop(opened.send(Err(error))),
            };
            // Nobody waits any more: the open was cancelled.
            if opened.send(Ok(database.connection.get_interrupt_handle())).is_err() {
                return;
            }
            for job in queue {
                job(&mut database);
            }
        };
        let name = format!("sqlite-{}", OPENED.fetch_add(1, Ordering::Relaxed));
        let thread = Builder::new().name(name).spawn(run).map_err(|error| {
            Error::new(ErrorCode::Internal, format!("no thread for a SQLite session: {error}"))
                .with_retryable(true)
        })?;
        let interrupt = outcome.await.map_err(|_| died())??;
        Ok(Worker { jobs, interrupt, thread })
    }

    /// Hands a piece of work to the thread; the receiver gets its outcome.
    ///
    /// # Errors
    /// `INTERNAL` when the thread is gone.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        flow: &Arc<Flow>,
        work: impl FnOnce(&mut Database, &Flow) -> Result<T> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T>>> {
        let (answer, outcome) = oneshot::channel();
        let flow = Arc::clone(flow);
        let job: Job = Box::new(move |database| {
            let done = flow.during(|| {
                database.settle();
                let done = work(database, &flow);
                database.settle();
                done
            });
            // Nobody waits for the answer of a call that was dropped.
            drop(answer.send(done));
        });
        self.jobs.try_send(job).map_err(|_| died())?;
        Ok(outcome)
    }

    /// Ends the statement that runs now; one that begins later is not touched.
    pub(crate) fn interrupt(&self) {
        self.interrupt.interrupt();
    }

    /// Whether the thread can still work.
    pub(crate) fn is_alive(&self) -> bool {
        !self.thread.is_finished()
    }

    #[cfg(test)]
    pub(crate) fn into_thread(self) -> JoinHandle<()> {
        self.thread
    }
}

/// The error of a call whose thread is gone.
pub(crate) fn died() -> Error {
    Error::internal("a SQLite session's thread ended unexpectedly")
}
