//! All modules, and how they change.
//!
//! A look at the folder reads what is new and compiles nothing. What a look finds is made into connectors beside it, and is
//! served as soon as it is one: a module that takes long holds up neither another nor what the operator takes away.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use connector_model::error::{Error, ErrorCode};
use connector_model::manifest::short_name;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::cache::Cache;
use super::files::{File, Files, Start};
use super::loader::{LoadedModule, Loader};
use super::report::ModuleReport;
use super::settings::{Entries, LoadSettings};
use crate::module::{Module, Refused};

/// Where what is logged here is from.
pub(super) const TARGET: &str = "semilayer::connector";

/// How long a start waits for modules that need no compiling: they take milliseconds, unless one means to be slow.
const QUICK: Duration = Duration::from_secs(2);
/// How often a refresh looks again, where something changes while it looks.
const LOOKS: usize = 3;

/// The modules of a folder. A clone is the same set.
#[derive(Clone)]
pub struct Modules(pub(super) Arc<Set>);

pub(super) struct Set {
    settings: Mutex<Current>,
    pub(super) loader: Loader,
    pub(super) state: Mutex<State>,
    /// One look at the folder at a time.
    pub(super) looking: tokio::sync::Mutex<()>,
    /// Somebody wants another look.
    pub(super) look: Notify,
    /// Counts the sets of modules that were served.
    pub(super) served: watch::Sender<u64>,
    /// Told whenever a connector that is being made gets further.
    moved: Notify,
    has_warned: AtomicBool,
}

/// What the operator says now.
struct Current {
    settings: LoadSettings,
    /// Counts what the operator said.
    generation: u64,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) files: Files,
    /// Why the cache cannot be used.
    cache: Option<String>,
    /// Why the folder cannot be listed, and which entries of the configuration speak of no module.
    oddities: Vec<String>,
}

impl Modules {
    /// Loads everything that can be loaded; what cannot be is in [`Modules::reports`], and in the log. Must be called within a
    /// tokio runtime.
    pub async fn load(settings: LoadSettings) -> Modules {
        let modules = Modules::unlooked(settings).await;
        modules.refresh().await;
        modules
    }

    /// The same, and waits only for modules that were compiled before. Others are served as soon as they are compiled, which
    /// [`Modules::watch`] tells.
    pub async fn open(settings: LoadSettings) -> Modules {
        let modules = Modules::unlooked(settings).await;
        modules.look().await;
        let quick = modules.until_all(|file| file.making.as_ref().is_none_or(|making| making.is_slow));
        if timeout(QUICK, quick).await.is_err() {
            tracing::warn!(target: TARGET, "some modules are not ready yet, and are served as soon as they are");
        }
        modules
    }

    async fn unlooked(settings: LoadSettings) -> Modules {
        let opened = match settings.cache.clone() {
            None => Ok(None),
            Some(root) => {
                let opening = tokio::task::spawn_blocking(move || Cache::open(&root).map(Arc::new).map(Some));
                opening.await.unwrap_or_else(|_| Err("opening it broke off; this is a bug".to_owned()))
            }
        };
        let (cache, problem) = match opened {
            Ok(cache) => (cache, None),
            Err(problem) => {
                (None, Some(format!("the folder for compiled modules cannot be used: {problem}")))
            }
        };
        if let Some(problem) = &problem {
            tracing::warn!(target: TARGET, "{problem}");
        }
        Modules(Arc::new(Set {
            loader: Loader::new(settings.compiler.clone(), cache),
            settings: Mutex::new(Current { settings, generation: 0 }),
            state: Mutex::new(State { cache: problem, ..State::default() }),
            looking: tokio::sync::Mutex::default(),
            look: Notify::new(),
            served: watch::Sender::new(0),
            moved: Notify::new(),
            has_warned: AtomicBool::new(false),
        }))
    }

    /// The modules that are served, by name.
    pub fn loaded(&self) -> Vec<Arc<LoadedModule>> {
        self.reports().iter().filter_map(|report| report.loaded().cloned()).collect()
    }

