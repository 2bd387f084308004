//! The conformance suite against MariaDB, and against any server that `TEST_MYSQL_URL` names.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use async_trait::async_trait;
use connector_api::{Connector, Session};
use connector_conformance::ddl::{
    MARIADB_COLLATION, MARIADB_TYPES, MYSQL_COLLATION, MYSQL_TYPES, mysql, mysql_fitted, mysql_rows,
    mysql_without,
};
use connector_conformance::{Change, RunOptions, StoredType, Subject, SubjectError, conformance_tests};
use connector_memory::{Profile, Table};
use connector_model::Capabilities;
use connector_mysql::MySql as Driver;
use driver_tests::{open_context, source};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use test_servers::{APP_USER, MariaDb, MariaDbOptions};
use tokio::sync::Mutex;

/// The database that the suite makes on a server that is not its own. Nothing else has tables of the same names there.
const OWN_DATABASE: &str = "semilayer_conformance";

/// A server, and whoever may write to it.
struct Server {
    admin: Mutex<Conn>,
    _server: Option<MariaDb>,
    url: String,
    /// The database that the tables are in.
    database: &'static str,
    driver: Driver,
    types: &'static [StoredType],
    collation: &'static str,
}

impl Server {
    async fn start() -> Server {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let server = MariaDb::start(MariaDbOptions::with_tls()).await.unwrap();
        Server {
            admin: Mutex::new(server.admin().await.unwrap()),
            url: server.url(),
            database: APP_USER,
            _server: Some(server),
            driver: Driver::mariadb(),
            types: MARIADB_TYPES,
            collation: MARIADB_COLLATION,
        }
    }

    /// The server of that URL, in a database of its own; its login has to be allowed to make one.
    async fn at(url: &str) -> Server {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut admin = Conn::new(Opts::from_url(url).unwrap()).await.unwrap();
        admin.query_drop("SET NAMES utf8mb4, sql_mode = ''").await.unwrap();
        // The tables of the part before, or of a run that failed, are in nobody's way.
        for statement in ["DROP DATABASE IF EXISTS", "CREATE DATABASE", "USE"] {
            admin.query_drop(format!("{statement} {OWN_DATABASE}")).await.unwrap();
        }
        let version: String = admin.query_first("SELECT VERSION()").await.unwrap().unwrap();
        let is_mariadb = version.contains("MariaDB");
        Server {
            admin: Mutex::new(admin),
            _server: None,
            url: url.to_owned(),
            database: OWN_DATABASE,
            driver: if is_mariadb { Driver::mariadb() } else { Driver::new() },
            types: if is_mariadb { MARIADB_TYPES } else { MYSQL_TYPES },
            collation: if is_mariadb { MARIADB_COLLATION } else { MYSQL_COLLATION },
        }
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
        self.driver.manifest().capabilities.clone()
    }

    fn types(&self) -> &'static [StoredType] {
        self.types
    }

    fn fitted(&self, table: Table) -> Table {
        mysql_fitted(table)
    }

    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError> {
        let mut admin = self.admin.lock().await;
        for statement in tables.iter().flat_map(|table| mysql(table, self.collation)) {
            admin.query_drop(statement).await?;
        }
        Ok(())
    }

    async fn change(&self, table: &Table, change: &Change) -> Result<bool, SubjectError> {
        let mut admin = self.admin.lock().await;
        let gone = change.gone.iter().map(|row| mysql_without(table, row));
        for statement in gone.chain(mysql_rows(table, &change.come)) {
            admin.query_drop(statement).await?;
        }
        Ok(true)
    }

    async fn open(&self) -> Result<Box<dyn Session>, SubjectError> {
        let source = source(&self.driver, &[("url", &self.url), ("database", self.database)])?;
        Ok(source.open(&open_context()?).await?)
    }
}

/// Enough to meet every operator on every type many times over.
const OPTIONS: RunOptions = RunOptions { cases: 1_000, seed: 20_260_301 };

conformance_tests!(mariadb, Server::start().await, OPTIONS);

/// The whole suite once more where somebody names a server. Without one there is nothing to be said about it, and the
/// suite above stands for the protocol.
#[test]
fn a_server_that_is_named_passes_too() {
    let Some(url) = std::env::var_os("TEST_MYSQL_URL") else { return };
    let url = url.into_string().expect("TEST_MYSQL_URL is text");
    for part in connector_conformance::run::Part::ALL {
        let report = connector_conformance::stamp::part(async { Server::at(&url).await }, part, OPTIONS);
        assert!(report.passed(), "{report}");
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut admin = Conn::new(Opts::from_url(&url).unwrap()).await.unwrap();
        admin.query_drop(format!("DROP DATABASE {OWN_DATABASE}")).await.unwrap();
    });
}
