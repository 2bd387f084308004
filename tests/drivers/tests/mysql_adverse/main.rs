//! The MySQL driver where nobody helps it: a server whose settings are all contrary, values that mean ill, connections
//! that end or go silent, administrators who kill.
//!
//! - `contrary`: that server, and every type on it
//! - `aggregate`: groups and their measures
//! - `hostile`: names and values that try to get out of their place
//! - `cut`: a connection that ends, or goes silent, at every point of its life
//! - `killed`: statements and sessions that are ended from beside
//! - `left`: what a session leaves behind

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod aggregate;
mod contrary;
mod cut;
mod hostile;
mod killed;
mod left;

use connector_api::{CallContext, Session, Source};
use connector_model::error::Result;
use connector_model::request::Kind;
use connector_mysql::MySql as Driver;
use driver_tests::{Answer, LIMIT, job, open_context, source};
use mysql_async::Conn;
use mysql_async::prelude::{FromRow, Queryable};
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
        let mut admin = mariadb.admin().await.unwrap();
        admin.query_drop("SET NAMES utf8mb4, sql_mode = '', time_zone = '+00:00'").await.unwrap();
        Server { mariadb, admin: Mutex::new(admin) }
    }

    /// Runs statements, a semicolon between them.
    async fn run(&self, sql: &str) {
        let done = self.admin.lock().await.query_drop(sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// The one row of a statement.
    async fn row<T: FromRow + Send + 'static>(&self, sql: &str) -> T {
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

async fn aggregate(session: &mut dyn Session, target: &str, options: Value) -> Result<Answer> {
    job(session, Kind::Aggregate, target, &options, &CallContext::within(LIMIT)).await
}
