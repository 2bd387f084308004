//! PostgreSQL at the far end.

use async_trait::async_trait;
use connector_api::Connector;
use connector_conformance::ddl::{POSTGRES_TYPES, postgres, postgres_change};
use connector_conformance::{Change, Executor, StoredType, Subject, SubjectError};
use connector_memory::{Profile, Table};
use connector_model::Capabilities;
use connector_postgres::Postgres as Driver;
use test_servers::{Postgres, PostgresOptions};
use tokio_postgres::Client;

use crate::through::{Way, with_runner};

/// A server, and the way to it.
pub(crate) struct Server {
    admin: Client,
    driver: Driver,
    way: Way,
    _postgres: Postgres,
}

impl Server {
    pub(crate) async fn start() -> Server {
        let postgres = Postgres::start(PostgresOptions::default()).await.unwrap();
        let admin = postgres.admin().await.unwrap();
        let way = Way::start("postgres", "URL", &postgres.url()).await.unwrap();
        Server { admin, driver: Driver::new(), way, _postgres: postgres }
    }
}

#[async_trait]
impl Subject for Server {
    fn name(&self) -> &str {
        &self.driver.manifest().package_name
    }

    fn profile(&self) -> Profile {
        Profile::POSTGRES
    }

    fn capabilities(&self) -> Capabilities {
        with_runner(&self.driver.manifest().capabilities)
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

    async fn change(&self, table: &Table, change: &Change) -> Result<bool, SubjectError> {
        for statement in postgres_change(table, change) {
            self.admin.batch_execute(&statement).await?;
        }
        Ok(true)
    }

    async fn executor(&self) -> Result<Box<dyn Executor>, SubjectError> {
        Ok(self.way.executor())
    }
}
