//! SQL Server's double at the far end.

use async_trait::async_trait;
use connector_api::Connector;
use connector_conformance::ddl::{MSSQL_TYPES, mssql, mssql_fitted, mssql_rows, mssql_without};
use connector_conformance::{Change, Executor, StoredType, Subject, SubjectError};
use connector_memory::{Profile, Table};
use connector_model::Capabilities;
use connector_mssql::SqlServer as Driver;
use test_servers::{SqlServer, SqlServerOptions};

use crate::through::{Way, with_runner};

/// The double, which takes tables past the network, and the way to it.
pub(crate) struct Server {
    driver: Driver,
    way: Way,
    mssql: SqlServer,
}

impl Server {
    pub(crate) async fn start() -> Server {
        let mssql = SqlServer::start(SqlServerOptions::default()).await.unwrap();
        let url = mssql.url_with(&[("trustServerCertificate", "true")]);
        let way = Way::start("mssql", "URL", &url).await.unwrap();
        Server { driver: Driver::new(), way, mssql }
    }
}

#[async_trait]
impl Subject for Server {
    fn name(&self) -> &str {
        &self.driver.manifest().package_name
    }

    fn profile(&self) -> Profile {
        Profile::SQL_SERVER
    }

    fn capabilities(&self) -> Capabilities {
        with_runner(&self.driver.manifest().capabilities)
    }

    fn types(&self) -> &'static [StoredType] {
        MSSQL_TYPES
    }

    fn fitted(&self, table: Table) -> Table {
        mssql_fitted(table)
    }

    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError> {
        for statement in tables.iter().flat_map(mssql) {
            self.mssql.execute(&statement).await?;
        }
        Ok(())
    }

    async fn change(&self, table: &Table, change: &Change) -> Result<bool, SubjectError> {
        let gone = change.gone.iter().map(|row| mssql_without(table, row));
        for statement in gone.chain(mssql_rows(table, &change.come)) {
            self.mssql.execute(&statement).await?;
        }
        Ok(true)
    }

    async fn executor(&self) -> Result<Box<dyn Executor>, SubjectError> {
        Ok(self.way.executor())
    }
}
