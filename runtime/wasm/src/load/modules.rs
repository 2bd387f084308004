//! All modules, and how they change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use connector_model::manifest::short_name;

use super::cache::Cache;
use super::folder::{Candidate, Fingerprint, candidates};
use super::loader::{LoadedModule, Loader};
use super::report::{ModuleReport, Standing};
use super::settings::{Entries, LoadSettings};
use crate::module::Refused;

/// Where what is logged here is from.
pub(super) const TARGET: &str = "semilayer::connector";

/// The modules of a folder. A clone is the same set.
#[derive(Clone)]
pub struct Modules(Arc<Set>);

struct Set {
    settings: Mutex<LoadSettings>,
    loader: Loader,
    state: Mutex<State>,
    /// One look at the folder at a time.
    looking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// By path.
    files: BTreeMap<PathBuf, File>,
    /// Why the cache cannot be used.
    cache: Option<String>,
    /// Why the folder cannot be listed, and which entries of the configuration speak of no module.
    oddities: Vec<String>,
}

/// One file and what became of it.
struct File {
    candidate: Candidate,
    /// None when it is to be looked at again whatever it is.
    seen: Option<Fingerprint>,
    loaded: Option<Arc<LoadedModule>>,
    refused: Option<Refused>,
}

impl Modules {
    /// Loads everything that can be loaded; what cannot be is in [`Modules::reports`], and in the log. Must be called within a
    /// tokio runtime.
    pub async fn load(settings: LoadSettings) -> Modules {
        let opened = match settings.cache.clone() {
            None => Ok(None),
            Some(root) => {
                let opening = tokio::task::spawn_blocking(move || Cache::open(&root).map(Some));
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
        let loader = Loader::new(settings.compiler.clone(), cache);
        let modules = Modules(Arc::new(Set {
            settings: Mutex::new(settings),
            loader,
            state: Mutex::new(State { cache: problem, ..State::default() }),
            looking: tokio::sync::Mutex::default(),
        }));
        modules.refresh().await;
        if !modules.0.loader.has_cache() && !modules.loaded().is_empty() {
            tracing::warn!(
                target: TARGET,
                "modules are compiled at each start: set SEMILAYER_CACHE_DIR to a folder that this user can write to"
            );
        }
        modules
    }

    /// The modules that are served, by name.
    pub fn loaded(&self) -> Vec<Arc<LoadedModule>> {
        self.reports().iter().filter_map(|report| report.loaded().cloned()).collect()
    }

    /// Every file, by name.
    pub fn reports(&self) -> Vec<ModuleReport> {
        let state = lock(&self.0.state);
        let mut reports: Vec<ModuleReport> = state.files.values().filter_map(File::report).collect();
        reports.sort_by(|one, other| one.name.cmp(&other.name));
        reports
    }

    /// What is wrong with the folder, the cache or the entries, for the operator.
    pub fn problems(&self) -> Vec<String> {
        let state = lock(&self.0.state);
        state.cache.iter().chain(&state.oddities).cloned().collect()
    }

    /// Takes what the operator says now of single modules, and loads again those of which it is something else. Says
    /// whether another set is served than before.
    pub async fn reconfigure(&self, entries: Entries) -> bool {
        {
            let mut settings = lock(&self.0.settings);
            if settings.entries == entries {
                return false;
            }
            settings.entries = entries;
        }
        for file in lock(&self.0.state).files.values_mut() {
            file.seen = None;
        }
        self.refresh().await
    }

    /// Looks at the files again, and says whether another set is served than before.
    pub async fn refresh(&self) -> bool {
        let _one = self.0.looking.lock().await;
        let settings = lock(&self.0.settings).clone();
        let listing = tokio::task::spawn_blocking(move || {
            candidates(&settings).map(|found| {
                found.into_iter().map(|candidate| (candidate.fingerprint(), candidate)).collect::<Vec<_>>()
            })
        });
        let found = match listing.await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                let folder = lock(&self.0.settings).folder.clone().unwrap_or_default();
                self.note(vec![format!("the folder {} cannot be read: {error}", folder.display())]);
                return false;
            }
            Err(_) => return false,
        };
        let mut changed = self.forget(&found);
        for (fingerprint, candidate) in found {
            if !self.is_known(&fingerprint, &candidate) {
                changed |= self.take(fingerprint, candidate).await;
            }
        }
        let served: Vec<String> =
            self.loaded().iter().map(|loaded| loaded.module.bridge().to_owned()).collect();
        let unused =
            |name: &str| format!("[connectors.{name}]: no module is loaded that has this bridge name");
        let oddities = lock(&self.0.settings).entries.unused(&served).map(unused).collect();
        self.note(oddities);
        changed
    }

    /// Keeps what is odd, and says what was not odd before.
    fn note(&self, oddities: Vec<String>) {
        let mut state = lock(&self.0.state);
        for new in oddities.iter().filter(|oddity| !state.oddities.contains(oddity)) {
            tracing::warn!(target: TARGET, "{new}");
        }
        state.oddities = oddities;
    }

