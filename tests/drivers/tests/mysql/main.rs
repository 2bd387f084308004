//! The MySQL driver against a real MariaDB.
//!
//! - `values`: every type to JSON, whatever the server's own settings
//! - `sessions`: read-only, cancel, deadline, totals, long lists, streams, a server that dies
//! - `login`: TLS modes, credentials, plugins, addresses, sockets
//! - `phases`: a connection that ends inside each phase
//! - `catalogue`: targets, keys, changes under way
//! - `aggregate`: dates that are none

#![recursion_limit = "256"]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod aggregate;
mod catalogue;
mod login;
mod phases;
mod sessions;
mod values;

use connector_api::{CallContext, Session, Source};
use connector_model::error::Result;
use connector_model::request::Kind;
use connector_mysql::MySql as Driver;
use driver_tests::{Answer, LIMIT, job, open_context, source};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use serde_json::Value;
use test_servers::{MariaDb, MariaDbOptions};
use tokio::sync::Mutex;

/// A server with one administrator's connection to database `app`.
struct Server {
    mariadb: MariaDb,
    admin: Mutex<Conn>,
}

impl Server {
    async fn start() -> Server {
        Server::with(MariaDbOptions::with_tls()).await
    }

    async fn with(options: MariaDbOptions) -> Server {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mariadb = MariaDb::start(options).await.unwrap();
        let admin = Mutex::new(mariadb.admin().await.unwrap());
        Server { mariadb, admin }
    }

    /// Runs statements, one a line that ends with a semicolon.
    async fn run(&self, sql: &str) {
        let mut admin = self.admin.lock().await;
        for statement in sql.split(";\n").map(|part| part.trim().trim_end_matches(';')) {
            if !statement.is_empty() {
                admin.query_drop(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
            }
        }
    }

    async fn number(&self, sql: &str) -> i64 {
        self.admin.lock().await.query_first(sql).await.unwrap().unwrap()
    }

    fn source(&self) -> Box<dyn Source> {
        source(&Driver::mariadb(), &[("url", &self.mariadb.url())]).unwrap()
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
