//! Whoever answers jobs: a session, or everything that stands before one.

use async_trait::async_trait;
use connector_api::Session;
use connector_model::capability::AggregateCapabilities;

use crate::job::{Job, Outcome, execute};

/// Answers jobs, one at a time.
#[async_trait]
pub trait Executor: Send {
    /// Whether it can take another job; one that cannot is replaced by a new one.
    fn reusable(&self) -> bool;

    /// What it computes of an aggregate.
    fn aggregates(&self) -> AggregateCapabilities;

    /// Answers the job with another target: the name that the engine has for it. `bridge` is what errors call the
    /// connector.
    async fn execute(&mut self, job: &Job, target: &str, bridge: &str) -> Outcome;
}

/// A session of a connector, asked as a runner asks it.
pub struct OfSession(pub Box<dyn Session>);

#[async_trait]
impl Executor for OfSession {
    fn reusable(&self) -> bool {
        self.0.reusable()
    }

    fn aggregates(&self) -> AggregateCapabilities {
        self.0.aggregates()
    }

    async fn execute(&mut self, job: &Job, target: &str, bridge: &str) -> Outcome {
        execute(self.0.as_mut(), bridge, job, target).await
    }
}
