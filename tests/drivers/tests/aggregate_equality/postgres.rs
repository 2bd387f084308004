//! PostgreSQL.

use async_trait::async_trait;
use connector_api::{Connector, Session};
use connector_conformance::ddl::{POSTGRES_TYPES, postgres};
use connector_conformance::run::Part;
use connector_conformance::stamp::part;
use connector_conformance::{StoredType, Subject, SubjectError};
use connector_memory::{Profile, Table};
use connector_model::Capabilities;
use connector_postgres::Postgres as Driver;
use driver_tests::{open_context, source};
use test_servers::{Postgres, PostgresOptions};
use tokio_postgres::Client;

use crate::OPTIONS;
use crate::streamed::Streamed;

/// A server of its own.
pub(crate) struct Server {
    pub(crate) admin: Client,
    postgres: Postgres,
    driver: Driver,
}

impl Server {
    pub(crate) async fn start() -> Server {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let postgres = Postgres::start(PostgresOptions::default()).await.unwrap();
        let admin = postgres.admin().await.unwrap();
        Server { admin, postgres, driver: Driver::new() }
    }
}

#[async_trait]
impl Subject for Server {
    fn name(&self) -> &str {
        "postgres"
    }

    fn profile(&self) -> Profile {
        Profile::POSTGRES
    }

    fn capabilities(&self) -> Capabilities {
        self.driver.manifest().capabilities.clone()
    }

    fn types(&self) -> &'static [StoredType] {
        POSTGRES_TYPES
    }

    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError> {
        for statement in tables.iter().flat_map(postgres) {
            self.admin.batch_execute(&statement).await?;
        }
        self.admin.batch_execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO app").await?;
        Ok(())
    }

    async fn open(&self) -> Result<Box<dyn Session>, SubjectError> {
        let source = source(&self.driver, &[("url", &self.postgres.url())])?;
        Ok(source.open(&open_context()?).await?)
    }
}

#[test]
fn streamed_groups_are_what_the_oracle_gets() {
    let report = part(async { Streamed(Server::start().await) }, Part::Aggregates, OPTIONS);
    assert!(report.passed(), "{report}");
}

#[test]
fn generated_aggregates_are_streamed_as_the_oracle_answers_them() {
    let report = part(async { Streamed(Server::start().await) }, Part::GeneratedAggregates, OPTIONS);
    assert!(report.passed(), "{report}");
}
