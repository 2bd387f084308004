//! The Turso component in the real host, against `tursodb`.

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
mod paging;
mod rows;

use std::sync::Arc;

use component_tests::{Answer, Opening, component, job};
use connector_api::Session;
use connector_host::load::LoadedModule;
use connector_model::error::Result;
use connector_model::request::Kind;
use serde_json::Value;
use test_servers::{Turso, TursoEngine, TursoOptions};

/// A server and the component.
struct Fixture {
    server: Turso,
    module: Arc<LoadedModule>,
    opening: Opening,
}

impl Fixture {
    async fn start(options: TursoOptions) -> Fixture {
        // Another test of this process may have been first.
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let server = Turso::start(options).await.unwrap();
        let opening = Opening { authority: Some(server.authority_file().to_owned()) };
        Fixture { module: component("turso").await.unwrap(), server, opening }
    }

    /// With streams as libSQL's server keeps them.
    async fn plain() -> Fixture {
        Fixture::start(TursoOptions { keeps_streams: true, ..TursoOptions::default() }).await
    }

    /// The same, with SQLite as it runs in Turso's cloud.
    async fn sqlite() -> Fixture {
        let engine = TursoEngine::Sqlite;
        Fixture::start(TursoOptions { engine, keeps_streams: true, ..TursoOptions::default() }).await
    }

    /// Plain, and filled.
    async fn with(statements: &[&str]) -> Fixture {
        let fixture = Fixture::plain().await;
        fixture.server.execute(statements).await.unwrap();
        fixture
    }

    async fn session(&self) -> Box<dyn Session> {
        self.session_with(&[]).await.unwrap()
    }

    async fn session_with(&self, settings: &[(&str, &str)]) -> Result<Box<dyn Session>> {
        let url = self.server.url();
        let mut all = vec![("url", url.as_str())];
        all.extend_from_slice(settings);
        self.opening.session(&*self.module.connector, &all).await
    }
}

/// A session that has worked, so that what comes next is the job's and not the open's.
async fn warm_session(fixture: &Fixture, target: &str) -> Box<dyn Session> {
    let mut session = fixture.session().await;
    query(&mut *session, target, Value::Object(serde_json::Map::new())).await.unwrap();
    session
}

async fn query(session: &mut dyn Session, target: &str, options: Value) -> Result<Answer> {
    job(session, Kind::Query, target, &options).await
}

/// A table `numbers` with the numbers from 1 to `rows` and a text of `width` characters beside each.
fn numbers(rows: u32, width: u32) -> Vec<String> {
    let mut statements = vec!["CREATE TABLE numbers (id INTEGER PRIMARY KEY, t TEXT)".to_owned()];
    // Doubled until there are enough: `tursodb` has no recursive queries.
    statements.push(format!("INSERT INTO numbers VALUES (1, hex(zeroblob({width} / 2)))"));
    let mut filled = 1;
    while filled < rows {
        let more = filled.min(rows - filled);
        statements
            .push(format!("INSERT INTO numbers SELECT id + {filled}, t FROM numbers WHERE id <= {more}"));
        filled += more;
    }
    statements
}
