//! The Redis component in the real host, against a real Redis.

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
mod values;

use std::sync::Arc;

use component_tests::{Opening, component};
use connector_api::Session;
use connector_host::load::LoadedModule;
use connector_model::error::Result;
use test_servers::{Redis, RedisClient, RedisOptions};

/// A server, the component, and whoever may write.
struct Fixture {
    server: Redis,
    module: Arc<LoadedModule>,
    opening: Opening,
}

impl Fixture {
    async fn start(options: RedisOptions) -> Fixture {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let server = Redis::start(options).await.unwrap();
        let opening = Opening { authority: Some(server.authority_file().to_owned()) };
        Fixture { module: component("redis").await.unwrap(), server, opening }
    }

    async fn plain() -> Fixture {
        Fixture::start(RedisOptions::default()).await
    }

    async fn session(&self) -> Box<dyn Session> {
        self.session_with(&[]).await.unwrap()
    }

    /// A session of the tests' user; `settings` win over its URL.
    async fn session_with(&self, settings: &[(&str, &str)]) -> Result<Box<dyn Session>> {
        let url = self.server.url();
        let all: Vec<(&str, &str)> =
            [("url", url.as_str())].into_iter().chain(settings.iter().copied()).collect();
        self.opening.session(&*self.module.connector, &all).await
    }

    async fn admin(&self) -> RedisClient {
        self.server.admin().await.unwrap()
    }
}

/// Runs commands of words that are separated by blanks.
async fn run(client: &mut RedisClient, commands: &[&str]) {
    for command in commands {
        let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        client.run(&words).await.unwrap();
    }
}
