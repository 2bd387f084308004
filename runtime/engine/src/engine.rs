//! The engine: jobs in, answers out.

use std::sync::Arc;
use std::time::Duration;

use connector_aggregate::Memory;
use connector_api::CallContext;
use connector_model::error::{Error, ErrorCode};
use tokio::time::Instant;
use tracing::Instrument;

use crate::admission::Admission;
use crate::assignment::Assignment;
use crate::bridges::{Bridges, NameTaken, Served};
use crate::health::{HealthBoard, Stats};
use crate::job::ending::Ending;
use crate::job::events::{self, JobName};
use crate::job::life::{self, CANCEL_GRACE, Job, Surroundings};
use crate::job::running::{NotTaken, Running};
use crate::job::{JobRequest, Reply};
use crate::settings::{EngineSettings, Limits};
use crate::source::registry::{Sources, Way};
use crate::source::{FileSources, Found, Resolver, find_sources};

/// No job runs longer than this, whatever its deadline says.
const LONGEST_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs jobs. A clone is the same engine.
#[derive(Clone)]
pub struct Engine {
    limits: Limits,
    admission: Admission,
    running: Running,
    surroundings: Arc<Surroundings>,
}

/// What became of a job that was submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    /// It runs, or waits for its turn.
    Started,
    /// Its reply has already been ended with this code.
    Refused(ErrorCode),
    /// A job of that id is running; this one's reply was dropped without a word.
    Duplicate,
}

/// How a drain went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Jobs that were under way when it began.
    pub in_flight: usize,
    /// Jobs of those that did not finish in time and were stopped.
    pub cancelled: usize,
}

impl Engine {
    /// An engine with these connectors.
    ///
    /// # Errors
    /// [`NameTaken`] when two connectors claim one bridge name.
    pub fn new(settings: EngineSettings, served: Vec<Served>) -> Result<Self, NameTaken> {
        let EngineSettings { limits, runner_short_id, dialer, managed, environment, file, reread } = settings;
        let resolver = Resolver { bridges: Bridges::new(served)?, environment, managed };
        let application = Arc::from(format!("semilayer-runner/{runner_short_id}"));
        let health = HealthBoard::default();
        let sources =
            Arc::new(Sources::new(resolver, Way { dialer, application }, file, reread, health.clone()));
        Ok(Engine {
            limits,
            admission: Admission::new(limits),
            running: Running::default(),
            surroundings: Arc::new(Surroundings { sources, health, memory: Memory::default() }),
        })
    }

    /// Starts a job in a task of its own. Never waits. Must be called within a tokio runtime.
    pub fn submit(&self, job: JobRequest, reply: Box<dyn Reply>) -> Submitted {
        let began = Instant::now();
        let name =
            Arc::new(JobName { id: job.id.clone(), source: job.source.name.clone(), kind: job.kind.clone() });
        let (registered, cancel, alive) = match self.running.register(&job.id) {
            Ok(taken) => taken,
            Err(NotTaken::Duplicate) => {
                events::duplicate(&job.id);
                return Submitted::Duplicate;
            }
            Err(NotTaken::Draining) => {
                let message = "this runner is shutting down; another one may take the job";
                let error = Error::new(ErrorCode::RunnerDraining, message);
                events::failed(&name, &error, 0);
                reply.error(error);
                return Submitted::Refused(ErrorCode::RunnerDraining);
            }
        };
        let span = tracing::info_span!(target: events::TARGET, "job", id = name.id8());
        let ending = Ending::new(reply, name, began, alive);
        let key = job.source.key();
        let entry = match self.admission.enter(&key, job.held_bytes()) {
            Ok(entry) => entry,
            Err(error) => {
                let code = error.code();
                drop(registered);
                ending.send(Err(error));
                return Submitted::Refused(code);
            }
        };
        let allowed = match job.deadline_ms {
            0 => self.limits.default_deadline,
            millis => Duration::from_millis(millis).min(LONGEST_DEADLINE),
        };
        let call = CallContext { deadline: began + allowed, cancel };
        let job = Job { request: job, key, call };
        let life = life::live(self.surroundings.clone(), job, entry, registered, ending);
        tokio::spawn(life.instrument(span));
        Submitted::Started
    }

    /// Stops one job: it ends with `CANCELLED`. Says whether there was one.
    pub fn cancel(&self, id: &str) -> bool {
        self.running.cancel(id)
    }

    /// Stops every job, as when nobody is there any more to take the answers: they end with `CANCELLED`, or during a
    /// drain with `RUNNER_DRAINING`. Says how many.
    pub fn cancel_all(&self) -> usize {
        self.running.cancel_all()
    }

    /// Replaces the set of assigned sources. What is no longer assigned is closed and wiped.
    pub fn assign(&self, assignments: Vec<Assignment>) {
        self.surroundings.health.assign(&assignments);
        self.surroundings.sources.assign(assignments);
    }

    /// Takes the configuration file's sources as they were read again; secret files are read again too.
    pub fn reload(&self, file: FileSources) {
        self.surroundings.sources.reload(file);
    }

    /// The connectors that are served at this moment.
    pub fn bridges(&self) -> Bridges {
        self.surroundings.sources.bridges()
    }

    /// Replaces the connectors while jobs run. A source whose connector is another object than before gets new sessions
    /// from the next job on; jobs under way, and those that wait for one of its sessions, finish on the one they began
    /// with.
    ///
    /// # Errors
    /// [`NameTaken`] when two connectors claim one bridge name; then nothing changes.
    pub fn serve(&self, served: Vec<Served>) -> Result<(), NameTaken> {
        self.surroundings.sources.serve(Bridges::new(served)?);
        Ok(())
    }

    /// What the environment, the file and the assignments configure, and what is odd about it. Reads secret files.
    pub fn find_sources(&self) -> Found {
        let (file, assigned) = self.surroundings.sources.configured();
        find_sources(&self.surroundings.sources.resolver(), &file, Some(&assigned))
    }

    /// What the engine is doing, and how its sources are.
    pub fn stats(&self) -> Stats {
        let (_, queued_jobs) = self.admission.load();
        Stats { active_jobs: self.running.count(), queued_jobs, sources: self.surroundings.health.all() }
    }

    /// Takes no further job, gives those under way up to `limit`, then stops them, and closes all sessions. A job that
    /// was stopped so ends with `RUNNER_DRAINING`: its caller still wants the answer, and may ask another runner.
    pub async fn drain(&self, limit: Duration) -> Drained {
        let in_flight = self.running.count();
        self.running.drain();
        let mut cancelled = 0;
        if tokio::time::timeout(limit, self.running.all_ended()).await.is_err() {
            cancelled = self.running.cancel_all();
            // Every job ends within the grace; the rest is for a machine that is short of time.
            let patience = CANCEL_GRACE.saturating_mul(2);
            if tokio::time::timeout(patience, self.running.all_ended()).await.is_err() {
                tracing::warn!(target: events::TARGET, "jobs are still under way {patience:?} after they were stopped");
            }
        }
        self.surroundings.sources.close();
        Drained { in_flight, cancelled }
    }
}
