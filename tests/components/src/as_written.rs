//! A session's errors as its module wrote them.

use async_trait::async_trait;
use connector_api::Session;
use connector_conformance::executor::{Executor, OfSession};
use connector_conformance::job::{Job, Outcome};
use connector_model::capability::AggregateCapabilities;
use connector_model::error::Error;

/// A session for the conformance suite, which looks for a name with a line break in it: the host shows a line break in a
/// module's error as the two characters `\n`.
pub struct AsWritten(OfSession);

impl AsWritten {
    /// Of a session in the host.
    #[must_use]
    pub fn of(session: Box<dyn Session>) -> AsWritten {
        AsWritten(OfSession(session))
    }
}

#[async_trait]
impl Executor for AsWritten {
    fn reusable(&self) -> bool {
        self.0.reusable()
    }

    fn aggregates(&self) -> AggregateCapabilities {
        self.0.aggregates()
    }

    async fn execute(&mut self, job: &Job, target: &str, bridge: &str) -> Outcome {
        let outcome = self.0.execute(job, target, bridge).await;
        let Some(error) = outcome.error().filter(|error| error.message().contains("\\n")) else {
            return outcome;
        };
        let written = |text: &str| text.replace("\\n", "\n");
        let texts = error.detail().iter().filter_map(|(key, value)| Some((key, value.as_str()?)));
        let bare = Error::new(error.code(), written(error.message()));
        Outcome::Failed(texts.fold(bare, |error, (key, text)| error.with(key, written(text))))
    }
}
