//! The conformance suite.

use async_trait::async_trait;
use component_tests::AsWritten;
use connector_api::Session;
use connector_conformance::executor::Executor;
use connector_conformance::{Change, RunOptions, StoredType, Subject, SubjectError, conformance_tests};
use connector_memory::{Profile, Table};
use connector_model::Capabilities;

use crate::Fixture;
use crate::tables::{PROFILE, TYPES, created, fitted, inserted, removed};

#[async_trait]
impl Subject for Fixture {
    fn name(&self) -> &str {
        "@semilayer/bridge-clickhouse"
    }

    fn profile(&self) -> Profile {
        PROFILE
    }

    fn capabilities(&self) -> Capabilities {
        self.module.connector.manifest().capabilities.clone()
    }

    fn types(&self) -> &'static [StoredType] {
        TYPES
    }

    fn fitted(&self, table: Table) -> Table {
        fitted(table)
    }

    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError> {
        for statement in tables.iter().flat_map(created) {
            self.server.execute(&statement).await?;
        }
        Ok(())
    }

    async fn change(&self, table: &Table, change: &Change) -> Result<bool, SubjectError> {
        let gone = change.gone.iter().map(|row| removed(table, row));
        for statement in gone.chain(inserted(table, &change.come)) {
            self.server.execute(&statement).await?;
        }
        Ok(true)
    }

    async fn open(&self) -> Result<Box<dyn Session>, SubjectError> {
        Ok(self.session_with(&[]).await?)
    }

    async fn executor(&self) -> Result<Box<dyn Executor>, SubjectError> {
        Ok(Box::new(AsWritten::of(self.open().await?)))
    }
}

/// Enough to meet every operator on every type many times over.
const OPTIONS: RunOptions = RunOptions { cases: 1_000, seed: 20_260_301 };

conformance_tests!(clickhouse, Fixture::plain().await, OPTIONS);
