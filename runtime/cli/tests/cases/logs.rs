//! The log's lines as JSON, and that nothing listens unasked.

use std::collections::HashSet;
use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::gateway::{Gateway, job, local};
use crate::support::program::{Running, TOKEN, database};

#[tokio::test]
async fn every_json_line_is_an_object_that_has_what_the_text_says_as_fields() {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let gateway = Gateway::open().await;
    let url = gateway.url();
    let variables = [
        ("SEMILAYER_RUNNER_TOKEN", TOKEN),
        ("SEMILAYER_RUNNER_ID", "3f2a9c1e-1111-4222-8333-444444444444"),
        ("SEMILAYER_GATEWAY_URL", &*url),
        ("SEMILAYER_SOURCE_SHOP_PATH", &*file),
        ("SEMILAYER_LOG_FORMAT", "json"),
        ("PORT", "0"),
    ];
    let mut runner = Running::start(folder.path(), &[], &variables);
    let shop = local("shop", "sqlite");
    let (session, _) = gateway.greet(json!([shop])).await;
    session.close(4408, "stale").await;
    let (mut session, _) = gateway.greet(json!([shop])).await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let options = json!({"limit": 2, "traceparent": parent});
    session.send(job("11111111-2222", &shop, "query", Some("things"), options)).await;
    session.answer("11111111-2222").await;
    session.send(job("bad", &shop, "query", Some("thongs"), json!({}))).await;
    session.answer("bad").await;
    runner.logged("→ error bad").await;
    runner.signal(Signal::TERM);
    let ended = runner.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.out);
    let lines: Vec<Value> = ended
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for line in &lines {
        assert!(
            line["message"].is_string() && line["level"].is_string() && line["target"].is_string(),
            "{line}"
        );
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
    }
    let field = |message: &str, name: &str| {
        let line = lines.iter().find(|line| line["message"].as_str().unwrap().starts_with(message));
        line.unwrap_or_else(|| panic!("never logged: {message}\n{}", ended.out))[name].clone()
    };
    let start = format!("semilayer-runner 3f2a9c1e… → {url}");
    assert_eq!(field(&start, "runner"), "3f2a9c1e-1111-4222-8333-444444444444");
    assert_eq!(field(&start, "gateway"), url);
    assert!(field("capabilities: ", "capabilities").as_str().unwrap().contains("bridge-sqlite"));
    assert!(field("health: http://0.0.0.0:", "url").as_str().unwrap().ends_with("/health"));
    assert_eq!(field("→ connected, awaiting jobs", "sources"), 1);
    assert_eq!(field("⚠ disconnected: closed by the gateway: 4408 stale", "cause"), "closed");
    assert_eq!(field("⚠ disconnected: ", "reason"), "closed by the gateway: 4408 stale");
    for message in ["← job 11111111", "→ done 11111111"] {
        assert_eq!(field(message, "job"), "11111111");
        assert_eq!(field(message, "source"), "shop");
        assert_eq!(field(message, "kind"), "query");
        assert_eq!(field(message, "trace"), "4bf92f3577b34da6a3ce929d0e0e4736");
    }
    assert_eq!(field("→ done 11111111", "rows"), 2);
    assert!(field("→ done 11111111", "bytes").is_u64() && field("→ done 11111111", "ms").is_u64());
    assert_eq!(field("→ error bad", "code"), "INVALID_TARGET");
    assert!(field("→ error bad", "error").is_string() && field("→ error bad", "trace").is_null());
    assert_eq!(field("SIGTERM received, stopping runner…", "signal"), "SIGTERM");
}

/// The sockets of a process that wait for connections (proc(5), `/proc/net/tcp`: state 0A).
fn listening(pid: u32) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let own: HashSet<String> = descriptors
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    assert!(!own.is_empty(), "a connected runner has a socket");
    let tables =
        ["tcp", "tcp6"].map(|name| fs::read_to_string(format!("/proc/{pid}/net/{name}")).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    lines
        .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields[3] == "0A" && own.contains(fields[9]))
        .count()
}

#[tokio::test]
async fn nothing_listens_without_a_port_also_with_a_collector() {
    let folder = tempfile::tempdir().unwrap();
    for (port, expected) in [("", 0), ("0", 1)] {
        let gateway = Gateway::open().await;
        let url = gateway.url();
        let variables = [
            ("SEMILAYER_RUNNER_TOKEN", TOKEN),
            ("SEMILAYER_RUNNER_ID", "edge"),
            ("SEMILAYER_GATEWAY_URL", &*url),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
            ("SEMILAYER_METRICS", "on"),
            ("PORT", port),
        ];
        let mut runner = Running::start(folder.path(), &[], &variables);
        let (_session, _) = gateway.greet(json!([])).await;
        runner.logged("→ connected").await;
        assert_eq!(listening(runner.pid()), expected, "PORT={port}");
    }
}