    /// Every file that stands somehow, by name: one that is still being compiled does not.
    pub fn reports(&self) -> Vec<ModuleReport> {
        let state = lock(&self.0.state);
        let mut reports: Vec<ModuleReport> = state.files.0.values().filter_map(File::report).collect();
        reports.sort_by(|one, other| one.name.cmp(&other.name));
        reports
    }

    /// What is wrong with the folder, the cache or the entries, for the operator.
    pub fn problems(&self) -> Vec<String> {
        let state = lock(&self.0.state);
        state.cache.iter().chain(&state.oddities).cloned().collect()
    }

    /// Takes what the operator says now of single modules. What may not be served any more is withdrawn before this returns,
    /// and this says whether something was; what else has to change is for the next look, which [`Modules::watch`] takes at
    /// once.
    pub fn reconfigure(&self, entries: Entries) -> bool {
        let folder = {
            let mut current = lock(&self.0.settings);
            if current.settings.entries == entries {
                return false;
            }
            current.settings.entries = entries.clone();
            current.generation += 1;
            current.settings.folder.clone()
        };
        let mut withdrawn = false;
        for file in lock(&self.0.state).files.0.values_mut() {
            file.seen = None;
            let Some(loaded) = file.loaded.clone() else { continue };
            let policy =
                entries.of(folder.as_deref(), &file.candidate.path).for_bridge(loaded.module.bridge());
            if let Err(refused) = policy.admits(loaded.module.digest) {
                file.found = None;
                file.making = None;
                file.withdraw(refused);
                withdrawn = true;
            }
        }
        if withdrawn {
            self.0.serves_others();
        }
        self.0.look.notify_one();
        withdrawn
    }

    /// Looks at the files again, waits for everything that is made of them, and says whether another set is served than before.
    pub async fn refresh(&self) -> bool {
        let before = *self.0.served.borrow();
        for _ in 0..LOOKS {
            self.look().await;
            self.until_all(|file| file.making.is_none()).await;
            if lock(&self.0.state).files.0.values().all(|file| file.seen.is_some()) {
                break;
            }
        }
        *self.0.served.borrow() != before
    }

    /// Waits until that is true of every file.
    async fn until_all(&self, is_done: impl Fn(&File) -> bool) {
        loop {
            let moved = self.0.moved.notified();
            tokio::pin!(moved);
            // From now on nothing is missed.
            moved.as_mut().enable();
            if lock(&self.0.state).files.0.values().all(&is_done) {
                return;
            }
            moved.await;
        }
    }

    /// Keeps what is odd, and says what was not odd before.
    pub(super) fn note(&self, oddities: Vec<String>) {
        let mut state = lock(&self.0.state);
        for new in oddities.iter().filter(|oddity| !state.oddities.contains(oddity)) {
            tracing::warn!(target: TARGET, "{new}");
        }
        state.oddities = oddities;
    }

    /// What the operator says now, and its count.
    pub(super) fn settings(&self) -> (LoadSettings, u64) {
        let current = lock(&self.0.settings);
        (current.settings.clone(), current.generation)
    }

    /// The folders in which something may change.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        let (settings, _) = self.settings();
        let named = settings.entries.files(settings.folder.as_deref());
        let named = named.filter_map(|(_, file)| file.parent().map(Path::to_owned));
        let mut folders: Vec<PathBuf> = settings.folder.iter().cloned().chain(named).collect();
        folders.sort();
        folders.dedup();
        folders
    }

    /// Begins to make what is to be made. Holds the state, so that nothing ends before it is known to have begun.
    pub(super) fn make(&self, state: &mut State) {
        let claims = lock(&self.0.settings).settings.claims.clone();
        for Start { candidate, module, known } in state.files.plan(&claims) {
            let path = candidate.path.clone();
            let (modules, began) = (self.clone(), Instant::now());
            let attempt = Attempt { modules, path: path.clone(), module, began, outcome: None };
            let task = tokio::spawn(attempt.run(candidate, known));
            if let Some(making) = state.files.0.get_mut(&path).and_then(|file| file.making.as_mut()) {
                making.task = Some(task.abort_handle());
            }
        }
        self.0.moved.notify_waiters();
    }
}

