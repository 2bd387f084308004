//! What the link hands its jobs to.

use runner_protocol::{AssignedSource, ConnectorInfo, Job, Stats};

use crate::JobReply;

/// What `hello` says beyond the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HelloParts {
    /// Bridge names that are really served.
    pub capabilities: Vec<String>,
    /// Drivers and modules behind them.
    pub connectors: Vec<ConnectorInfo>,
    /// Jobs that run at the same time.
    pub max_concurrent_jobs: u64,
}

/// Runs jobs. Called from the task that reads the socket, so nothing here may block or take long.
pub trait JobHandler: Send + Sync + 'static {
    /// What this runner offers. Read at each connect.
    fn hello(&self) -> HelloParts;

    /// How the runner is doing, for a heartbeat.
    fn stats(&self) -> Stats;

    /// The whole set of assigned sources, after each `hello-ack` and each change.
    fn assigned(&self, sources: Vec<AssignedSource>);

    /// Starts a job. Called once for an id until that job has ended: the link itself drops a second one.
    fn job(&self, job: Job, reply: JobReply);

    /// Stops a job that is running. It still ends through its reply.
    fn cancel(&self, id: &str);

    /// The socket is gone: nobody waits for the answers of the jobs in flight.
    fn lost(&self);
}
