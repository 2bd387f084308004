//! Configurations that the gateway sends: what they reach is the operator's choice, not the gateway's.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::gateway::{Gateway, Session, job, managed};
use crate::support::program::{Running, TOKEN, database};

const HOSTS: &str = "SEMILAYER_MANAGED_ALLOW_HOSTS";
const FILES: &str = "SEMILAYER_MANAGED_ALLOW_FILES";

/// A port where something listens that is no database: it closes what it has counted.
async fn port() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let reached = Arc::new(AtomicUsize::new(0));
    let counted = reached.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, SeqCst);
            drop(stream);
        }
    });
    (port, reached)
}

/// The program under these settings, with these sources assigned to it.
async fn serving(folder: &Path, settings: &[(&str, &str)], sources: &[Value]) -> (Running, Session) {
    let gateway = Gateway::open().await;
    let url = gateway.url();
    let own = [
        ("SEMILAYER_RUNNER_ID", "edge"),
        ("SEMILAYER_RUNNER_TOKEN", TOKEN),
        ("SEMILAYER_GATEWAY_URL", &*url),
    ];
    let variables: Vec<_> = own.into_iter().chain(settings.iter().copied()).collect();
    let runner = Running::start(folder, &[], &variables);
    let (session, _) = gateway.greet(json!(sources)).await;
    (runner, session)
}

async fn ask(session: &mut Session, source: &Value) -> (Vec<Value>, Value) {
    let id = source["name"].as_str().unwrap();
    session.send(job(id, source, "query", Some("things"), json!({"limit": 2}))).await;
    session.answer(id).await
}

#[track_caller]
fn assert_refused(source: &Value, (chunks, end): &(Vec<Value>, Value), setting: &str) {
    assert_eq!((&end["code"], &end["retryable"]), (&json!("POLICY_DENIED"), &json!(false)), "{source} {end}");
    assert!(end["message"].as_str().unwrap().contains(setting), "{source} {end}");
    assert!(chunks.is_empty());
}

fn postgres(name: &str, config: Value) -> Value {
    managed(name, "@semilayer/bridge-postgres", config)
}

/// Where a PostgreSQL source is, by host and port.
fn login(host: &str, port: u16) -> Value {
    json!({"host": host, "port": port, "user": "u", "database": "d"})
}

/// A source whose certificate authority is in a file of this machine.
fn with_authority_file(folder: &Path, port: u16) -> Value {
    let file = folder.join("ca.pem");
    std::fs::write(&file, "secret-file").unwrap();
    let mut config = login("127.0.0.1", port);
    config["sslmode"] = json!("verify-ca");
    config["sslrootcert"] = json!(file);
    postgres("authority", config)
}

#[tokio::test]
async fn without_a_setting_nothing_of_this_machine_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let (port, reached) = port().await;
    let sockets = folder.path().to_str().unwrap();
    let refused = [
        (HOSTS, postgres("metadata", json!({"url": "postgres://u:p@169.254.169.254/d"}))),
        (HOSTS, postgres("mapped", json!({"url": "postgres://u:p@[::ffff:169.254.169.254]/d"}))),
        (HOSTS, postgres("loopback", login("127.0.0.1", port))),
        (HOSTS, postgres("localhost", login("localhost", port))),
        (FILES, managed("file", "@semilayer/bridge-sqlite", json!({"path": file}))),
        (FILES, managed("missing", "sqlite", json!({"path": "/nowhere/shop.db"}))),
        (FILES, postgres("socket", login(sockets, port))),
        (FILES, with_authority_file(folder.path(), port)),
    ];
    let sources = refused.clone().map(|(_, source)| source);
    let (_runner, mut session) = serving(folder.path(), &[], &sources).await;
    for (setting, source) in &refused {
        let answer = ask(&mut session, source).await;
        assert_refused(source, &answer, setting);
    }
    assert_eq!(reached.load(SeqCst), 0);
}

#[tokio::test]
async fn a_setting_opens_what_it_names_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let real = folder.path().canonicalize().unwrap();
    let (port, reached) = port().await;
    let glob = format!("{}/*.db", real.display());
    let loopback = postgres("loopback", login("127.0.0.1", port));
    let metadata = postgres("metadata", json!({"url": "postgres://u:p@169.254.169.254/d"}));
    let shop = managed("shop", "@semilayer/bridge-sqlite", json!({"path": file}));
    let other = managed("other", "sqlite", json!({"path": "/etc/hostname"}));
    let sockets = postgres("socket", login(real.to_str().unwrap(), port));
    let authority = with_authority_file(folder.path(), port);
    let sources = [&loopback, &metadata, &shop, &other, &sockets, &authority].map(Value::clone);
    let settings = [(HOSTS, "127.0.0.1"), (FILES, &*glob)];
    let (_runner, mut session) = serving(folder.path(), &settings, &sources).await;

    let (_, error) = ask(&mut session, &loopback).await;
    assert_eq!(error["code"], "SOURCE_UNREACHABLE", "the port was reached, and is no database: {error}");
    assert!(reached.load(SeqCst) > 0);
    let (chunks, done) = ask(&mut session, &shop).await;
    assert_eq!(done["type"], "done", "{done}");
    let rows: Vec<_> = chunks.iter().flat_map(|chunk| chunk["rows"].as_array().unwrap()).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0], &json!({"id": 1, "name": "secret-row-1"}));

    for (setting, source) in [(HOSTS, metadata), (FILES, other), (FILES, sockets), (FILES, authority)] {
        let answer = ask(&mut session, &source).await;
        assert_refused(&source, &answer, setting);
    }
}
