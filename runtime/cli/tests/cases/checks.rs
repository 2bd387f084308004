//! `doctor`, against gateways and files that are there, and ones that are not.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::gateway::Gateway;
use crate::support::program::{TOKEN, database, run};

/// A gateway's door: HTTP answers `/health`, a WebSocket upgrade is refused with this status. Returns its port.
async fn door(status: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap() > 0 {}
            let status = if head.starts_with(b"GET /health ") { "404 Not Found" } else { status };
            let date = "Date: Mon, 01 Jan 2001 00:00:00 GMT";
            let answer =
                format!("HTTP/1.1 {status}\r\n{date}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    port
}

fn variables<'v>(url: &'v str, more: &[(&'v str, &'v str)]) -> Vec<(&'v str, &'v str)> {
    let own = [
        ("SEMILAYER_RUNNER_ID", "3f2a9c1e-1111-4222-8333-444444444444"),
        ("SEMILAYER_RUNNER_TOKEN", TOKEN),
        ("SEMILAYER_GATEWAY_URL", url),
    ];
    own.into_iter().chain(more.iter().copied()).collect()
}

/// The text with times and ports taken out.
fn stable(text: &str, port: u16) -> String {
    let text = text.replace(&format!(":{port}"), ":PORT");
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = match line.rsplit_once("  (") {
            Some((before, time)) if time.ends_with(" ms)") => format!("{before}  (TIME)"),
            _ => line.to_owned(),
        };
        lines.push(line);
    }
    lines.join("\n")
}

#[tokio::test]
async fn offline_a_healthy_source_is_told_stage_by_stage() {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let set = variables("ws://127.0.0.1:1", &[("SEMILAYER_SOURCE_SHOP_PATH", &file)]);
    let ended = run(folder.path(), &["doctor", "--offline"], &set).await;
    insta::assert_snapshot!(stable(&ended.out, 0).replace(rusqlite::version(), "VERSION"), @r#"
    ✓ config loaded (runner 3f2a9c1e…) — env vars resolved
    - reachable, handshake, assignment  left out (--offline)
    ✓ shop  config  sqlite, from SEMILAYER_SOURCE_SHOP_PATH
    ✓ shop  auth  "shop.db" opens  (TIME)
    ✓ shop  query  SQLite VERSION, 1 tables and views  (TIME)
    ✓ shop  read-only  opened read-only  (TIME)
    Runner environment looks healthy. Run semilayer-runner start to connect.
    "#);
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
}

#[tokio::test]
async fn a_gateway_that_is_down_is_1_and_sources_are_still_checked() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("ws://127.0.0.1:{port}/connect");
    let set = variables(&url, &[("SEMILAYER_SOURCE_SHOP_PATH", "/nowhere/shop.db")]);
    let ended = run(folder.path(), &["doctor"], &set).await;
    insta::assert_snapshot!(stable(&ended.out, port), @r#"
    ✓ config loaded (runner 3f2a9c1e…) — env vars resolved
    ✗ reachable  http://127.0.0.1:PORT/health — 127.0.0.1:PORT: connection refused
        → nothing accepts connections there: check host and port of SEMILAYER_GATEWAY_URL, and that the gateway is running
    - handshake, assignment  not tried: the gateway cannot be reached
    ✓ shop  config  sqlite, from SEMILAYER_SOURCE_SHOP_PATH
    ✗ shop  auth  the database file "shop.db" does not exist; correct `path`, or put the file there (it is never created)  (TIME)
    - shop  query, read-only  not tried: auth failed
    2 checks failed.
    "#);
    assert_eq!(ended.code, Some(1));
}

#[tokio::test]
async fn refused_credentials_and_a_wrong_clock_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let port = door("401 Unauthorized").await;
    let url = format!("ws://127.0.0.1:{port}/connect");
    let ended = run(folder.path(), &["doctor"], &variables(&url, &[])).await;
    assert_eq!(ended.code, Some(1), "{}", ended.out);
    assert!(
        ended.out.contains(&format!("✓ reachable  http://127.0.0.1:{port}/health → 404\n")),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("✗ handshake  the gateway refused the upgrade with HTTP 401\n"),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("! clock  this machine's clock is ")
            && ended.out.contains(" ahead of the gateway's")
    );
    assert!(!ended.out.contains("hunter2"));
}

