//! The way from a runner to its gateway over the networks that people have: proxies of every kind, one that breaks into
//! TLS, client certificates, hosts of one address family.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod certificates;
mod doctor;
mod families;
mod inspecting;
mod proxies;
mod variables;

use e2e_tests::{Caller, Gateway, GatewayOptions, Identity, Runner, RunnerOptions};
use serde_json::json;
use tempfile::TempDir;
use test_servers::{Exit, ServerCertificate};

/// The name that the gateway has behind a proxy, and nowhere else: what is reached by it went through one.
const NAME: &str = "gateway.example";

/// A gateway, a source of one SQLite table, and who is to serve it.
struct Site {
    gateway: Gateway,
    identity: Identity,
    caller: Caller,
    options: RunnerOptions,
    folder: TempDir,
}

impl Site {
    async fn start(options: GatewayOptions) -> Site {
        let gateway = Gateway::start(options).await.unwrap();
        let identity = gateway.runner("edge").await.unwrap();
        gateway.source("shop", "sqlite", &identity).await.unwrap();
        let caller = gateway.caller().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.db");
        let database = rusqlite::Connection::open(&file).unwrap();
        database
            .execute_batch(
                "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'one'), (2, 'two')",
            )
            .unwrap();
        let options = RunnerOptions::default().set("SEMILAYER_SOURCE_SHOP_PATH", file.display().to_string());
        Site { gateway, identity, caller, options, folder }
    }

    /// A gateway that speaks TLS.
    async fn encrypted() -> Site {
        Site::start(GatewayOptions { tls: Some(ServerCertificate::Good), ..GatewayOptions::default() }).await
    }

    /// What a runner is told that knows the gateway's authority.
    fn trusting(&self) -> RunnerOptions {
        self.options.clone().set("NODE_EXTRA_CA_CERTS", self.gateway.authority())
    }

    /// What a runner is told that knows the gateway by its name behind the proxy, and its authority.
    fn behind(&self, variable: &str, proxy: impl Into<String>) -> RunnerOptions {
        let url = format!("wss://{NAME}:{}/connect", self.gateway.port());
        let options = self.options.clone().set("SEMILAYER_GATEWAY_URL", url);
        options.set("NODE_EXTRA_CA_CERTS", self.gateway.authority()).set(variable, proxy)
    }

    /// Starts a runner, and has it serve.
    async fn serves(&self, options: &RunnerOptions) -> Runner {
        let runner = Runner::start(&self.gateway, &self.identity, options).await.unwrap();
        self.gateway.serving(&self.caller, "shop").await.unwrap();
        let answer = self.caller.ask("shop", "query", &json!({"target": "t"})).await.unwrap();
        assert_eq!(answer.rows().len(), 2, "{}", answer.body);
        runner
    }

    /// What `doctor` says of the way to the gateway.
    async fn doctor(&self, options: &RunnerOptions) -> (Exit, String) {
        let launch = Runner::launch(&self.gateway, &self.identity, options).unwrap();
        let (exit, out, err) = Runner::command(&launch, &["doctor"]).await.unwrap();
        assert_eq!(err, "");
        (exit, out)
    }

    /// What `status` says.
    async fn status(&self, options: &RunnerOptions) -> String {
        let launch = Runner::launch(&self.gateway, &self.identity, options).unwrap();
        let (exit, out, err) = Runner::command(&launch, &["status"]).await.unwrap();
        assert_eq!(exit, Exit::Code(0), "{out}{err}");
        out
    }
}

/// Whether these bytes occur in those.
fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
