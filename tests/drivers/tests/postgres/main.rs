//! The PostgreSQL driver against real servers.
//!
//! - `aggregate`: groups and their measures
//! - `values`: every type to JSON
//! - `sessions`: what is left behind, direct and through a pooler; cancel, deadline, a server that dies
//! - `login`: TLS modes, credentials, addresses, sockets
//! - `catalogue`: targets, keys, changes under way
//! - `relatives`: what the other members of the family ask
//! - `hostile`: names and values that try to get out of their place

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod aggregate;
mod catalogue;
mod hostile;
mod login;
mod relatives;
mod sessions;
mod values;

use connector_api::{CallContext, Session, Source};
use connector_model::error::Result;
use connector_model::request::Kind;
use connector_postgres::Postgres as Driver;
use driver_tests::{Answer, LIMIT, job, open_context, source};
use serde_json::Value;
use test_servers::{Postgres, PostgresOptions};
use tokio_postgres::Client;

/// A server with one administrator's connection to database `app`.
struct Server {
    postgres: Postgres,
    admin: Client,
}

impl Server {
    async fn start() -> Server {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let postgres = Postgres::start(PostgresOptions::with_tls()).await.unwrap();
        let admin = postgres.admin().await.unwrap();
        Server { postgres, admin }
    }

    async fn run(&self, sql: &str) {
        self.admin.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    fn source(&self) -> Box<dyn Source> {
        source(&Driver::new(), &[("url", &self.postgres.url())]).unwrap()
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
