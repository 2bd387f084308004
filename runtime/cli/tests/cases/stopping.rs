//! Stopping, and what the health endpoints say meanwhile.

use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::gateway::{Gateway, job, local};
use crate::support::program::{Running, TOKEN, database};

/// Status and body.
pub(crate) async fn get(port: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned())
}

/// A query that keeps SQLite busy until it is stopped.
fn endless(id: &str, source: &serde_json::Value) -> serde_json::Value {
    job(id, source, "query", Some("endless"), json!({}))
}

fn with_endless_view(file: &str) {
    let connection = rusqlite::Connection::open(file).unwrap();
    let sql = "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n";
    connection.execute_batch(sql).unwrap();
}

struct Setup {
    runner: Running,
    gateway: Gateway,
    port: String,
    _folder: tempfile::TempDir,
}

async fn setup(drain_seconds: &str) -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    with_endless_view(&file);
    let gateway = Gateway::open().await;
    let url = gateway.url();
    let variables = [
        ("SEMILAYER_RUNNER_TOKEN", TOKEN),
        ("SEMILAYER_RUNNER_ID", "edge"),
        ("SEMILAYER_GATEWAY_URL", &*url),
        ("SEMILAYER_SOURCE_SHOP_PATH", &*file),
        ("SEMILAYER_DRAIN_SECONDS", drain_seconds),
        ("PORT", "0"),
    ];
    let mut runner = Running::start(folder.path(), &[], &variables);
    let line = runner.logged("health: http://0.0.0.0:").await;
    let port = line.rsplit_once(':').unwrap().1.trim_end_matches("/health").to_owned();
    Setup { runner, gateway, port, _folder: folder }
}

#[tokio::test]
async fn a_job_in_flight_keeps_the_drain_waiting_and_a_second_signal_ends_it() {
    let Setup { mut runner, gateway, port, _folder } = setup("600").await;
    let (status, body) = get(&port, "/readyz").await;
    assert_eq!((&*status, &*body), ("503", r#"{"ok":false,"reason":"connecting to the gateway"}"#));
    let shop = local("shop", "sqlite");
    let (mut session, _) = gateway.greet(json!([shop])).await;
    runner.logged("→ connected").await;
    assert_eq!(get(&port, "/readyz").await.0, "200");
    assert_eq!(get(&port, "/health").await, ("200".to_owned(), r#"{"ok":true}"#.to_owned()));
    assert_eq!(get(&port, "/livez").await.0, "200");
    assert_eq!(get(&port, "/metrics").await.0, "200");
    assert_eq!(get(&port, "/elsewhere").await.0, "404");

    session.send(endless("long", &shop)).await;
    runner.logged("← job long").await;
    runner.signal(Signal::TERM);
    runner.logged("SIGTERM received, stopping runner…").await;
    session.frame("draining").await;
    let (status, body) = get(&port, "/readyz").await;
    assert_eq!((&*status, &*body), ("503", r#"{"ok":false,"reason":"draining"}"#));
    session.send(endless("late", &shop)).await;
    let (_, error) = session.answer("late").await;
    assert_eq!((&error["code"], &error["retryable"]), (&json!("RUNNER_DRAINING"), &json!(true)));

    runner.signal(Signal::TERM);
    let (_, error) = session.answer("long").await;
    assert_eq!((&error["code"], &error["retryable"]), (&json!("RUNNER_DRAINING"), &json!(true)), "{error}");
    let ended = runner.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.out);
    assert!(ended.out.contains("SIGTERM received again"), "{}", ended.out);
}

#[tokio::test]
async fn the_drain_time_bounds_the_jobs_in_flight() {
    let Setup { mut runner, gateway, _folder, .. } = setup("0").await;
    let shop = local("shop", "sqlite");
    let (mut session, _) = gateway.greet(json!([shop])).await;
    session.send(endless("long", &shop)).await;
    runner.logged("← job long").await;
    runner.signal(Signal::TERM);
    let (_, error) = session.answer("long").await;
    assert_eq!((&error["code"], &error["retryable"]), (&json!("RUNNER_DRAINING"), &json!(true)), "{error}");
    let ended = runner.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.out);
    assert!(ended.out.contains("in_flight=1 cancelled=1"), "{}", ended.out);
}
