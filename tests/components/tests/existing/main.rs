//! The suite over a target that exists, through the real host: what `connectors test` does with a module's file.

#![allow(clippy::unwrap_used, reason = "what a test's helper cannot do fails the test")]

use std::path::PathBuf;

use async_trait::async_trait;
use component_tests::Opening;
use connector_api::Session;
use connector_conformance::{ExistingOptions, ExistingReport, Sessions, existing};
use connector_host::load::{Compiler, Entries, LoadSettings, LoadedModule, load_file};
use connector_model::error::{ErrorCode, Result};

/// One module with its settings.
struct Configured<'m> {
    module: &'m LoadedModule,
    settings: &'m [(&'m str, &'m str)],
}

#[async_trait]
impl Sessions for Configured<'_> {
    async fn open(&self) -> Result<Box<dyn Session>> {
        Opening::default().session(&*self.module.connector, self.settings).await
    }
}

async fn tried(guest: &str, settings: &[(&str, &str)], options: &ExistingOptions) -> Result<ExistingReport> {
    let load = LoadSettings {
        folder: None,
        cache: Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("compiled")),
        entries: Entries::default(),
        claims: Vec::new(),
        compiler: Compiler::Here,
    };
    let module = load_file(&load, &test_servers::guest(guest).unwrap()).await.unwrap();
    let sessions = Configured { module: &module, settings };
    existing(&sessions, module.module.bridge(), &module.connector.manifest().capabilities, options).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_module_neither_does_nor_refuses_is_found_with_a_request_to_paste() {
    let report = tried("plain", &[("rows", "120")], &ExistingOptions::default()).await.unwrap();
    assert_eq!((&*report.target, report.rows), ("numbers", 120));
    assert!(!report.passed() && report.judged_answers() > 300, "{report}");
    // It takes an order and does not sort.
    let unsorted = report.differences.iter().find(|found| found.problem.contains("orderByPushdown")).unwrap();
    let request = r#"{"kind":"query","target":"numbers","options":{"orderBy":{"id":"asc"}}}"#;
    assert_eq!(unsorted.request.to_string(), request);
    // Filters it refuses as it should.
    assert!(!report.differences.iter().any(|found| found.problem.contains("wherePushdown")), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_whose_rows_do_not_end_is_refused_and_not_waited_for() {
    let options = ExistingOptions { target: Some("endless-rows".to_owned()), ..ExistingOptions::default() };
    let error = tried("hostile", &[], &options).await.unwrap_err();
    assert!(matches!(error.code(), ErrorCode::ResultTooLarge | ErrorCode::ConnectorFailed), "{error}");
}
