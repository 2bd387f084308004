//! Jobs, end to end.

use serde_json::json;

use crate::support::gateway::{Gateway, job, local, managed};
use crate::support::program::{Running, TOKEN, database};

#[tokio::test]
async fn a_job_on_a_file_is_served_from_hello_to_done() {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let gateway = Gateway::open().await;
    let url = gateway.url();
    let mut runner = Running::start(
        folder.path(),
        &["start"],
        &[
            ("SEMILAYER_RUNNER_ID", "3f2a9c1e-1111-4222-8333-444444444444"),
            ("SEMILAYER_RUNNER_TOKEN", TOKEN),
            ("SEMILAYER_GATEWAY_URL", &url),
            ("SEMILAYER_SOURCE_SHOP_PATH", &file),
            ("SEMILAYER_SOURCE_OTHER_URL", "sqlite:///nowhere"),
            ("SEMILAYER_RUNNER_VERSION", "2026-11"),
        ],
    );
    let shop = local("shop", "@semilayer/bridge-sqlite");
    let (mut session, hello) = gateway.greet(json!([shop, local("lost-db", "postgres")])).await;
    assert_eq!(hello["version"], 1);
    assert_eq!(hello["runnerId"], "3f2a9c1e-1111-4222-8333-444444444444");
    let drivers = semilayer_runner::drivers::served();
    let served: Vec<&str> =
        drivers.iter().map(|one| one.connector.manifest().package_name.as_ref()).collect();
    assert_eq!(hello["capabilities"], json!(served));
    assert_eq!(hello["runtimeVersion"], format!("{} (2026-11)", env!("CARGO_PKG_VERSION")));
    assert_eq!(hello["limits"]["maxConcurrentJobs"], 256);

    let query = json!({"where": {"id": {"$gt": 990}}, "orderBy": [{"field": "id", "dir": "asc"}], "limit": 3, "includeTotal": true});
    session.send(job("11111111-2222", &shop, "query", Some("things"), query)).await;
    let (chunks, done) = session.answer("11111111-2222").await;
    let rows: Vec<_> = chunks.iter().flat_map(|chunk| chunk["rows"].as_array().unwrap().clone()).collect();
    assert_eq!(rows.len(), 3, "{done}");
    assert_eq!(rows[0], json!({"id": 991, "name": "secret-row-991"}));
    assert_eq!(done["type"], "done", "{done}");
    assert_eq!(done["meta"]["count"], 3);
    assert_eq!(done["meta"]["total"], 10);
    assert!(done["meta"]["nextCursor"].is_string(), "{done}");

    session.send(job("count", &shop, "count", Some("things"), json!({}))).await;
    let (chunks, done) = session.answer("count").await;
    assert_eq!(chunks.len(), 1);
    assert_eq!((&chunks[0]["total"], &chunks[0]["rows"]), (&json!(1000), &json!([])));
    assert_eq!(done["type"], "done");

    session.send(job("bad", &shop, "query", Some("thongs"), json!({}))).await;
    let (_, error) = session.answer("bad").await;
    assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("INVALID_TARGET")));
    assert_eq!(error["retryable"], false);

    session.send(job("lost", &local("lost-db", "postgres"), "test", None, json!({}))).await;
    let (_, error) = session.answer("lost").await;
    assert_eq!(error["code"], "SOURCE_NOT_CONFIGURED");
    assert!(error["message"].as_str().unwrap().contains("SEMILAYER_SOURCE_LOST_DB_URL"), "{error}");

    runner.logged("→ error lost").await;
    runner.signal(rustix::process::Signal::TERM);
    let ended = runner.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.out);
    for token in [
        &*format!(" INFO semilayer-runner 3f2a9c1e… → {url}"),
        &*format!(" INFO capabilities: {}", served.join(", ")),
        " INFO → connected, awaiting jobs",
        " INFO ← job 11111111 ",
        " INFO → done 11111111 ",
        " INFO → error bad ",
        " INFO SIGTERM received, stopping runner…",
        " WARN the source \"lost-db\" is assigned to this runner and not configured: set SEMILAYER_SOURCE_LOST_DB_URL",
        " WARN SEMILAYER_SOURCE_OTHER_URL is set, and no source reads it",
    ] {
        assert!(ended.out.contains(token), "{token}\n{}", ended.out);
    }
    assert!(!ended.out.contains("secret-row") && !ended.out.contains("hunter2"), "{}", ended.out);
    assert_eq!(ended.err, "");
}

