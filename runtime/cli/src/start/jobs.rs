//! Frames of the link as calls of the engine.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use connector_host::load::LoadedModule;
use jiff::Timestamp;
use runner_engine::{Assignment, Credentials, Engine, JobRequest, SourceWarning};
use runner_link::{HelloParts, JobHandler, JobReply};
use runner_protocol::{
    AssignedSource, ConnectorInfo, ConnectorKind, CredentialsLocation, Job, Opaque, SourceHealth,
    SourceState, Stats,
};
use secrecy::SecretString;

use super::memory;
use super::reply::LinkReply;
use crate::connectors::loading::Loaded;

/// What all connections do their jobs with. A clone is the same.
#[derive(Clone)]
pub(super) struct Service {
    engine: Engine,
    loaded: Loaded,
    max_jobs: usize,
    /// What was warned of last: the same again is not said again at every reconnect.
    warned: Arc<Mutex<Vec<SourceWarning>>>,
}

impl Service {
    pub(super) fn new(engine: Engine, loaded: Loaded, max_jobs: usize) -> Self {
        Service { engine, loaded, max_jobs, warned: Arc::default() }
    }

    /// What is served at this moment.
    pub(super) fn hello(&self) -> HelloParts {
        hello(&self.engine.bridges(), &self.loaded, self.max_jobs)
    }
}

/// Gives one connection's jobs to the engine.
pub(super) struct Jobs {
    service: Service,
    /// What its latest hello said.
    said: Arc<Mutex<HelloParts>>,
    /// The jobs that came over it and have not ended: what is lost with it.
    running: Arc<Mutex<HashSet<String>>>,
}

impl Jobs {
    pub(super) fn new(service: Service, said: Arc<Mutex<HelloParts>>) -> Self {
        Jobs { service, said, running: Arc::default() }
    }
}

/// A job of one connection, until it has ended.
pub(super) struct Running {
    id: String,
    all: Arc<Mutex<HashSet<String>>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.all).remove(&self.id);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What `hello` says of these connectors.
pub(crate) fn hello(bridges: &runner_engine::Bridges, loaded: &Loaded, max_jobs: usize) -> HelloParts {
    let info = |connector: &Arc<dyn connector_api::Connector>| {
        let module = loaded.module_of(connector);
        let manifest = connector.manifest();
        ConnectorInfo {
            name: manifest.package_name.to_string(),
            version: manifest.version.to_string(),
            kind: if module.is_some() { ConnectorKind::Wasm } else { ConnectorKind::Native },
            digest: module.as_ref().map(|module| module.module.digest.to_string()),
            manifest: module.and_then(|module| shown_manifest(&module)),
        }
    };
    HelloParts {
        capabilities: bridges.names().map(str::to_owned).collect(),
        connectors: bridges.connectors().map(info).collect(),
        max_concurrent_jobs: u64::try_from(max_jobs).unwrap_or(u64::MAX),
    }
}

/// A module's manifest with the fields that size its pool, as a form shows them. The link leaves out one that is too long.
fn shown_manifest(loaded: &LoadedModule) -> Option<Opaque> {
    Opaque::from_text(serde_json::to_string(&loaded.module.manifest).ok()?).ok()
}

impl JobHandler for Jobs {
    fn hello(&self) -> HelloParts {
        let parts = self.service.hello();
        lock(&self.said).clone_from(&parts);
        parts
    }

    fn stats(&self) -> Stats {
        let stats = self.service.engine.stats();
        Stats {
            active_jobs: u64::try_from(stats.active_jobs).unwrap_or(u64::MAX),
            memory_mb: memory::resident_mib(),
            // A source that no job has tried has nothing to say.
            sources: stats.sources.into_iter().filter_map(source_health).collect(),
        }
    }

    fn assigned(&self, sources: Vec<AssignedSource>) {
        self.service.engine.assign(sources.into_iter().map(assignment).collect());
        let Service { engine, warned, .. } = self.service.clone();
        // Resolving the sources reads secret files.
        tokio::task::spawn_blocking(move || {
            let warnings = engine.find_sources().warnings;
            let mut warned = lock(&warned);
            for warning in warnings.iter().filter(|warning| !warned.contains(warning)) {
                tracing::warn!("{warning}");
            }
            *warned = warnings;
        });
    }

    fn job(&self, job: Job, reply: JobReply) {
        let request = JobRequest {
            id: job.id,
            source: assignment(job.params.source),
            kind: job.params.job.kind,
            target: job.params.job.target,
            options: job.params.job.options.map(runner_protocol::Opaque::into_raw),
            deadline_ms: job.deadline_ms,
        };
        lock(&self.running).insert(request.id.clone());
        let running = Running { id: request.id.clone(), all: self.running.clone() };
        // However it goes, the engine answers through the reply.
        let _submitted =
            self.service.engine.submit(request, Box::new(LinkReply { reply, _running: running }));
    }

    fn cancel(&self, id: &str) {
        if !self.service.engine.cancel(id) {
            tracing::debug!(job = id, "cancel of a job that has ended");
        }
    }

    fn lost(&self) {
        let lost = std::mem::take(&mut *lock(&self.running));
        let cancelled = lost.iter().filter(|id| self.service.engine.cancel(id)).count();
        if cancelled > 0 {
            tracing::info!(jobs = cancelled, "cancelled the jobs in flight: nobody waits for their answers");
        }
    }
}

/// An assigned source in the engine's words.
pub(crate) fn assignment(source: AssignedSource) -> Assignment {
    let credentials = match source.credentials_location {
        CredentialsLocation::RunnerLocal => Credentials::RunnerLocal,
        CredentialsLocation::Managed => Credentials::Managed {
            config: match source.config {
                // Moved, so that the one copy there is gets wiped.
                Some(config) => SecretString::new(Box::<str>::from(config.into_raw())),
                None => SecretString::from("{}"),
            },
        },
    };
    Assignment { id: source.id, name: source.name, bridge: source.bridge, credentials }
}

fn source_health(health: runner_engine::SourceHealth) -> Option<SourceHealth> {
    let checked_at = Timestamp::try_from(health.checked_at?).ok()?;
    Some(SourceHealth {
        name: health.name,
        state: match health.state {
            runner_engine::SourceState::Ok => SourceState::Ok,
            runner_engine::SourceState::Failing => SourceState::Failing,
            runner_engine::SourceState::Unknown => SourceState::Unknown,
        },
        code: health.code.map(|code| code.as_str().to_owned()),
        latency_ms: health.latency_ms,
        checked_at: format!("{checked_at:.3}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_managed_source_without_a_config_is_one_without_settings() {
        let managed = AssignedSource {
            id: "1".into(),
            name: "a".into(),
            bridge: "sqlite".into(),
            credentials_location: CredentialsLocation::Managed,
            config: None,
        };
        assert!(assignment(managed.clone()).is_managed());
        let local = AssignedSource { credentials_location: CredentialsLocation::RunnerLocal, ..managed };
        assert!(!assignment(local).is_managed());
    }
}
