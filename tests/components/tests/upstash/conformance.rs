//! The conformance suite: rows are JSON objects at keys.

use async_trait::async_trait;
use component_tests::keyspace::{PROFILE, TYPES, fitted, load};
use connector_api::Session;
use connector_conformance::{RunOptions, StoredType, Subject, SubjectError, conformance_tests};
use connector_memory::{Profile, Table};
use connector_model::Capabilities;
use test_servers::UpstashOptions;

use crate::Fixture;

#[async_trait]
impl Subject for Fixture {
    fn name(&self) -> &str {
        "@semilayer/bridge-upstash"
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
        Ok(load(&mut self.server.redis().admin().await?, tables).await?)
    }

    async fn open(&self) -> Result<Box<dyn Session>, SubjectError> {
        Ok(self.session_with(self.server.token()).await?)
    }
}

/// What rows mean is the Redis connector's code; here it is seen through the other way to them.
const OPTIONS: RunOptions = RunOptions { cases: 300, seed: 20_260_302 };

conformance_tests!(upstash, Fixture::start(UpstashOptions::default()).await, OPTIONS);
