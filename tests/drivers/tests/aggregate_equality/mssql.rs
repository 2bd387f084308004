//! SQL Server's double.

use async_trait::async_trait;
use connector_api::{Connector, Session};
use connector_conformance::ddl::{MSSQL_TYPES, mssql, mssql_fitted};
use connector_conformance::run::Part;
use connector_conformance::stamp::part;
use connector_conformance::{StoredType, Subject, SubjectError};
use connector_memory::{Profile, Table};
use connector_model::Capabilities;
use connector_mssql::SqlServer as Driver;
use driver_tests::{open_context, source};
use test_servers::{SqlServer, SqlServerOptions};

use crate::OPTIONS;
use crate::streamed::Streamed;

/// A server of its own.
pub(crate) struct Server {
    server: SqlServer,
    driver: Driver,
}

impl Server {
    pub(crate) async fn start() -> Server {
        let server = SqlServer::start(SqlServerOptions::default()).await.unwrap();
        Server { server, driver: Driver::new() }
    }

    pub(crate) async fn execute(&self, sql: &str) {
        self.server.execute(sql).await.unwrap();
    }
}

#[async_trait]
impl Subject for Server {
    fn name(&self) -> &str {
        "mssql"
    }

    fn profile(&self) -> Profile {
        Profile::SQL_SERVER
    }

    fn capabilities(&self) -> Capabilities {
        self.driver.manifest().capabilities.clone()
    }

    fn types(&self) -> &'static [StoredType] {
        MSSQL_TYPES
    }

    fn fitted(&self, table: Table) -> Table {
        mssql_fitted(table)
    }

    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError> {
        for statement in tables.iter().flat_map(mssql) {
            self.server.execute(&statement).await?;
        }
        Ok(())
    }

    async fn open(&self) -> Result<Box<dyn Session>, SubjectError> {
        let url = self.server.url_with(&[("trustServerCertificate", "true")]);
        Ok(source(&self.driver, &[("url", &url)])?.open(&open_context()?).await?)
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
