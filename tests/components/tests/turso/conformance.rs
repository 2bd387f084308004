//! The conformance suite: every answer held against the oracle's.

use async_trait::async_trait;
use connector_api::Session;
use connector_conformance::ddl::{SQLITE_TYPES, sqlite, sqlite_change};
use connector_conformance::job::{Job, Outcome};
use connector_conformance::{
    Change, Executor, OfSession, RunOptions, StoredType, Subject, SubjectError, conformance_tests,
};
use connector_memory::{Profile, Table};
use connector_model::capability::AggregateCapabilities;
use connector_model::{Capabilities, Error};

use test_servers::TursoEngine;

use crate::Fixture;

#[async_trait]
impl Subject for Fixture {
    fn name(&self) -> &str {
        "@semilayer/bridge-turso"
    }

    fn profile(&self) -> Profile {
        Profile::SQLITE
    }

    fn capabilities(&self) -> Capabilities {
        self.module.connector.manifest().capabilities.clone()
    }

    fn types(&self) -> &'static [StoredType] {
        SQLITE_TYPES
    }

    fn fitted(&self, table: Table) -> Table {
        match self.server.engine() {
            // Version 0.6 keeps the names of tables in lower case.
            TursoEngine::Tursodb => Table { name: table.name.to_lowercase(), ..table },
            TursoEngine::Sqlite => table,
        }
    }

    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError> {
        let tables = tables.iter().flat_map(sqlite);
        let statements: Vec<String> =
            ["BEGIN".to_owned()].into_iter().chain(tables).chain(["COMMIT".to_owned()]).collect();
        Ok(self.server.execute(&statements).await?)
    }

    async fn change(&self, table: &Table, change: &Change) -> Result<bool, SubjectError> {
        self.server.execute(&sqlite_change(table, change)).await?;
        Ok(true)
    }

    async fn open(&self) -> Result<Box<dyn Session>, SubjectError> {
        Ok(self.session_with(&[]).await?)
    }

    async fn executor(&self) -> Result<Box<dyn Executor>, SubjectError> {
        Ok(Box::new(AsWritten(OfSession(self.open().await?))))
    }
}

/// A session whose errors are read as the module wrote them: the host shows a line break as the two characters `\n`, and
/// the suite looks for a name with a line break in it.
struct AsWritten(OfSession);

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

/// Enough to meet every operator on every type many times over.
const OPTIONS: RunOptions = RunOptions { cases: 1_000, seed: 20_260_301 };

conformance_tests!(tursodb, Fixture::plain().await, OPTIONS);
conformance_tests!(sqlite, Fixture::sqlite().await, OPTIONS);
