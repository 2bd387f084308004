//! The conformance suite against real servers, through each driver.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use async_trait::async_trait;
use connector_api::{Connector, Session};
use connector_conformance::ddl::{POSTGRES_TYPES, postgres, postgres_change};
use connector_conformance::{Change, RunOptions, StoredType, Subject, SubjectError, conformance_tests};
use connector_memory::{Profile, Table};
use connector_model::Capabilities;
use connector_postgres::Postgres as Driver;
use driver_tests::{open_context, source};
use test_servers::{PgBouncer, PgBouncerOptions, Postgres, PostgresOptions};
use tokio_postgres::Client;

/// A PostgreSQL server, reached directly or through a pooler.
struct Server {
    admin: Client,
    _postgres: Postgres,
    bouncer: Option<PgBouncer>,
    url: String,
    driver: Driver,
}

impl Server {
    async fn start(pooled: bool) -> Server {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let postgres = Postgres::start(PostgresOptions::with_tls()).await.unwrap();
        let admin = postgres.admin().await.unwrap();
        let bouncer = match pooled {
            true => Some(PgBouncer::start(&postgres, &PgBouncerOptions::default()).await.unwrap()),
            false => None,
        };
        let url = bouncer.as_ref().map_or_else(|| postgres.url(), PgBouncer::url);
        Server { admin, _postgres: postgres, bouncer, url, driver: Driver::new() }
    }
}

#[async_trait]
impl Subject for Server {
    fn name(&self) -> &str {
        if self.bouncer.is_some() { "postgres through pgbouncer" } else { "postgres" }
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
        for table in tables {
            for statement in postgres(table) {
                self.admin.batch_execute(&statement).await?;
            }
        }
        self.admin.batch_execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO app").await?;
        Ok(())
    }

    async fn change(&self, table: &Table, change: &Change) -> Result<bool, SubjectError> {
        for statement in postgres_change(table, change) {
            self.admin.batch_execute(&statement).await?;
        }
        Ok(true)
    }

    async fn open(&self) -> Result<Box<dyn Session>, SubjectError> {
        let source = source(&self.driver, &[("url", &self.url)])?;
        Ok(source.open(&open_context()?).await?)
    }
}

/// Enough to meet every operator on every type many times over.
const OPTIONS: RunOptions = RunOptions { cases: 1_000, seed: 20_260_301 };

conformance_tests!(postgres_direct, Server::start(false).await, OPTIONS);
conformance_tests!(postgres_pooled, Server::start(true).await, RunOptions { cases: 300, seed: 7 });