impl Set {
    /// Another set of modules is served than before.
    pub(super) fn serves_others(&self) {
        self.served.send_modify(|count| *count += 1);
    }
}

/// A connector that is being made. However it ends, it is not being made any more.
struct Attempt {
    modules: Modules,
    path: PathBuf,
    module: Arc<Module>,
    began: Instant,
    outcome: Option<Result<Arc<LoadedModule>, Refused>>,
}

impl Attempt {
    async fn run(mut self, candidate: super::folder::Candidate, known: Option<Arc<LoadedModule>>) {
        let set = self.modules.0.clone();
        let quick = set.loader.cached(&self.module, known.as_deref()).await;
        let outcome = match quick.transpose() {
            Some(outcome) => outcome,
            None => {
                self.is_slow();
                tracing::info!(target: TARGET, module = candidate.name, "{} is compiled, and served when that is done", self.path.display());
                set.loader.compiled(&candidate, &self.module).await
            }
        };
        self.outcome = Some(outcome);
    }

    /// It has to be compiled.
    fn is_slow(&self) {
        if let Some(file) = lock(&self.modules.0.state).files.0.get_mut(&self.path)
            && let Some(making) =
                file.making.as_mut().filter(|making| Arc::ptr_eq(&making.module, &self.module))
        {
            making.is_slow = true;
        }
        self.modules.0.moved.notify_waiters();
    }

    fn tell(&self, name: &str) {
        let module = &self.module;
        tracing::info!(
            target: TARGET,
            module = name,
            version = %module.manifest.manifest.version,
            sha256 = %module.digest,
            ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "{} is served by {}", module.bridge(), self.path.display()
        );
        let set = &self.modules.0;
        if !set.loader.has_cache() && !set.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                target: TARGET,
                "modules are compiled at each start: set SEMILAYER_CACHE_DIR to a folder that this user can write to"
            );
        }
    }

    /// Takes what came of it, if it is still wanted.
    fn settle(&self, outcome: Option<Result<Arc<LoadedModule>, Refused>>) {
        let set = &self.modules.0;
        let mut state = lock(&set.state);
        let (settings, _) = self.modules.settings();
        let Some(file) = state.files.0.get_mut(&self.path) else { return };
        if !file.making.as_ref().is_some_and(|making| Arc::ptr_eq(&making.module, &self.module)) {
            return;
        }
        if let Some(mut making) = file.making.take() {
            making.task = None;
        }
        let name = short_name(self.module.bridge()).to_owned();
        let policy =
            settings.entries.of(settings.folder.as_deref(), &self.path).for_bridge(self.module.bridge());
        let is_wanted = policy == self.module.policy
            && file.found.as_ref().is_some_and(|found| Arc::ptr_eq(found, &self.module));
        match outcome {
            // The operator says something else by now: the next look finds it again.
            _ if !is_wanted => {
                file.found = None;
                file.seen = None;
                set.look.notify_one();
            }
            Some(Ok(loaded)) => {
                file.load(loaded);
                self.tell(&file.candidate.name);
                state.files.displace(&name, &self.path);
                set.serves_others();
            }
            Some(Err(refused)) => {
                // No room for an instance says nothing of the module.
                if matches!(&refused, Refused::Unusable(error) if error.code() == ErrorCode::RunnerBusy) {
                    file.seen = None;
                }
                file.found = None;
                file.refuse(refused);
            }
            None => {
                file.found = None;
                file.refused = Some(Error::internal("loading it broke off").into());
                drop(state);
                set.moved.notify_waiters();
                return;
            }
        }
        self.modules.make(&mut state);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let outcome = self.outcome.take();
        self.settle(outcome);
    }
}

impl std::fmt::Debug for Modules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.reports()).finish()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
