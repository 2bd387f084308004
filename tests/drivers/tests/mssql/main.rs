//! The SQL Server driver against a double of SQL Server: a server of the tests' own that speaks TDS and T-SQL.
//! What is shown here is unproven against Microsoft's server, unless `TEST_MSSQL_URL` names one to the conformance
//! suite.
//!
//! - `values`: every type to JSON, every type as a parameter
//! - `sessions`: cancel, deadline, a server that dies, two sources at once, totals
//! - `login`: TLS, credentials, each phase in which a server may end the connection
//! - `instances`: named instances, whose port the Browser tells
//! - `catalogue`: targets, keys, changes under way
//! - `hostile`: names and values that try to get out of their place

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod catalogue;
mod hostile;
mod instances;
mod login;
mod sessions;
mod values;

use connector_api::{CallContext, Session, Source};
use connector_model::error::Result;
use connector_model::request::Kind;
use connector_mssql::SqlServer as Driver;
use driver_tests::{Answer, LIMIT, job, open_context, source};
use serde_json::Value;
use test_servers::{SqlServer, SqlServerOptions};

/// A server whose authority the sources know.
struct Server {
    mssql: SqlServer,
}

impl Server {
    async fn start() -> Server {
        Server::with(SqlServerOptions::default()).await
    }

    async fn with(options: SqlServerOptions) -> Server {
        Server { mssql: SqlServer::start(options).await.unwrap() }
    }

    /// Runs batches that stand apart by lines of `GO`, as Microsoft's own tools take them.
    async fn run(&self, sql: &str) {
        for batch in sql.split("\nGO\n") {
            self.mssql.execute(batch).await.unwrap_or_else(|error| panic!("{batch}: {error:?}"));
        }
    }

    fn authority(&self) -> String {
        self.mssql.authority_file().to_str().unwrap().to_owned()
    }

    fn source(&self) -> Box<dyn Source> {
        let settings = [("url", self.mssql.url()), ("sslrootcert", self.authority())];
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        source(&Driver::new(), &settings).unwrap()
    }

    async fn session(&self) -> Box<dyn Session> {
        self.source().open(&open_context().unwrap()).await.unwrap()
    }
}

async fn query(session: &mut dyn Session, target: &str, options: Value) -> Result<Answer> {
    job(session, Kind::Query, target, &options, &CallContext::within(LIMIT)).await
}

async fn read(session: &mut dyn Session, target: &str, options: Value) -> Result<Answer> {
    job(session, Kind::Read, target, &options, &CallContext::within(LIMIT)).await
}
