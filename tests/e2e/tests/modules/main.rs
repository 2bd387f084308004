//! Connector modules in the real programs: mounted, listed, replaced, refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod databases;
mod hostile;
mod mounting;
mod refusing;
mod replacing;
mod watched;

use std::path::{Path, PathBuf};

use e2e_tests::{Answer, Caller, Gateway, GatewayOptions, Identity, LIMIT, Runner, RunnerOptions};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use test_servers::guest;

/// The plain guest: the bridge `plain`, the target `numbers`.
fn plain() -> Vec<u8> {
    std::fs::read(guest("plain").unwrap()).unwrap()
}

/// The plain guest under another version of as many characters. Its manifest says so in two places: the custom section
/// and what it returns.
fn plain_of_version(version: &str) -> Vec<u8> {
    let (from, to) = (&br#""version": "0.1.0""#[..], format!(r#""version": "{version}""#));
    assert_eq!(from.len(), to.len());
    let mut bytes = plain();
    let places: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, window)| *window == from)
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty(), "the guest's manifest is written otherwise now");
    for at in places {
        bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

/// A gateway, a runner with a folder for modules, and a caller. The source `numbers` is of the bridge `plain`.
struct Stack {
    folder: TempDir,
    gateway: Gateway,
    identity: Identity,
    options: RunnerOptions,
    caller: Caller,
}

impl Stack {
    /// Nothing is mounted and no runner runs yet.
    async fn new() -> Stack {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("connectors")).unwrap();
        let gateway = Gateway::start(GatewayOptions::default()).await.unwrap();
        let identity = gateway.runner("first").await.unwrap();
        gateway.source("numbers", "plain", &identity).await.unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let options = RunnerOptions::default()
            .set("SEMILAYER_CONNECTORS_DIR", path("connectors"))
            .set("SEMILAYER_CACHE_DIR", path("cache"))
            .set("SEMILAYER_CONFIG", path("runner.toml"))
            .set("SEMILAYER_SOURCE_NUMBERS_ROWS", "50");
        std::fs::write(folder.path().join("runner.toml"), "").unwrap();
        let caller = gateway.caller().await.unwrap();
        Stack { folder, gateway, identity, options, caller }
    }

    /// Puts a file into the folder as an operator does: copied beside and renamed.
    fn mount(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let folder = self.folder.path().join("connectors");
        let (unfinished, path) = (folder.join(format!(".{name}.part")), folder.join(name));
        std::fs::write(&unfinished, bytes).unwrap();
        std::fs::rename(&unfinished, &path).unwrap();
        path
    }

    /// What the configuration file says.
    fn configure(&self, text: &str) {
        std::fs::write(self.folder.path().join("runner.toml"), text).unwrap();
    }

    async fn start(&self) -> Runner {
        Runner::start(&self.gateway, &self.identity, &self.options).await.unwrap()
    }

    /// The same, and waits until the module that was not compiled before is served too.
    async fn serve(&self) -> Runner {
        let runner = self.start().await;
        self.gateway.serving(&self.caller, "numbers").await.unwrap();
        runner
    }

    /// `connectors list --json`, and its exit code.
    async fn listed(&self) -> (Option<i32>, Value) {
        let launch = Runner::launch(&self.gateway, &self.identity, &self.options).unwrap();
        let (exit, out, err) = Runner::command(&launch, &["connectors", "list", "--json"]).await.unwrap();
        let code = match exit {
            test_servers::Exit::Code(code) => Some(code),
            _ => None,
        };
        (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}\n{err}")))
    }

    async fn ask(&self, target: &str) -> Answer {
        self.caller
            .ask("numbers", "query", &json!({"target": target, "options": {"limit": 20}}))
            .await
            .unwrap()
    }

    /// What the gateway knows of the bridge.
    async fn manifest(&self) -> Option<Value> {
        let known = self.gateway.admin(Method::GET, "/v1/bridge-manifests", None).await.unwrap();
        let bridges = known["bridges"].as_array().unwrap();
        bridges.iter().find(|bridge| bridge["name"] == "@semilayer/bridge-plain").cloned()
    }

    /// Waits until the gateway has been told of these versions.
    async fn told(&self, versions: &[&str]) {
        let told = async {
            loop {
                let known = self.manifest().await;
                let found = known.map_or(json!([]), |bridge| bridge["versions"].clone());
                if found == json!(versions) {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LIMIT, told).await.expect("the gateway is never told");
    }

    /// The files with machine code.
    fn cached(&self) -> Vec<PathBuf> {
        files(&self.folder.path().join("cache/modules"))
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}
