//! What every route and every socket of one gateway shares.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::administration::Administration;
use crate::directory::Directory;
use crate::dispatch::Dispatcher;
use crate::refusals::Refusals;
use crate::sessions::Registry;
use crate::settings::Timings;
use crate::store::Store;

/// The shared parts of a running gateway.
pub(crate) struct App {
    /// What is remembered.
    pub(crate) store: Arc<dyn Store>,
    /// Who may do what, from memory.
    pub(crate) directory: Arc<Directory>,
    /// The live sockets.
    pub(crate) registry: Arc<Registry>,
    /// The changes.
    pub(crate) administration: Arc<Administration>,
    /// The jobs.
    pub(crate) dispatcher: Dispatcher,
    /// The refusals by address.
    pub(crate) refusals: Refusals,
    /// This instance.
    pub(crate) instance: Uuid,
    /// The protocol's times.
    pub(crate) timings: Timings,
    /// How long finished jobs and audit entries are kept.
    pub(crate) retention: Duration,
    /// Whether `X-Forwarded-For` is believed.
    pub(crate) behind_proxy: bool,
    /// The URL that a runner dials.
    pub(crate) connect_url: String,
    /// Cancelled when the gateway begins to stop: nothing new is dispatched.
    pub(crate) stopping: CancellationToken,
    /// Cancelled when its last job has ended or had its time: everything ends.
    pub(crate) ended: CancellationToken,
    /// The runners' sockets.
    pub(crate) tasks: TaskTracker,
}

impl App {
    /// Whether nothing new is dispatched any more.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }
}
