//! What a runner shows that has done work of every sort: every series of docs/metrics.md, and no other.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e_tests::LIMIT;
use reqwest::StatusCode;
use serde_json::json;
use test_servers::{free_port, guest};

use super::Stack;

const PAGE: &str = include_str!("../../../../docs/metrics.md");

/// The names of the page's tables.
fn listed() -> BTreeSet<String> {
    let names = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    names
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("semilayer_") || name.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

async fn metrics(url: &str) -> String {
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    answer.text().await.unwrap()
}

#[tokio::test]
async fn a_runner_that_has_done_work_of_every_sort_shows_every_series_of_the_page_and_no_other() {
    let mut stack = Stack::new().await;
    let shop = stack.folder.path().join("shop.db");
    rusqlite::Connection::open(&shop)
        .unwrap()
        .execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);")
        .unwrap();
    for (name, bridge) in [("shop", "sqlite"), ("dead", "postgres"), ("evil", "hostile")] {
        stack.gateway.source(name, bridge, &stack.identity).await.unwrap();
    }
    stack.mount("hostile.wasm", &std::fs::read(guest("hostile").unwrap()).unwrap());
    stack.mount("broken.wasm", b"no module");
    let (dead, collector) = (free_port().unwrap(), free_port().unwrap());
    stack.options = stack
        .options
        .clone()
        .set("SEMILAYER_SOURCE_SHOP_PATH", shop.display().to_string())
        .set("SEMILAYER_SOURCE_DEAD_URL", format!("postgres://u:hunter2@127.0.0.1:{dead}/x"))
        .set("SEMILAYER_SOURCE_EVIL_MODE", "honest")
        .set("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{collector}"))
        .set("PORT", "0");
    let runner = stack.start().await;
    let line = runner.process().wait_for_line("health: http://0.0.0.0:", LIMIT).await.unwrap();
    let port = line.rsplit_once(':').unwrap().1.trim().trim_end_matches("/health").to_owned();
    let url = format!("http://127.0.0.1:{port}/metrics");

    stack.gateway.serving(&stack.caller, "shop").await.unwrap();
    // A module that has to be compiled is served a little later.
    stack.gateway.serving(&stack.caller, "evil").await.unwrap();
    let ask = async |source: &str, target: &str| {
        stack.caller.ask(source, "query", &json!({"target": target, "options": {}})).await.unwrap()
    };
    assert_eq!(ask("shop", "t").await.status, StatusCode::OK);
    assert_eq!(ask("shop", "no-such-table").await.code(), "INVALID_TARGET");
    assert_eq!(ask("dead", "t").await.code(), "SOURCE_UNREACHABLE");
    // As often as it takes to be left alone.
    for _ in 0..5 {
        assert_eq!(ask("evil", "panics").await.code(), "CONNECTOR_FAILED");
    }
    stack.gateway.crash_and_restart().await.unwrap();
    stack.gateway.serving(&stack.caller, "shop").await.unwrap();

    let text = metrics(&url).await;
    let shown: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, _)| name.to_owned())
        .collect();
    let listed = listed();
    let missing: Vec<&String> = listed.difference(&shown).collect();
    assert!(missing.is_empty(), "docs/metrics.md lists what is not shown: {missing:?}\n{text}");
    let unlisted: Vec<&String> = shown.difference(&listed).collect();
    assert!(unlisted.is_empty(), "shown and not in docs/metrics.md: {unlisted:?}");
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let name = line.split(['{', ' ']).next().unwrap();
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        assert!(shown.contains(name) || base.is_some_and(|base| shown.contains(base)), "{line}");
    }

    let has = |line: &str| assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
    has("semilayer_source_up{source=\"dead\"} 0");
    has("semilayer_pool_breaker_open{source=\"dead\"} 1");
    has("semilayer_source_up{source=\"shop\"} 1");
    has("semilayer_connector_parked_total{connector=\"hostile\"} 1");
    has("semilayer_connector_modules{state=\"loaded\"} 1");
    has("semilayer_connector_modules{state=\"refused\"} 1");
    has("semilayer_gateway_reconnects_total 1");
    has("semilayer_connector_instances{connector=\"hostile\"} 0");
    assert!(!text.contains("hunter2"));

    // The series of a source whose jobs go on do not stand still.
    let before = text
        .lines()
        .find(|line| line.starts_with("semilayer_job_rows_total{source=\"shop\"}"))
        .unwrap()
        .to_owned();
    assert_eq!(ask("shop", "t").await.status, StatusCode::OK);
    let grown = async {
        while metrics(&url).await.lines().any(|line| line == before) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, grown).await.expect("rows are counted");
}
