//! Wrong requests, answered where they are wrong.

use e2e_tests::Runner;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use test_servers::Exit;

use crate::Stack;

#[tokio::test]
async fn each_wrong_request_has_its_status_its_code_and_a_name() {
    let stack = Stack::start().await;
    let deep_text = format!("{}{{}}{}", "{\"$not\":".repeat(10_000), "}".repeat(10_000));
    let cases: Vec<(&str, Value, StatusCode, &str, &str)> = vec![
        ("query", json!({"target": "smal"}), StatusCode::UNPROCESSABLE_ENTITY, "INVALID_TARGET", "\"small\""),
        ("query", json!({}), StatusCode::UNPROCESSABLE_ENTITY, "INVALID_TARGET", "target"),
        (
            "query",
            json!({"target": "small", "options": {"limit": -1}}),
            StatusCode::BAD_REQUEST,
            "INVALID_JOB",
            "limit",
        ),
        (
            "query",
            json!({"target": "small", "options": {"select": ["vv"]}}),
            StatusCode::BAD_REQUEST,
            "INVALID_JOB",
            "\"v\"",
        ),
        (
            "query",
            json!({"target": "small", "options": {"where": {"v": {"$regex": "x"}}}}),
            StatusCode::BAD_REQUEST,
            "unsupported_operator",
            "$regex",
        ),
        (
            "aggregate",
            json!({"target": "small", "options": {"dimensions": [{"field": "v", "bucket": {"type": "h3"}}]}}),
            StatusCode::BAD_REQUEST,
            "UNSUPPORTED_JOB",
            "h3",
        ),
    ];
    for (kind, body, status, code, word) in cases {
        let answer = stack.caller.ask("direct", kind, &body).await.unwrap();
        assert_eq!((answer.status, answer.code()), (status, code), "{body}: {}", answer.body);
        assert!(answer.body["message"].as_str().unwrap_or_default().contains(word), "{}", answer.body);
    }
    let raw: Value = json!({"target": "small", "options": {"where": "DEEP"}});
    let raw = raw.to_string().replace("\"DEEP\"", &deep_text);
    let answer = stack.caller.raw("direct", "query", raw).await.unwrap();
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "INVALID_JOB"), "{}", answer.body);
    let missing = stack.caller.ask("nowhere", "query", &json!({"target": "small"})).await.unwrap();
    assert_eq!(missing.status, StatusCode::NOT_FOUND, "{}", missing.body);
}

#[tokio::test]
async fn a_source_without_its_variable_names_the_variable() {
    let stack = Stack::start().await;
    stack.gateway.source("primary-db", "postgres", &stack.identity).await.unwrap();
    stack.gateway.source("strange", "nothing", &stack.identity).await.ok();
    let answer = stack.caller.ask("primary-db", "test", &json!({})).await.unwrap();
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::BAD_GATEWAY, "SOURCE_NOT_CONFIGURED"),
        "{}",
        answer.body
    );
    assert!(
        answer.body["message"].as_str().unwrap().contains("SEMILAYER_SOURCE_PRIMARY_DB_URL"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn an_sqlite_file_is_served_beside_and_a_missing_one_is_not_created() {
    let stack = Stack::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    database
        .execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'one')")
        .unwrap();
    let identity = stack.gateway.runner("second").await.unwrap();
    stack.gateway.source("shop", "sqlite", &identity).await.unwrap();
    stack.gateway.source("gone", "sqlite", &identity).await.unwrap();
    let missing = folder.path().join("missing.db");
    let options = e2e_tests::RunnerOptions::default()
        .set("SEMILAYER_SOURCE_SHOP_PATH", file.display().to_string())
        .set("SEMILAYER_SOURCE_GONE_PATH", missing.display().to_string());
    let _second = Runner::start(&stack.gateway, &identity, &options).await.unwrap();
    stack.gateway.serving(&stack.caller, "shop").await.unwrap();
    let answer = stack.caller.ask("shop", "query", &json!({"target": "t"})).await.unwrap();
    assert_eq!(answer.rows(), [json!({"id": 1, "v": "one"})]);
    let answer = stack.caller.ask("gone", "query", &json!({"target": "t"})).await.unwrap();
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{}", answer.body);
    assert!(!missing.exists());
}

#[tokio::test]
async fn doctor_says_what_is_healthy_and_what_is_not() {
    let stack = Stack::start().await;
    let launch = stack.runner.launched();
    let (exit, out, err) = Runner::command(launch, &["doctor"]).await.unwrap();
    assert_eq!(exit, Exit::Code(0), "{out}{err}");
    assert!(out.contains("Runner environment looks healthy."), "{out}");
    for word in ["✓ config loaded", "✓ reachable", "✓ handshake", "direct", "pooled", "tls", "auth"] {
        assert!(out.contains(word), "{word}: {out}");
    }
    let wrong = launch.clone().env("SEMILAYER_SOURCE_DIRECT_PASSWORD", "hunter2hunter2");
    let (exit, out, _) = Runner::command(&wrong, &["doctor", "--source", "direct"]).await.unwrap();
    assert_eq!(exit, Exit::Code(3), "{out}");
    assert!(out.contains('✗') && !out.contains("hunter2"), "{out}");
    let nobody = launch.clone().env("SEMILAYER_GATEWAY_URL", "ws://127.0.0.1:9/connect");
    let (exit, out, _) = Runner::command(&nobody, &["doctor"]).await.unwrap();
    assert_eq!(exit, Exit::Code(1), "{out}");
    // A doctor is no runner: the gateway has one session, and gave it no job.
    let runners = stack.gateway.admin(Method::GET, "/v1/runners", None).await.unwrap();
    assert_eq!(runners["runners"].as_array().map(Vec::len), Some(1), "{runners}");
}
