//! MariaDB at the far end.

use async_trait::async_trait;
use connector_api::Connector;
use connector_conformance::ddl::{
    MARIADB_COLLATION, MARIADB_TYPES, mysql, mysql_fitted, mysql_rows, mysql_without,
};
use connector_conformance::{Change, Executor, StoredType, Subject, SubjectError};
use connector_memory::{Profile, Table};
use connector_model::Capabilities;
use connector_mysql::MySql as Driver;
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use test_servers::{MariaDb, MariaDbOptions};
use tokio::sync::Mutex;

use crate::through::{Way, with_runner};

/// A server, and the way to it.
pub(crate) struct Server {
    admin: Mutex<Conn>,
    driver: Driver,
    way: Way,
    _mariadb: MariaDb,
}

impl Server {
    pub(crate) async fn start() -> Server {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mariadb = MariaDb::start(MariaDbOptions::default()).await.unwrap();
        let admin = Mutex::new(mariadb.admin().await.unwrap());
        let way = Way::start("mariadb", "URL", &mariadb.url()).await.unwrap();
        Server { admin, driver: Driver::mariadb(), way, _mariadb: mariadb }
    }

    async fn run(&self, statements: impl IntoIterator<Item = String>) -> Result<(), SubjectError> {
        let mut admin = self.admin.lock().await;
        for statement in statements {
            admin.query_drop(statement).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Subject for Server {
    fn name(&self) -> &str {
        &self.driver.manifest().package_name
    }

    fn profile(&self) -> Profile {
        Profile::MYSQL
    }

    fn capabilities(&self) -> Capabilities {
        with_runner(&self.driver.manifest().capabilities)
    }

    fn types(&self) -> &'static [StoredType] {
        MARIADB_TYPES
    }

    fn fitted(&self, table: Table) -> Table {
        mysql_fitted(table)
    }

    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError> {
        let statements: Vec<String> =
            tables.iter().flat_map(|table| mysql(table, MARIADB_COLLATION)).collect();
        self.run(statements).await
    }

    async fn change(&self, table: &Table, change: &Change) -> Result<bool, SubjectError> {
        let gone = change.gone.iter().map(|row| mysql_without(table, row));
        let statements: Vec<String> = gone.chain(mysql_rows(table, &change.come)).collect();
        self.run(statements).await?;
        Ok(true)
    }

    async fn executor(&self) -> Result<Box<dyn Executor>, SubjectError> {
        Ok(self.way.executor())
    }
}
