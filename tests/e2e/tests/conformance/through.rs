//! A gateway and a runner, and jobs that go through both.

use anyhow::Result;
use async_trait::async_trait;
use connector_conformance::Executor;
use connector_conformance::job::{Job, Outcome};
use connector_model::Capabilities;
use connector_model::capability::{AggregateCapabilities, Answers};
use e2e_tests::{Caller, Gateway, GatewayOptions, Runner, RunnerOptions};
use serde_json::json;

use crate::answer::outcome;

/// What is answered of an aggregate when the driver and the runner work together.
const EVERYTHING: AggregateCapabilities = AggregateCapabilities {
    count_distinct: Answers::Both,
    percentile: Answers::Both,
    sampling: true,
    ..AggregateCapabilities::RELATIONAL
};

/// What a driver declares, with what the runner adds to it.
pub(crate) fn with_runner(driver: &Capabilities) -> Capabilities {
    Capabilities { aggregates: Some(EVERYTHING), ..driver.clone() }
}

/// The source that all jobs are for.
const SOURCE: &str = "suite";

/// A gateway process and a runner process with one source.
pub(crate) struct Way {
    caller: Caller,
    _runner: Runner,
    _gateway: Gateway,
}

impl Way {
    /// Starts both; the source is of this bridge, and has this setting.
    pub(crate) async fn start(bridge: &str, setting: &str, value: &str) -> Result<Way> {
        let gateway = Gateway::start(GatewayOptions::default()).await?;
        let identity = gateway.runner("conformance").await?;
        gateway.source(SOURCE, bridge, &identity).await?;
        let options = RunnerOptions::default().set(&format!("SEMILAYER_SOURCE_SUITE_{setting}"), value);
        let runner = Runner::start(&gateway, &identity, &options).await?;
        let caller = gateway.caller().await?;
        gateway.serving(&caller, SOURCE).await?;
        Ok(Way { caller, _runner: runner, _gateway: gateway })
    }

    /// Whoever answers jobs at the near end.
    pub(crate) fn executor(&self) -> Box<dyn Executor> {
        Box::new(Through { caller: self.caller.clone() })
    }
}

struct Through {
    caller: Caller,
}

#[async_trait]
impl Executor for Through {
    fn reusable(&self) -> bool {
        true
    }

    fn aggregates(&self) -> AggregateCapabilities {
        EVERYTHING
    }

    async fn execute(&mut self, job: &Job, target: &str, _: &str) -> Outcome {
        let body = json!({ "target": target, "options": job.options });
        match self.caller.ask(SOURCE, job.kind.as_str(), &body).await {
            Ok(answer) => outcome(job.kind, &answer),
            Err(error) => Outcome::Garbled(format!("no answer: {error:#}")),
        }
    }
}
