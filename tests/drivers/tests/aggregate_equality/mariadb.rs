//! MariaDB.

use async_trait::async_trait;
use connector_api::{Connector, Session};
use connector_conformance::ddl::{MARIADB_COLLATION, MARIADB_TYPES, mysql, mysql_fitted};
use connector_conformance::run::Part;
use connector_conformance::stamp::part;
use connector_conformance::{StoredType, Subject, SubjectError};
use connector_memory::{Profile, Table};
use connector_model::Capabilities;
use connector_mysql::MySql as Driver;
use driver_tests::{open_context, source};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use test_servers::{MariaDb, MariaDbOptions};
use tokio::sync::Mutex;

use crate::OPTIONS;
use crate::streamed::Streamed;

/// A server of its own.
pub(crate) struct Server {
    admin: Mutex<Conn>,
    server: MariaDb,
    driver: Driver,
}

impl Server {
    pub(crate) async fn start() -> Server {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let server = MariaDb::start(MariaDbOptions::default()).await.unwrap();
        let admin = Mutex::new(server.admin().await.unwrap());
        Server { admin, server, driver: Driver::mariadb() }
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let mut admin = self.admin.lock().await;
        for statement in sql.split(';').filter(|statement| !statement.trim().is_empty()) {
            admin.query_drop(statement).await.unwrap();
        }
    }
}

#[async_trait]
impl Subject for Server {
    fn name(&self) -> &str {
        "mariadb"
    }

    fn profile(&self) -> Profile {
        Profile::MYSQL
    }

    fn capabilities(&self) -> Capabilities {
        self.driver.manifest().capabilities.clone()
    }

    fn types(&self) -> &'static [StoredType] {
        MARIADB_TYPES
    }

    fn fitted(&self, table: Table) -> Table {
        mysql_fitted(table)
    }

    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError> {
        let mut admin = self.admin.lock().await;
        for statement in tables.iter().flat_map(|table| mysql(table, MARIADB_COLLATION)) {
            admin.query_drop(statement).await?;
        }
        Ok(())
    }

    async fn open(&self) -> Result<Box<dyn Session>, SubjectError> {
        let source = source(&self.driver, &[("url", &self.server.url())])?;
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
