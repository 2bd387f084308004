//! The time that the stages of one open share.

use std::future::Future;
use std::time::Duration;

use connector_model::error::{Error, ErrorCode, Result};
use tokio::time::{Instant, timeout_at};

use crate::context::CallContext;
use crate::stage::Stage;

/// When a server has to have let the session in. Every stage gets what the ones before it left, so that a server that
/// is slow in each of them costs no more than one that is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectDeadline(Instant);

impl ConnectDeadline {
    /// The deadline of a server that has `timeout` from now on.
    pub fn after(timeout: Duration) -> Self {
        ConnectDeadline(Instant::now() + timeout)
    }

    /// What is left.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The output of a stage, unless the time ends first or the call does.
    ///
    /// # Errors
    /// `SOURCE_UNREACHABLE` naming the stage; `CANCELLED` and `QUERY_TIMEOUT`.
    pub async fn run<F: Future>(self, call: &CallContext, stage: Stage, future: F) -> Result<F::Output> {
        let outcome = call.run(timeout_at(self.0, future)).await;
        let outcome = outcome.map_err(|stopped| stopped.with("stage", stage.as_str()))?;
        outcome.map_err(|_| silent(stage))
    }
}

/// The server took a connection and stays silent.
fn silent(stage: Stage) -> Error {
    Error::new(ErrorCode::SourceUnreachable, "the server accepted the connection and did not answer in time")
        .with("stage", stage.as_str())
        .with("kind", "timed_out")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    #[tokio::test(start_paused = true)]
    async fn stages_share_the_time_and_the_one_it_ends_in_is_named() {
        let started = Instant::now();
        let call = CallContext::within(Duration::from_secs(30));
        let deadline = ConnectDeadline::after(Duration::from_secs(10));
        let slow = || sleep(Duration::from_secs(4));
        deadline.run(&call, Stage::Tls, slow()).await.unwrap();
        deadline.run(&call, Stage::Auth, slow()).await.unwrap();
        assert_eq!(deadline.remaining(), Duration::from_secs(2));
        let error = deadline.run(&call, Stage::Query, slow()).await.unwrap_err();
        assert_eq!(started.elapsed().as_secs(), 10);
        assert_eq!((error.code(), &error.detail()["stage"]), (ErrorCode::SourceUnreachable, &"query".into()));
        assert!(error.retryable() && deadline.remaining().is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_ends_sooner_says_so() {
        let call = CallContext::within(Duration::from_secs(1));
        let deadline = ConnectDeadline::after(Duration::from_secs(10));
        let error = deadline.run(&call, Stage::Auth, sleep(Duration::from_secs(5))).await.unwrap_err();
        assert_eq!((error.code(), &error.detail()["stage"]), (ErrorCode::QueryTimeout, &"auth".into()));
    }
}
