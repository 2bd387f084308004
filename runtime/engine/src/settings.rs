//! What an engine is made with.

use std::sync::Arc;
use std::time::Duration;

use connector_api::PathRules;
use dial::{AllowRule, Dialer};

use crate::source::{Environment, FileReader, FileSources};

/// What an engine is made with. Everything here was read once, by whoever starts the process.
#[derive(Clone)]
pub struct EngineSettings {
    /// How many jobs run and wait.
    pub limits: Limits,
    /// The first characters of the runner's id: how sessions name themselves to the database.
    pub runner_short_id: String,
    /// The one way out of this machine.
    pub dialer: Dialer,
    /// What a configuration that the gateway chose may reach.
    pub managed: ManagedRules,
    /// The variables that configure sources.
    pub environment: Arc<Environment>,
    /// The sources of the configuration file.
    pub file: FileSources,
    /// Reads that file again, as when a source's credentials are refused; `None` where there is none.
    pub reread: Option<FileReader>,
}

/// How many jobs run and wait, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Jobs that run at once.
    pub jobs: usize,
    /// Jobs of one source that run at once, so that a slow database leaves room for the others.
    pub jobs_per_source: usize,
    /// Jobs that wait for a slot; beyond them the answer is `RUNNER_BUSY`.
    pub queued: usize,
    /// A job's time when it does not say.
    pub default_deadline: Duration,
}

impl Limits {
    /// `jobs` at once and a queue of four times that.
    pub fn for_jobs(jobs: usize) -> Self {
        Limits {
            jobs: jobs.max(1),
            jobs_per_source: 64.min(jobs.max(1)),
            queued: jobs.max(1).saturating_mul(4),
            default_deadline: Duration::from_secs(30),
        }
    }
}

impl Default for Limits {
    /// 256 jobs, 64 for a source, 1024 waiting, 30 seconds.
    fn default() -> Self {
        Limits::for_jobs(256)
    }
}

/// What a configuration that came from the gateway may do on this network.
#[derive(Debug, Clone)]
pub struct ManagedRules {
    /// Whether such configurations are used at all.
    pub enabled: bool,
    /// The only hosts they may name; when empty, every host that is not loopback, link-local or metadata.
    pub allow_hosts: Vec<AllowRule>,
    /// The only files and unix sockets they may name.
    pub allow_files: PathRules,
}

impl Default for ManagedRules {
    /// Used; every host that is not reserved; no file.
    fn default() -> Self {
        ManagedRules { enabled: true, allow_hosts: Vec::new(), allow_files: PathRules::Only(Vec::new()) }
    }
}
