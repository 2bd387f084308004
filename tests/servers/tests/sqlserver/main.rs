//! The double of SQL Server, driven by the library that the driver stands on.
//!
//! - `connecting`: encryption, certificates, credentials, each phase in which a connection may end
//! - `types`: every type as a column and as a parameter
//! - `results`: many packets, several statements, errors before and amid rows
//! - `attention`: statements that are called off
//! - `statements`: what T-SQL means: filters, groups, windows, functions, the catalogue, transactions
//! - `refusals`: what SQL Server refuses, the double refuses

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod attention;
mod connecting;
mod refusals;
mod results;
mod statements;
mod types;

use test_servers::{APP_PASSWORD, APP_USER, SqlServer, SqlServerOptions};
use tiberius::error::Error;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel, Row};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

type Connection = Client<Compat<TcpStream>>;

fn config(server: &SqlServer) -> Config {
    let mut config = Config::new();
    config.host("localhost");
    config.port(server.port());
    config.database("app");
    config.application_name("a test");
    config.authentication(AuthMethod::sql_server(APP_USER, APP_PASSWORD));
    config.encryption(EncryptionLevel::NotSupported);
    config.trust_cert_ca_bundle(server.certificates().authority().as_bytes());
    config
}

async fn connect(config: Config) -> tiberius::Result<Connection> {
    let address = config.get_addr().replace("localhost", "127.0.0.1");
    let tcp = TcpStream::connect(address).await.unwrap();
    Client::connect(config, tcp.compat_write()).await
}

async fn started() -> SqlServer {
    SqlServer::start(SqlServerOptions::default()).await.unwrap()
}

async fn query(client: &mut Connection, sql: &str) -> tiberius::Result<Vec<Row>> {
    client.simple_query(sql).await?.into_first_result().await
}

/// The rows as texts, cells between bars; NULL is `-`.
async fn shown(client: &mut Connection, sql: &str) -> Vec<String> {
    let rows = match query(client, sql).await {
        Ok(rows) => rows,
        Err(error) => panic!("{sql}: {error}"),
    };
    let cell = |cell: tiberius::ColumnData<'static>| {
        let text = format!("{cell:?}");
        let inner = text.split_once('(').map_or("", |(_, rest)| rest.strip_suffix(')').unwrap_or(rest));
        match inner.strip_prefix("Some(") {
            Some(value) => value.strip_suffix(')').unwrap_or(value).to_owned(),
            None => "-".to_owned(),
        }
    };
    rows.into_iter().map(|row| row.into_iter().map(cell).collect::<Vec<_>>().join("|")).collect()
}

/// The number of the server's error.
fn number<T>(result: tiberius::Result<T>) -> Option<u32> {
    match result {
        Err(Error::Server(error)) => Some(error.code()),
        _ => None,
    }
}
