//! The ClickHouse component in the real host, against ClickHouse's own engine; and, as far as logins go, against the server
//! of Debian.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod adverse;
mod conformance;
mod login;
mod names;
mod paging;
mod tables;
mod values;

use std::sync::Arc;

use component_tests::{Answer, Opening, component, job};
use connector_api::Session;
use connector_host::load::LoadedModule;
use connector_model::error::Result;
use connector_model::request::Kind;
use serde_json::Value;
use test_servers::{ClickHouse, ClickHouseOptions};

/// A server and the component.
struct Fixture {
    server: ClickHouse,
    module: Arc<LoadedModule>,
}

impl Fixture {
    async fn start(options: ClickHouseOptions) -> Fixture {
        let server = ClickHouse::start(options).await.unwrap();
        Fixture { module: module().await, server }
    }

    async fn plain() -> Fixture {
        Fixture::start(ClickHouseOptions::default()).await
    }

    /// Plain, and filled.
    async fn with(statements: &[&str]) -> Fixture {
        let fixture = Fixture::plain().await;
        fixture.run(statements).await;
        fixture
    }

    async fn run(&self, statements: &[&str]) {
        for statement in statements {
            self.server.execute(statement).await.unwrap();
        }
    }

    async fn session(&self) -> Box<dyn Session> {
        self.session_with(&[]).await.unwrap()
    }

    /// A session of the tests' user; `settings` win over its URL.
    async fn session_with(&self, settings: &[(&str, &str)]) -> Result<Box<dyn Session>> {
        let url = self.server.url();
        let mut all = vec![("url", url.as_str())];
        all.extend_from_slice(settings);
        Opening::default().session(&*self.module.connector, &all).await
    }
}

/// The component.
async fn module() -> Arc<LoadedModule> {
    // Another test of this process may have been first.
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    component("clickhouse").await.unwrap()
}

async fn query(session: &mut dyn Session, target: &str, options: Value) -> Result<Answer> {
    job(session, Kind::Query, target, &options).await
}