#[tokio::test]
async fn a_broken_configuration_is_2_and_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["doctor", "--offline"], &[("SEMILAYER_RUNNER_ID", "a")]).await;
    assert!(
        ended.out.starts_with("✗ config: no runner token: set --token or SEMILAYER_RUNNER_TOKEN"),
        "{}",
        ended.out
    );
    assert_eq!((ended.code, &*ended.err), (Some(2), ""));
    let set = [("SEMILAYER_RUNNER_ID", "a"), ("SEMILAYER_SOURCE_X_URL", "sqlite:///nowhere")];
    let ended = run(folder.path(), &["doctor", "--json"], &set).await;
    let json: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&json["exitCode"], &json["failures"]), (&Value::from(2), &Value::from(2)), "{json:#}");
    assert_eq!(ended.code, Some(2));
}

#[tokio::test]
async fn one_source_can_be_asked_for_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let set = variables(
        "ws://127.0.0.1:1",
        &[("SEMILAYER_SOURCE_MY_SHOP_PATH", &file), ("SEMILAYER_SOURCE_BAD_URL", "sqlite:///nowhere")],
    );
    let ended = run(folder.path(), &["doctor", "--offline", "--source", "my-shop"], &set).await;
    assert_eq!(ended.code, Some(0), "{}", ended.out);
    assert!(
        ended.out.ends_with("Runner environment looks healthy. Run semilayer-runner start to connect.\n")
    );
    let ended = run(folder.path(), &["doctor", "--offline", "--source", "shop"], &set).await;
    assert_eq!(ended.code, Some(3), "{}", ended.out);
    assert!(ended.out.contains("set SEMILAYER_SOURCE_SHOP_URL"), "{}", ended.out);
}

#[tokio::test]
async fn a_password_in_a_url_that_does_not_work_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://app:hunter2@127.0.0.1:{port}/shop");
    let set = variables("ws://127.0.0.1:1", &[("SEMILAYER_SOURCE_PG_URL", &url)]);
    let ended = run(folder.path(), &["doctor", "--offline"], &set).await;
    assert_eq!(ended.code, Some(3), "{}", ended.out);
    assert!(ended.out.contains("✗ pg  tcp  127.0.0.1:"), "{}", ended.out);
    assert!(ended.out.contains("→ nothing accepts connections there"), "{}", ended.out);
    assert!(!ended.out.contains("hunter2"), "{}", ended.out);
}

#[tokio::test]
async fn every_report_keeps_to_the_published_schema() {
    let schema: Value = serde_json::from_str(include_str!("../../../../docs/doctor.schema.json")).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    std::fs::write(folder.path().join("script.wasm"), "#!/bin/sh").unwrap();
    let modules = folder.path().to_str().unwrap();
    let port = door("401 Unauthorized").await;
    let url = format!("ws://127.0.0.1:{port}/connect");
    let sources = [
        ("SEMILAYER_SOURCE_SHOP_PATH", &*file),
        ("SEMILAYER_SOURCE_GONE_URL", "sqlite:///nowhere.db"),
        ("SEMILAYER_SOURCE_HALF_URL", "mystery://x"),
        ("SEMILAYER_CONNECTORS_DIR", modules),
        ("SEMILAYER_MAX_JOB", "1"),
    ];
    let everything = variables(&url, &sources);
    for (arguments, set) in [
        (&["doctor", "--json"][..], &everything[..]),
        (&["doctor", "--json", "--offline"], &everything[..]),
        (&["doctor", "--json", "--source", "nowhere"], &everything[..3]),
        (&["doctor", "--json"], &[]),
        (&["doctor", "--json", "--config", "/nowhere.toml"], &[]),
    ] {
        let ended = run(folder.path(), arguments, set).await;
        let report: Value = serde_json::from_str(&ended.out).unwrap();
        let wrong: Vec<String> = schema.iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{arguments:?}: {wrong:#?}\n{report:#}");
        assert_eq!(report["exitCode"], ended.code.unwrap());
    }
}

#[tokio::test]
async fn a_gateway_of_another_protocol_version_is_told_with_what_to_update() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/connect", listener.local_addr().unwrap());
    let gateway = tokio::spawn(async move {
        let (mut asked, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") && asked.read_buf(&mut head).await.unwrap() > 0 {}
        asked.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        drop(asked);
        let session = Gateway::from(listener).accept().await;
        session.close(4409, "unsupported version").await;
    });
    let ended = run(folder.path(), &["doctor"], &variables(&url, &[])).await;
    gateway.await.unwrap();
    assert_eq!(ended.code, Some(1), "{}", ended.out);
    assert!(
        ended.out.contains("✗ handshake  the gateway does not speak protocol version 1"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("update the older of the two"), "{}", ended.out);
}
