//! The conformance suite: every answer held against the oracle's.

use async_trait::async_trait;
use connector_api::Session;
use connector_conformance::ddl::{SQLITE_TYPES, sqlite, sqlite_change};
use connector_conformance::{Change, RunOptions, StoredType, Subject, SubjectError, conformance_tests};
use connector_memory::{Profile, Table};
use connector_model::Capabilities;

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
        // `tursodb` 0.6 keeps the names of tables in lower case.
        Table { name: table.name.to_lowercase(), ..table }
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
}

/// Enough to meet every operator on every type many times over.
const OPTIONS: RunOptions = RunOptions { cases: 1_000, seed: 20_260_301 };

conformance_tests!(suite, Fixture::plain().await, OPTIONS);
