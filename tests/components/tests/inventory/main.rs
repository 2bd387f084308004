//! The inventory service's connector in the real host: the guide's result, against a service of its own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../../../../connectors/components/inventory/tests/server/mod.rs"]
mod server;

use std::sync::Arc;

use async_trait::async_trait;
use component_tests::{Opening, component, job};
use connector_api::Session;
use connector_conformance::existing::{ExistingOptions, Sessions, existing};
use connector_host::load::LoadedModule;
use connector_model::error::{ErrorCode, Result};
use connector_model::request::Kind;
use serde_json::json;

/// A module, and the URL of a service for it.
struct Fixture {
    module: Arc<LoadedModule>,
    url: String,
}

impl Fixture {
    async fn new() -> Fixture {
        Fixture { module: component("inventory").await.unwrap(), url: server::start() }
    }

    async fn session(&self, token: &str) -> Result<Box<dyn Session>> {
        let settings = [("url", self.url.as_str()), ("token", token), ("pageRows", "80")];
        Opening::default().session(&*self.module.connector, &settings).await
    }
}

#[async_trait]
impl Sessions for Fixture {
    async fn open(&self) -> Result<Box<dyn Session>> {
        self.session(server::TOKEN).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_the_oracles() {
    let fixture = Fixture::new().await;
    let manifest = fixture.module.connector.manifest();
    for target in ["items", "movements"] {
        let options = ExistingOptions { target: Some(target.to_owned()), cases: 100, ..Default::default() };
        let bridge = &manifest.package_name;
        let report = existing(&fixture, bridge, &manifest.capabilities, &options).await.unwrap();
        assert!(report.passed(), "{report}");
        assert!(report.judged_answers() > 100, "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_arrive_as_the_service_has_them() {
    let mut session = Fixture::new().await.session(server::TOKEN).await.unwrap();
    let options = json!({ "where": { "sku": "sku-00004" } });
    let answer = job(&mut *session, Kind::Query, "items", &options).await.unwrap();
    let expected = server::item(4);
    assert_eq!(answer.rows.len(), 1);
    for key in ["sku", "name", "warehouse", "quantity", "price", "dimensions"] {
        assert_eq!(answer.rows[0][key], expected[key], "{key}");
    }
    let all = job(&mut *session, Kind::Query, "items", &json!({})).await.unwrap();
    assert_eq!(all.rows.len() as u64, server::ITEMS);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said() {
    let fixture = Fixture::new().await;
    let refused = fixture.session("wrong").await.err().unwrap();
    assert_eq!(refused.code(), ErrorCode::SourceAuthFailed);
    assert!(refused.message().contains("`token`"), "{refused}");
    let nobody = Fixture { url: "http://127.0.0.1:1".to_owned(), ..fixture };
    let unreachable = nobody.session(server::TOKEN).await.err().unwrap();
    assert_eq!(unreachable.code(), ErrorCode::SourceUnreachable, "{unreachable}");
}
