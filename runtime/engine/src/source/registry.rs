//! The sources in use, each with its pool.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use connector_api::Connector;
use connector_model::config::Config;
use connector_model::error::{Error, Result};
use connector_model::manifest::Text;
use dial::Dialer;

use super::environment::Environment;
use super::file::{FileReader, FileSources};
use super::naming::variable_name;
use super::resolve::{ResolvedSource, Resolver};
use crate::assignment::Assignment;
use crate::bridges::Bridges;
use crate::health::HealthBoard;
use crate::lock::lock;
use crate::pool::{Opener, Reach, SourcePool};
use crate::settings::ManagedRules;

/// Sources of this machine with a pool besides the assigned ones. Jobs carry their source along, and a gateway that names ever new
/// ones must not fill the memory.
const MOST_UNASSIGNED: usize = 256;

/// Resolves sources as jobs name them, and keeps what they resolved to while their configuration stays the same.
pub(crate) struct Sources {
    environment: Arc<Environment>,
    managed: ManagedRules,
    way: Way,
    reread: Option<FileReader>,
    health: HealthBoard,
    state: Mutex<State>,
}

/// How sessions are opened.
pub(crate) struct Way {
    /// The one way out of this machine.
    pub(crate) dialer: Dialer,
    /// How sessions name themselves to servers.
    pub(crate) application: Arc<str>,
}

struct State {
    bridges: Bridges,
    file: Arc<FileSources>,
    /// Counts the times that the file and the secret files had to be read again.
    generation: u64,
    assigned: Arc<[Assignment]>,
    entries: HashMap<Arc<str>, Entry>,
}

struct Entry {
    pool: Arc<SourcePool>,
    made_from: MadeFrom,
    /// Set when a rotated password may explain a failure: the next job resolves anew.
    is_doubtful: AtomicBool,
}

/// What has to be the same for a pool to be kept.
struct MadeFrom {
    /// The very object: a module that was replaced is another one.
    connector: Arc<dyn Connector>,
    /// With a managed configuration's text: that is what the next frame's is compared with.
    assignment: Assignment,
    generation: u64,
    config: Config,
}

impl MadeFrom {
    /// Whether these connectors would serve its source with the same one.
    fn is_of(&self, bridges: &Bridges) -> bool {
        bridges.find(&self.assignment.bridge).is_ok_and(|found| Arc::ptr_eq(found, &self.connector))
    }
}

impl Entry {
    /// Whether it serves this assignment without resolving it again.
    fn serves(&self, assignment: &Assignment, generation: u64) -> bool {
        let MadeFrom { assignment: made, generation: made_in, .. } = &self.made_from;
        let is_current =
            assignment.is_managed() || (*made_in == generation && !self.is_doubtful.load(Ordering::Relaxed));
        is_current
            && made.bridge == assignment.bridge
            && made.name == assignment.name
            && made.credentials.same(&assignment.credentials)
    }
}

impl Sources {
    pub(crate) fn new(
        resolver: Resolver,
        way: Way,
        file: FileSources,
        reread: Option<FileReader>,
        health: HealthBoard,
    ) -> Self {
        let Resolver { bridges, environment, managed } = resolver;
        let state = State {
            bridges,
            file: Arc::new(file),
            generation: 0,
            assigned: Arc::from([]),
            entries: HashMap::new(),
        };
        Sources { environment, managed, way, reread, health, state: Mutex::new(state) }
    }

    /// The connectors as they are now.
    pub(crate) fn bridges(&self) -> Bridges {
        lock(&self.state).bridges.clone()
    }

    /// What resolves with the connectors as they are now.
    pub(crate) fn resolver(&self) -> Resolver {
        Resolver {
            bridges: self.bridges(),
            environment: self.environment.clone(),
            managed: self.managed.clone(),
        }
    }

    /// The full bridge name of an assignment's connector.
    pub(crate) fn bridge(&self, assignment: &Assignment) -> Result<Text> {
        Ok(self.bridges().find(&assignment.bridge)?.manifest().package_name.clone())
    }

    /// Replaces the connectors. A pool of another connector's sessions is used no more: jobs that have one of them, or
    /// wait for one, finish with it.
    pub(crate) fn serve(&self, bridges: Bridges) {
        let mut state = lock(&self.state);
        let before = std::mem::take(&mut state.entries);
        let (kept, gone): (HashMap<_, _>, HashMap<_, _>) =
            before.into_iter().partition(|(_, entry)| entry.made_from.is_of(&bridges));
        state.entries = kept;
        state.bridges = bridges;
        drop(state);
        drop(gone);
    }

    /// Replaces the assigned set. Pools of sources that are gone are closed; jobs that have their sessions keep them.
    pub(crate) fn assign(&self, assignments: Vec<Assignment>) {
        let assigned: Arc<[Assignment]> = assignments.into();
        let mut state = lock(&self.state);
        let before = std::mem::take(&mut state.entries);
        let (kept, gone): (HashMap<_, _>, HashMap<_, _>) = before.into_iter().partition(|(key, entry)| {
            let found = assigned.iter().find(|assignment| assignment.key() == *key);
            found.is_some_and(|assignment| {
                // A managed configuration that changed is wiped now, not at the next job.
                !assignment.is_managed()
                    || entry.made_from.assignment.credentials.same(&assignment.credentials)
            })
        });
        state.entries = kept;
        state.assigned = assigned;
        drop(state);
        drop(gone);
    }

    /// Takes a file read again; secret files are read again too as sources are used.
    pub(crate) fn reload(&self, file: FileSources) {
        let mut state = lock(&self.state);
        state.file = Arc::new(file);
        state.generation += 1;
    }

