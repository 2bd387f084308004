//! What a new connector begins as: its own tests pass, and its component passes the suite in the real host.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "a new connector is not bound to the rules of this workspace")]
#[path = "../../../../connectors/sdk/templates/http/tests/server/mod.rs"]
mod http;
#[allow(unreachable_pub, reason = "a new connector is not bound to the rules of this workspace")]
#[path = "../../../../connectors/sdk/templates/tcp/tests/server/mod.rs"]
mod tcp;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use async_trait::async_trait;
use component_tests::Opening;
use connector_api::Session;
use connector_conformance::existing::{ExistingOptions, Sessions, existing};
use connector_host::load::{Compiler, Entries, LoadSettings, LoadedModule, load_file};
use connector_model::error::Result;

/// A template's module with the settings of its server.
struct Fixture {
    module: Arc<LoadedModule>,
    settings: Vec<(&'static str, String)>,
}

#[async_trait]
impl Sessions for Fixture {
    async fn open(&self) -> Result<Box<dyn Session>> {
        let settings: Vec<(&str, &str)> =
            self.settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        Opening::default().session(&*self.module.connector, &settings).await
    }
}

/// Runs the template's own tests and builds its component, beside the other components. Both templates have one name, so
/// that what is built of one is read before the other is built.
fn built(template: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../components");
    for arguments in
        [&["test", "--quiet"][..], &["build", "--quiet", "--release", "--target", "wasm32-wasip2"]]
    {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(arguments).arg("--target-dir").arg(&target);
        cargo.current_dir(root.join("connectors/sdk/templates").join(template));
        let status = cargo.status().unwrap();
        assert!(status.success(), "cargo {} of template {template}: {status}", arguments.join(" "));
    }
    target.join("wasm32-wasip2/release/new_connector.wasm")
}

async fn passes(template: &'static str, settings: Vec<(&'static str, String)>) {
    let file = tokio::task::spawn_blocking(move || built(template)).await.unwrap();
    let load = LoadSettings {
        folder: None,
        cache: None,
        entries: Entries::default(),
        claims: Vec::new(),
        compiler: Compiler::Here,
    };
    let module = load_file(&load, &file).await.unwrap();
    let fixture = Fixture { module, settings };
    let manifest = fixture.module.connector.manifest();
    let options = ExistingOptions { cases: 100, ..Default::default() };
    let report = existing(&fixture, &manifest.package_name, &manifest.capabilities, &options).await.unwrap();
    assert!(report.passed() && report.judged_answers() > 100, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_passes_as_it_is() {
    passes("http", vec![("url", http::start()), ("token", http::TOKEN.to_owned())]).await;
    let port = tcp::start().to_string();
    passes("tcp", vec![("host", "127.0.0.1".to_owned()), ("port", port)]).await;
}
