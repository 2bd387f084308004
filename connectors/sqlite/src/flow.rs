//! Between a session's thread and the async side, for one call: rows one way, the wish to stop the other.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use connector_api::Stopped;
use connector_model::Result;
use connector_model::json::{Envelope, RowBuffer, RowWriter};
use tokio::sync::Notify;

/// How many bytes of rows are handed over at once: what a chunk holds, so that none is cut in two.
const BLOCK_BYTES: usize = 64 * 1024;

/// How long the thread waits before it tries a locked database again.
const LOCK_POLL: Duration = Duration::from_millis(5);

/// Rows that the thread wrote and the async side has not taken yet, at most one block of them, and whether the call
/// has to end. The async side can take a block that is not full, so a row never waits for the next one, however long
/// SQLite searches for it.
pub(crate) struct Flow {
    rows: Mutex<RowBuffer>,
    /// The block was taken, or the call has to end.
    changed: Condvar,
    /// The block is full.
    full: Notify,
    stopped: AtomicBool,
    started: AtomicBool,
}

thread_local! {
    /// The call that this session's thread works on.
    static CURRENT: RefCell<Option<Arc<Flow>>> = const { RefCell::new(None) };
}

impl Flow {
    /// The flow of a call whose rows may have `row_bytes` bytes of JSON each.
    pub(crate) fn new(row_bytes: usize) -> Arc<Flow> {
        Arc::new(Flow {
            rows: Mutex::new(RowBuffer::new(Envelope::default(), BLOCK_BYTES, row_bytes)),
            changed: Condvar::new(),
            full: Notify::new(),
            stopped: AtomicBool::new(false),
            started: AtomicBool::new(false),
        })
    }

    /// A panic while a row is written loses that thread and its session; the rows before it are whole.
    fn lock(&self) -> MutexGuard<'_, RowBuffer> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // The thread's side.

    /// Makes this the call that the calling thread works on, while `work` runs.
    pub(crate) fn during<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        CURRENT.set(Some(Arc::clone(self)));
        let done = work();
        CURRENT.set(None);
        done
    }

    /// What SQLite calls when another connection holds the lock: waits a little, unless the call has to end. There is
    /// no limit of its own; the call's deadline is one.
    pub(crate) fn wait_for_lock(_tries: i32) -> bool {
        CURRENT.with_borrow(|current| {
            let Some(flow) = current else { return false };
            let rows = flow.lock();
            if flow.stopped() {
                return false;
            }
            drop(flow.changed.wait_timeout(rows, LOCK_POLL));
            !flow.stopped()
        })
    }

    /// Sets the columns of the rows that follow.
    pub(crate) fn columns<'n>(&self, names: impl IntoIterator<Item = &'n str>) {
        self.lock().columns(names);
    }

    /// Writes a row; waits while a full block has not been taken.
    ///
    /// # Errors
    /// `CANCELLED` when the call has to end; what `write` returns; `RESULT_TOO_LARGE`.
    pub(crate) fn row(&self, write: impl FnOnce(&mut RowWriter<'_>) -> Result<()>) -> Result<()> {
        self.put(|rows| rows.row(write))
    }

    /// Adds a row that is a JSON object already; waits while a full block has not been taken.
    ///
    /// # Errors
    /// `CANCELLED` when the call has to end.
    pub(crate) fn object(&self, object: &[u8]) -> Result<()> {
        self.put(|rows| rows.splice(1, object))
    }

    fn put(&self, put: impl FnOnce(&mut RowBuffer) -> Result<()>) -> Result<()> {
        let mut rows = self.lock();
        while rows.is_full() && !self.stopped() {
            self.full.notify_one();
            rows = self.changed.wait(rows).unwrap_or_else(PoisonError::into_inner);
        }
        self.check()?;
        put(&mut rows)?;
        self.started.store(true, Ordering::Relaxed);
        if rows.is_full() {
            self.full.notify_one();
        }
        Ok(())
    }

    /// Asks the async side to take what there is.
    pub(crate) fn offer(&self) {
        self.full.notify_one();
    }

    /// Whether a row was written.
    pub(crate) fn started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    /// Whether the call has to end. Which of the reasons it was is the async side's to say.
    ///
    /// # Errors
    /// `CANCELLED`.
    pub(crate) fn check(&self) -> Result<()> {
        if self.stopped() { Err(Stopped::Cancelled.error()) } else { Ok(()) }
    }

    // The async side.

    /// Waits until the block is full.
    pub(crate) async fn full(&self) {
        self.full.notified().await;
    }

    /// Takes the rows there are: how many, and their bytes. `None` when there are none, or one is being written.
    pub(crate) fn take(&self) -> Option<(u32, Vec<u8>)> {
        let mut rows = match self.rows.try_lock() {
            Ok(rows) => rows,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        if rows.rows() == 0 {
            return None;
        }
        let (bytes, count) = rows.take();
        drop(rows);
        self.changed.notify_all();
        Some((count, bytes))
    }

    /// Tells the thread to end the call.
    pub(crate) fn stop(&self) {
        let rows = self.lock();
        self.stopped.store(true, Ordering::Release);
        drop(rows);
        self.changed.notify_all();
    }

    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}
