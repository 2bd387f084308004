//! The inventory service's connector in the real host: the guide's result, against a service of its own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../../../../connectors/components/inventory/tests/server/mod.rs"]
mod server;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use async_trait::async_trait;
use component_tests::job::job_into;
use component_tests::{Opening, component, job};
use connector_api::{CallContext, Chunks, Session};
use connector_conformance::existing::{ExistingOptions, Sessions, existing};
use connector_host::load::LoadedModule;
use connector_model::error::{ErrorCode, Result};
use connector_model::json::Envelope;
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

/// A service whose one page holds all of these items.
fn large_page(items: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let items: Arc<str> = items.into();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let items = Arc::clone(&items);
            std::thread::spawn(move || answer(&stream, &items));
        }
    });
    url
}

/// One request after the other on one connection.
fn answer(mut stream: &TcpStream, items: &str) {
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(first)) = lines.next() {
        while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        let body = if first.contains("/health") { r#"{"version":"2.1"}"# } else { items };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).is_err() {
            return;
        }
    }
}

/// Keeps the size of every chunk.
#[derive(Default)]
struct Sizes {
    chunks: Vec<usize>,
}

#[async_trait]
impl Chunks for Sizes {
    fn envelope(&self) -> Envelope {
        Envelope::default()
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
        self.chunks.push(chunk.len());
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_many_megabytes_goes_out_batch_by_batch() {
    const ITEMS: u64 = 35_000;

    let item = |id: u64| {
        let mut item = server::item(id);
        item["name"] = "n".repeat(250).into();
        item.to_string()
    };
    let items: Vec<String> = (1..=ITEMS).map(item).collect();
    let url = large_page(format!("[{}]", items.join(",")));
    let module = component("inventory").await.unwrap();
    let settings = [("url", url.as_str()), ("pageRows", "1000000")];
    let mut session = Opening::default().session(&*module.connector, &settings).await.unwrap();
    let mut sizes = Sizes::default();
    let cx = CallContext::within(component_tests::open::LIMIT);
    job_into(&mut *session, Kind::Query, "items", &json!({}), &cx, &mut sizes).await.unwrap();
    let all: usize = sizes.chunks.iter().sum();
    assert!(all > 12 * 1024 * 1024, "{all} bytes");
    assert!(sizes.chunks.iter().all(|size| *size < 256 * 1024), "{:?}", sizes.chunks.iter().max());
}