#[tokio::test]
async fn json_lines_have_the_same_words_and_fields() {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let gateway = Gateway::open().await;
    let variables = [
        ("SEMILAYER_RUNNER_TOKEN", TOKEN),
        ("SEMILAYER_SOURCE_SHOP_PATH", file.as_str()),
        ("SEMILAYER_LOG_FORMAT", "json"),
    ];
    let mut runner =
        Running::start(folder.path(), &["--id", "edge", "--gateway", &gateway.url()], &variables);
    let shop = local("shop", "sqlite");
    let (mut session, _) = gateway.greet(json!([shop])).await;
    session.send(job("1", &shop, "query", Some("things"), json!({"limit": 2}))).await;
    session.answer("1").await;
    let line = runner.logged("→ done").await;
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["message"], "→ done 1");
    assert_eq!(
        (&event["source"], &event["kind"], &event["rows"]),
        (&json!("shop"), &json!("query"), &json!(2))
    );
    assert!(event["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
    assert_eq!(event["level"], "INFO");
}

#[tokio::test]
async fn nothing_secret_is_logged_at_the_lowest_level() {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let gateway = Gateway::open().await;
    let url = format!("{}?token=rk_hunter2-in-the-url", gateway.url());
    let variables = [
        ("SEMILAYER_RUNNER_ID", "edge"),
        ("SEMILAYER_RUNNER_TOKEN", TOKEN),
        ("SEMILAYER_GATEWAY_URL", &*url),
        ("SEMILAYER_SOURCE_SHOP_PATH", &*file),
        ("SEMILAYER_SOURCE_DEAD_URL", "postgres://app:hunter2@127.0.0.1:1/x"),
        ("SEMILAYER_LOG", "trace"),
    ];
    let mut runner = Running::start(folder.path(), &[], &variables);
    let (shop, dead) = (local("shop", "sqlite"), local("dead", "postgres"));
    let managed = managed("managed", "postgres", json!({"url": "postgres://app:hunter2@127.0.0.1:1/x"}));
    let (mut session, _) = gateway.greet(json!([shop, dead, managed])).await;
    let options = json!({"where": {"name": "hunter2-parameter"}});
    session.send(job("1", &shop, "query", Some("things"), options.clone())).await;
    session.send(job("2", &dead, "query", Some("things"), options.clone())).await;
    session.send(job("3", &managed, "query", Some("things"), options)).await;
    session.send(json!({"type": "job", "id": "4", "params": "hunter2"})).await;
    session.send(json!({"hunter2": 1})).await;
    assert_eq!(session.answer("1").await.1["type"], "done");
    assert_eq!(session.answer("3").await.1["code"], "POLICY_DENIED");
    runner.logged("→ error 3").await;
    session.send(job("5", &shop, "read", Some("things"), json!({"limit": 1}))).await;
    session.answer("5").await;
    runner.logged("→ done 5").await;
    runner.signal(rustix::process::Signal::INT);
    let ended = runner.ended().await;
    assert_eq!(ended.code, Some(0));
    assert!(ended.out.contains("SIGINT received, stopping runner…"));
    assert!(!ended.out.contains("hunter2"), "{}", ended.out);
    assert!(!ended.out.contains("secret-row"), "{}", ended.out);
    assert!(ended.out.contains("POLICY_DENIED") && ended.out.contains("SOURCE_UNREACHABLE"), "{}", ended.out);
}

#[tokio::test]
async fn the_file_is_read_again_at_sighup_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let config = folder.path().join("runner.toml");
    let path = config.to_str().unwrap();
    std::fs::write(&config, "[sources.shop]\npath = \"/nowhere/shop.db\"\n").unwrap();
    let gateway = Gateway::open().await;
    let url = gateway.url();
    let variables = [("SEMILAYER_RUNNER_TOKEN", TOKEN), ("SEMILAYER_CONFIG", path)];
    let mut runner = Running::start(folder.path(), &["--id", "edge", "--gateway", &url], &variables);
    let shop = local("shop", "sqlite");
    let (mut session, _) = gateway.greet(json!([shop])).await;
    session.send(job("1", &shop, "test", None, json!({}))).await;
    assert_eq!(session.answer("1").await.1["code"], "SOURCE_UNREACHABLE");

    std::fs::write(&config, format!("[sources.shop]\npath = \"{file}\"\n")).unwrap();
    runner.signal(rustix::process::Signal::HUP);
    runner.logged("SIGHUP received: ").await;
    session.send(job("2", &shop, "test", None, json!({}))).await;
    assert_eq!(session.answer("2").await.1["type"], "done");

    std::fs::write(&config, "[sources.shop\n").unwrap();
    runner.signal(rustix::process::Signal::HUP);
    let line = runner.logged("what was read before stays in force").await;
    assert!(line.contains("ERROR") && line.contains("line 1: "), "{line}");
    session.send(job("3", &shop, "count", Some("things"), json!({}))).await;
    assert_eq!(session.answer("3").await.1["type"], "done");
}
