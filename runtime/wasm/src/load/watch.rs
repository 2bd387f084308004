//! Noticing that the folder changed.

use std::path::PathBuf;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout_at};

use super::modules::{Modules, TARGET};

/// A file is copied in many steps: it is looked at when nothing has happened for this long.
const QUIET: Duration = Duration::from_millis(250);
/// It is looked at after this time even if something happens all the while.
const PATIENCE: Duration = Duration::from_secs(5);
/// Network file systems do not tell what another machine changes, so the folder is also looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Looks after a folder until it is dropped.
#[must_use = "the folder is watched until this is dropped"]
pub struct Watch([AbortHandle; 2]);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl Modules {
    /// Keeps looking at the files, and calls `changed` when another set of modules is served than before: by a look, because a
    /// module is compiled at last, or because the operator takes one away. Must be called within a tokio runtime.
    pub fn watch(&self, mut changed: impl FnMut(&Modules) + Send + 'static) -> Watch {
        let modules = self.clone();
        let mut served = self.0.served.subscribe();
        // A look may take a while, and nobody waits for it to hear of what is served.
        let telling = tokio::spawn(async move {
            while served.changed().await.is_ok() {
                changed(&modules);
            }
        });
        Watch([tokio::spawn(run(self.clone())).abort_handle(), telling.abort_handle()])
    }
}

async fn run(modules: Modules) {
    // One is as good as many: all it says is that it is time to look.
    let (tell, mut told) = mpsc::channel::<()>(1);
    let mut folders = modules.folders();
    let mut watched = watcher(&folders, tell.clone());
    // Something may have changed between the first look and the watcher's start.
    let _first = tell.try_send(());
    loop {
        tokio::select! {
            _ = told.recv() => until_quiet(&mut told).await,
            () = modules.0.look.notified() => {}
            () = sleep(LOOK_EVERY) => {}
        }
        let now = modules.folders();
        if now != folders {
            // The one before is dropped, and watches no longer.
            drop(std::mem::replace(&mut watched, watcher(&now, tell.clone())));
            folders = now;
        }
        modules.look().await;
    }
}

async fn until_quiet(told: &mut mpsc::Receiver<()>) {
    let limit = Instant::now() + PATIENCE;
    while Instant::now() < limit {
        let quiet = (Instant::now() + QUIET).min(limit);
        if timeout_at(quiet, told.recv()).await.is_err() {
            return;
        }
    }
}

/// Tells when something changes. Without one the folder is only looked at every now and then.
fn watcher(folders: &[PathBuf], tell: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
    let on_event = move |event: notify::Result<Event>| {
        // Opening and reading is what a look itself does.
        let is_change = event.is_ok_and(|event| {
            !matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write))
        });
        if is_change {
            let _full = tell.try_send(());
        }
    };
    let told = |error: &notify::Error, folder: &str| {
        let seconds = LOOK_EVERY.as_secs();
        tracing::warn!(target: TARGET, "{folder}changes are noticed every {seconds} s only: {error}");
    };
    let mut watcher = match notify::recommended_watcher(on_event) {
        Ok(watcher) => watcher,
        Err(error) => {
            told(&error, "");
            return None;
        }
    };
    for folder in folders {
        if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
            told(&error, &format!("{}: ", folder.display()));
        }
    }
    Some(watcher)
}
