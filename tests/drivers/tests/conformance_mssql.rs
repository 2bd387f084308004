//! The conformance suite through the SQL Server driver: against the double always, and against a real server where
//! `TEST_MSSQL_URL` names one (SQL Server, Azure SQL Edge, Babelfish).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use async_trait::async_trait;
use connector_api::{Connector, Session};
use connector_conformance::ddl::{MSSQL_TYPES, mssql, mssql_fitted, mssql_rows, mssql_without};
use connector_conformance::{Change, RunOptions, StoredType, Subject, SubjectError, conformance_tests};
use connector_memory::{Profile, Table};
use connector_model::Capabilities;
use connector_mssql::SqlServer as Driver;
use driver_tests::{open_context, source};
use test_servers::{SqlServer, SqlServerOptions};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

/// Whoever may write to the server.
enum Admin {
    /// The double takes tables past the network.
    Double(SqlServer),
    /// A connection to a real server, in a database of its own.
    Real(Box<Mutex<tiberius::Client<Compat<TcpStream>>>>),
}

impl Admin {
    async fn run(&self, statement: &str) -> Result<(), SubjectError> {
        match self {
            Admin::Double(server) => {
                server.execute(statement).await.map_err(|error| format!("{error:#}: {statement}"))?;
            }
            Admin::Real(client) => {
                let mut client = client.lock().await;
                let result = client.simple_query(statement).await?.into_results().await;
                result.map_err(|error| format!("{error}: {statement}"))?;
            }
        }
        Ok(())
    }
}

/// A server, and the settings that lead to it.
struct Server {
    admin: Admin,
    settings: Vec<(&'static str, String)>,
    driver: Driver,
}

/// The database that the suite makes for itself on a real server. Its texts compare by code unit, as the oracle's do.
const DATABASE: &str = "semilayer_suite";

impl Server {
    async fn double() -> Server {
        let server = SqlServer::start(SqlServerOptions::default()).await.unwrap();
        let authority = server.authority_file().to_string_lossy().into_owned();
        let settings = vec![("url", server.url()), ("sslrootcert", authority)];
        Server { admin: Admin::Double(server), settings, driver: Driver::new() }
    }

    /// The server of `mssql://user:password@host:port`, nothing encoded; its login has to be allowed to make databases.
    async fn at(url: &str) -> Server {
        let (login, place) = url.split_once("://").unwrap().1.rsplit_once('@').unwrap();
        let (user, password) = login.split_once(':').unwrap();
        let place = place.split(['/', '?']).next().unwrap();
        let (host, port) = place.split_once(':').unwrap_or((place, "1433"));
        let port: u16 = port.parse().unwrap();
        let mut config = tiberius::Config::new();
        config.host(host);
        config.port(port);
        config.authentication(tiberius::AuthMethod::sql_server(user, password));
        config.trust_cert();
        let socket = TcpStream::connect((host, port)).await.unwrap();
        let mut client = tiberius::Client::connect(config, socket.compat_write()).await.unwrap();
        for batch in [
            format!("IF DB_ID('{DATABASE}') IS NOT NULL DROP DATABASE {DATABASE}"),
            format!("CREATE DATABASE {DATABASE} COLLATE Latin1_General_100_BIN2"),
            format!("ALTER DATABASE {DATABASE} SET ALLOW_SNAPSHOT_ISOLATION ON"),
            format!("USE {DATABASE}"),
        ] {
            client.simple_query(batch).await.unwrap().into_results().await.unwrap();
        }
        let settings = [
            ("server", host.to_owned()),
            ("port", port.to_string()),
            ("user", user.to_owned()),
            ("password", password.to_owned()),
            ("database", DATABASE.to_owned()),
            ("trustServerCertificate", "true".to_owned()),
        ];
        Server {
            admin: Admin::Real(Box::new(Mutex::new(client))),
            settings: settings.to_vec(),
            driver: Driver::new(),
        }
    }
}

#[async_trait]
impl Subject for Server {
    fn name(&self) -> &str {
        self.driver.manifest().package_name
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
            self.admin.run(&statement).await?;
        }
        Ok(())
    }

    async fn change(&self, table: &Table, change: &Change) -> Result<bool, SubjectError> {
        let gone = change.gone.iter().map(|row| mssql_without(table, row));
        for statement in gone.chain(mssql_rows(table, &change.come)) {
            self.admin.run(&statement).await?;
        }
        Ok(true)
    }

    async fn open(&self) -> Result<Box<dyn Session>, SubjectError> {
        let settings: Vec<(&str, &str)> =
            self.settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        Ok(source(&self.driver, &settings)?.open(&open_context()?).await?)
    }
}

/// Enough to meet every operator on every type many times over.
const OPTIONS: RunOptions = RunOptions { cases: 1_000, seed: 20_260_301 };

conformance_tests!(mssql_double, Server::double().await, OPTIONS);

/// The whole suite once more where somebody names a server: until then, nothing here is proven against Microsoft's.
#[test]
fn a_server_that_is_named_passes_too() {
    let Some(url) = std::env::var_os("TEST_MSSQL_URL") else { return };
    let url = url.into_string().expect("TEST_MSSQL_URL is text");
    for part in connector_conformance::run::Part::ALL {
        let report = connector_conformance::stamp::part(async { Server::at(&url).await }, part, OPTIONS);
        assert!(report.passed(), "{report}");
    }
}
