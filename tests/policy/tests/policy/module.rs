//! A module: its rows come whole, and its list alone says where a target is.

use component_tests::component;
use policy_tests::Runner;
use serde_json::json;
use test_servers::{Redis, RedisOptions};

use crate::Subject;

#[tokio::test]
async fn rows_of_a_module_go_through_the_same_rules() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = Redis::start(RedisOptions::default()).await.unwrap();
    let mut admin = server.admin().await.unwrap();
    for (key, value) in [
        ("users:1", r#"{"name":"Ann","email":"hidden-ann","\u0073sn":"hidden-1"}"#),
        ("users:2", r#"{"name":"Bob","email":null,"note":{"email":"kept"}}"#),
        ("secrets:1", r#"{"name":"hidden"}"#),
    ] {
        admin.run(&[b"SET", key.as_bytes(), value.as_bytes()]).await.unwrap();
    }
    let policy = "[policy]\ntargets = [\"*\", \"!secrets\"]\ncolumns.deny = [\"users.ssn\"]\n\
                  mask = { \"some.users.email\" = \"redact\" }";
    let module = component("redis").await.unwrap();
    let runner = Runner::new(module.connector.clone(), &[("URL", server.url().as_str())], policy).unwrap();
    let subject = Subject { runner, schema: "" };
    for (kind, options) in [("query", json!({"orderBy": {"name": "asc"}})), ("read", json!({}))] {
        let answer = subject.ask(kind, "users", options).await;
        Subject::shows_nothing(kind, &answer);
        assert_eq!(answer.rows.len(), 2, "{answer:?}");
        for row in &answer.rows {
            assert_eq!((&row["email"], row.get("ssn")), (&json!("***"), None), "{row}");
        }
        assert_eq!(answer.rows[1]["note"], json!({"email": "kept"}), "members of a document are no columns");
    }
    for (kind, options, rule) in [
        ("query", json!({"where": {"email": "hidden-ann"}}), "policy.mask"),
        ("count", json!({"where": {"ssn": {"$exists": true}}}), "policy.columns.deny"),
        ("query", json!({"orderBy": {"ssn": "asc"}}), "policy.columns.deny"),
        ("aggregate", json!({"dimensions": [{"field": "email"}]}), "policy.mask"),
    ] {
        let answer = subject.ask(kind, "users", options).await;
        assert_eq!(answer.detail("rule"), Some(rule), "{answer:?}");
    }
    assert_eq!(subject.ask("query", "secrets", json!({})).await.detail("rule"), Some("policy.targets"));
    let listed = subject.ask("listTargets", "", json!({})).await;
    let names: Vec<&str> = listed.rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["users"]);
    let users = subject.ask("introspectTarget", "users", json!({})).await;
    assert!(!users.rows[0].to_string().contains("ssn"), "{:?}", users.rows);
}
