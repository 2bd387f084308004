//! The Upstash component in the real host, against a double of the service before a real Redis.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod adverse;
mod conformance;
mod rows;

use std::sync::Arc;

use component_tests::{Opening, component};
use connector_api::Session;
use connector_host::load::LoadedModule;
use connector_model::error::Result;
use test_servers::{RedisClient, Upstash, UpstashOptions};

/// The double, the component, and whoever may write.
struct Fixture {
    server: Upstash,
    module: Arc<LoadedModule>,
    opening: Opening,
}

impl Fixture {
    async fn start(options: UpstashOptions) -> Fixture {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let server = Upstash::start(options).await.unwrap();
        let opening = Opening { authority: Some(server.redis().authority_file().to_owned()) };
        Fixture { module: component("upstash").await.unwrap(), server, opening }
    }

    async fn session(&self) -> Box<dyn Session> {
        self.session_with(self.server.token()).await.unwrap()
    }

    async fn session_with(&self, token: &str) -> Result<Box<dyn Session>> {
        let url = self.server.url();
        let settings = [("url", url.as_str()), ("token", token)];
        self.opening.session(&*self.module.connector, &settings).await
    }

    async fn admin(&self) -> RedisClient {
        self.server.redis().admin().await.unwrap()
    }
}

/// Runs commands of words that are separated by blanks.
async fn run(client: &mut RedisClient, commands: &[&str]) {
    for command in commands {
        let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        client.run(&words).await.unwrap();
    }
}