    /// The file and the assignments as they are now.
    pub(crate) fn configured(&self) -> (Arc<FileSources>, Arc<[Assignment]>) {
        let state = lock(&self.state);
        (state.file.clone(), state.assigned.clone())
    }

    /// Forgets every source.
    pub(crate) fn close(&self) {
        let gone = std::mem::take(&mut lock(&self.state).entries);
        drop(gone);
    }

    /// The credentials behind `pool` were refused: they may have been rotated since they were read.
    pub(crate) fn doubt(&self, key: &Arc<str>, pool: &Arc<SourcePool>) {
        let state = lock(&self.state);
        if let Some(entry) = state.entries.get(key).filter(|entry| Arc::ptr_eq(&entry.pool, pool)) {
            entry.is_doubtful.store(true, Ordering::Relaxed);
        }
    }

    /// The pool of an assigned source: the one there is while its configuration stays the same, else a new one.
    pub(crate) async fn pool(&self, key: &Arc<str>, assignment: &Assignment) -> Result<Arc<SourcePool>> {
        let (file, generation, assigned, is_doubtful) = {
            let state = lock(&self.state);
            let entry = state.entries.get(key);
            if let Some(entry) = entry.filter(|entry| entry.serves(assignment, state.generation)) {
                return Ok(entry.pool.clone());
            }
            let is_doubtful = entry.is_some_and(|entry| entry.is_doubtful.load(Ordering::Relaxed));
            (state.file.clone(), state.generation, state.assigned.clone(), is_doubtful)
        };
        let file = if is_doubtful { self.read_again(file).await } else { file };
        let resolved = self.resolve(assignment, file, &assigned).await?;
        self.adopt(key, assignment, resolved, generation)
    }

    /// The file as it is now; as it was when it cannot be read. Other sources see it when they are resolved again.
    async fn read_again(&self, before: Arc<FileSources>) -> Arc<FileSources> {
        let Some(reread) = self.reread.clone() else { return before };
        let Ok(Some(file)) = tokio::task::spawn_blocking(move || reread()).await else { return before };
        let file = Arc::new(file);
        lock(&self.state).file = file.clone();
        file
    }

    async fn resolve(
        &self,
        assignment: &Assignment,
        file: Arc<FileSources>,
        assigned: &[Assignment],
    ) -> Result<ResolvedSource> {
        let assigned_names = assigned.iter().map(|assignment| assignment.name.as_str());
        let known: Vec<String> = assigned_names
            .chain(file.keys().map(String::as_str))
            .chain([assignment.name.as_str()])
            .map(variable_name)
            .collect();
        let (resolver, assignment) = (self.resolver(), assignment.clone());
        // Secret files may lie on a network file system.
        let resolving = tokio::task::spawn_blocking(move || resolver.resolve(&assignment, &file, &known));
        resolving.await.map_err(|_| Error::internal("resolving the source failed in an unexpected way"))?
    }

    fn adopt(
        &self,
        key: &Arc<str>,
        assignment: &Assignment,
        resolved: ResolvedSource,
        generation: u64,
    ) -> Result<Arc<SourcePool>> {
        for warning in &resolved.warnings {
            tracing::warn!(target: "semilayer::source", "{warning}");
        }
        let connector = resolved.connector.clone();
        let made_from = |config| MadeFrom {
            connector: connector.clone(),
            assignment: assignment.clone(),
            generation,
            config,
        };
        {
            let mut state = lock(&self.state);
            // Resolved anew and found unchanged: the pool stays.
            if let Some(entry) = state.entries.get_mut(key)
                && entry.made_from.config == resolved.config
                && entry.made_from.assignment.bridge == assignment.bridge
                && Arc::ptr_eq(&entry.made_from.connector, &resolved.connector)
                && *entry.pool.settings() == resolved.pool
            {
                entry.made_from = made_from(resolved.config);
                entry.is_doubtful.store(false, Ordering::Relaxed);
                return Ok(entry.pool.clone());
            }
        }
        let source = resolved.source()?;
        let reach = Reach {
            dialer: self.way.dialer.clone(),
            filter: resolved.filter,
            paths: resolved.paths,
            application: self.way.application.clone(),
        };
        let opener = Opener::new(source, reach, resolved.pool.open);
        let (health, board_key, name) = (self.health.clone(), key.clone(), resolved.name);
        let found = Box::new(move |latency| health.worked(&board_key, &name, latency));
        let pool = SourcePool::new(opener, resolved.pool, found)?;
        let mut state = lock(&self.state);
        // Perhaps removed while it was being resolved. The pool lives as long as the job then, and the gateway's
        // credentials with it: no later frame would wipe them.
        if assignment.is_managed() && !state.assigned.iter().any(|assigned| assigned.key() == *key) {
            return Ok(pool);
        }
        let made_from = made_from(resolved.config);
        // Or its connector was replaced meanwhile: the next job begins with the new one.
        if !made_from.is_of(&state.bridges) {
            return Ok(pool);
        }
        let entry = Entry { pool: pool.clone(), made_from, is_doubtful: AtomicBool::new(false) };
        let mut gone: Vec<Entry> = Vec::new();
        if state.entries.len() >= state.assigned.len() + MOST_UNASSIGNED && !state.entries.contains_key(key) {
            let assigned = state.assigned.clone();
            let before = std::mem::take(&mut state.entries);
            let (kept, dropped): (HashMap<_, _>, HashMap<_, _>) = before
                .into_iter()
                .partition(|(key, _)| assigned.iter().any(|assignment| assignment.key() == *key));
            state.entries = kept;
            gone.extend(dropped.into_values());
        }
        // Two first jobs may both have come here; the pool of the later one is used from now on.
        gone.extend(state.entries.insert(key.clone(), entry));
        drop(state);
        drop(gone);
        Ok(pool)
    }
}