    /// Forgets the files that are gone.
    fn forget(&self, found: &[(Fingerprint, Candidate)]) -> bool {
        let mut state = lock(&self.0.state);
        let before = std::mem::take(&mut state.files);
        let (kept, gone): (BTreeMap<_, _>, BTreeMap<_, _>) = before
            .into_iter()
            .partition(|(path, _)| found.iter().any(|(_, candidate)| candidate.path == *path));
        state.files = kept;
        drop(state);
        let mut changed = false;
        for file in gone.values() {
            if let Some(loaded) = &file.loaded {
                tracing::info!(target: TARGET, module = file.candidate.name, "{} is served no longer: its file is gone", loaded.module.bridge());
                changed = true;
            }
        }
        changed
    }

    /// Whether a file is the one that was looked at before. One whose name somebody had is looked at again: that module may
    /// be gone.
    fn is_known(&self, fingerprint: &Fingerprint, candidate: &Candidate) -> bool {
        let state = lock(&self.0.state);
        state.files.get(&candidate.path).is_some_and(|file| {
            file.seen.as_ref() == Some(fingerprint)
                && !matches!(file.refused, Some(Refused::NameTaken { .. }))
        })
    }

    /// Loads a file that is new or another, and says whether another module is served since.
    async fn take(&self, seen: Fingerprint, candidate: Candidate) -> bool {
        let known = lock(&self.0.state).files.get(&candidate.path).and_then(|file| file.loaded.clone());
        let began = std::time::Instant::now();
        let policy = {
            let (settings, path) = (lock(&self.0.settings).clone(), candidate.path.clone());
            move |bridge: &str| settings.entries.policy(settings.folder.as_deref(), &path, bridge)
        };
        let stays = known.clone().filter(|known| policy(known.module.bridge()).still_admits(&known.module));
        let owner = |name: &str| self.owner(name, &candidate.path);
        let outcome = self.0.loader.load(&candidate, policy, known.as_ref(), owner).await;
        let mut state = lock(&self.0.state);
        let before = state.files.remove(&candidate.path);
        let (path, name) = (candidate.path.clone(), candidate.name.clone());
        let mut file = File { candidate, seen: Some(seen), loaded: known.clone(), refused: None };
        let changed = match outcome {
            Ok(loaded) => {
                let is_new = known.is_none_or(|known| !Arc::ptr_eq(&known, &loaded));
                if is_new {
                    let module = &loaded.module;
                    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                    tracing::info!(
                        target: TARGET,
                        module = name,
                        version = %module.manifest.manifest.version,
                        sha256 = %module.digest,
                        ms = millis,
                        "{} is served by {}", module.bridge(), path.display()
                    );
                }
                file.loaded = Some(loaded);
                is_new
            }
            Err(refused) => {
                let same = before.and_then(|before| before.refused).map(|before| before.to_string());
                let was_withdrawn = known.is_some() && stays.is_none();
                if was_withdrawn || same.is_none_or(|same| same != refused.to_string()) {
                    let before = match (&known, &stays) {
                        (None, _) => "",
                        (Some(_), Some(_)) => "; what was loaded before stays",
                        (Some(_), None) => "; nor may what was loaded before be served any longer",
                    };
                    tracing::warn!(
                        target: TARGET,
                        module = name,
                        code = refused.code(),
                        "{} is not loaded: {refused}{before}; {}", path.display(), refused.remedy()
                    );
                }
                file.refused = Some(refused);
                file.loaded = stays;
                was_withdrawn
            }
        };
        state.files.insert(path, file);
        changed
    }

    /// Who has a short bridge name besides the file at `path`.
    fn owner(&self, name: &str, path: &Path) -> Option<String> {
        let settings = lock(&self.0.settings);
        if let Some(claim) = settings.claims.iter().find(|claim| claim.name == name) {
            return Some(claim.owner.clone());
        }
        let state = lock(&self.0.state);
        let other = state.files.values().find(|file| {
            let bridge = file.loaded.as_ref().map(|loaded| short_name(loaded.module.bridge()));
            file.candidate.path != path && bridge == Some(name)
        });
        other.map(|file| format!("the module {}", file.candidate.path.display()))
    }

    /// The folders in which something may change.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        let settings = lock(&self.0.settings);
        let named = settings.entries.files(settings.folder.as_deref());
        let named = named.filter_map(|(_, file)| file.parent().map(Path::to_owned));
        let mut folders: Vec<PathBuf> = settings.folder.iter().cloned().chain(named).collect();
        folders.sort();
        folders.dedup();
        folders
    }
}

impl File {
    fn report(&self) -> Option<ModuleReport> {
        let standing = match (&self.loaded, &self.refused) {
            (Some(loaded), None) => Standing::Loaded(loaded.clone()),
            (None, Some(refused)) => Standing::Refused(refused.clone()),
            (Some(loaded), Some(refused)) => {
                Standing::Outdated { loaded: loaded.clone(), refused: refused.clone() }
            }
            (None, None) => return None,
        };
        Some(ModuleReport { name: self.candidate.name.clone(), path: self.candidate.path.clone(), standing })
    }
}

impl std::fmt::Debug for Modules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.reports()).finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
