//! Targets, keys, and changes under way.

use std::collections::BTreeSet;

use connector_api::CallContext;
use connector_model::error::ErrorCode;
use driver_tests::LIMIT;
use serde_json::{Value, json};

use crate::{Server, query, read};

async fn server() -> Server {
    let server = Server::start().await;
    server
        .run(
            "CREATE SCHEMA other; CREATE SCHEMA \"o.dd\";
             CREATE TABLE plain (id int PRIMARY KEY, v text);
             CREATE TABLE other.plain (id int PRIMARY KEY, w text);
             CREATE TABLE \"o.dd\".\"ta.\"\"ble\" (\"se\"\"lect\" int PRIMARY KEY);
             CREATE TABLE \"a.b\" (id int PRIMARY KEY);
             CREATE TABLE keyless (a int, b text, j json);
             CREATE TABLE by_index (a int NOT NULL, b int NOT NULL, c int, UNIQUE (b, a));
             CREATE TABLE half_index (a int, UNIQUE (a));
             CREATE TABLE pairs (a int, b timestamptz, c text, PRIMARY KEY (b, a));
             CREATE VIEW seen AS SELECT * FROM plain;
             CREATE MATERIALIZED VIEW kept AS SELECT * FROM plain;
             CREATE TABLE parts (id int, d date) PARTITION BY RANGE (d);
             CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
             CREATE TABLE hidden (id int);
             INSERT INTO plain SELECT i, 'v' || i FROM generate_series(1, 25) i;
             INSERT INTO keyless SELECT i % 5, 'b' || i FROM generate_series(1, 23) i;
             INSERT INTO by_index SELECT i, i % 3 FROM generate_series(1, 20) i;
             INSERT INTO pairs SELECT i, '2024-01-01'::timestamptz + (i / 4) * interval '1 microsecond', 'c'
               FROM generate_series(1, 30) i;
             INSERT INTO pairs VALUES (31, 'infinity', 'last');
             GRANT USAGE ON SCHEMA other, \"o.dd\" TO app;
             GRANT SELECT ON ALL TABLES IN SCHEMA public, other, \"o.dd\" TO app; REVOKE ALL ON hidden FROM app",
        )
        .await;
    server
}

#[tokio::test]
async fn every_target_is_listed_under_the_name_that_jobs_take() {
    let server = server().await;
    let mut session = server.session().await;
    let targets = session.list_targets(&CallContext::within(LIMIT)).await.unwrap();
    let names: BTreeSet<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    for name in ["plain", "other.plain", "o.dd.ta.\"ble", "a.b", "seen", "kept", "parts", "keyless"] {
        assert!(names.contains(name), "{name}: {names:?}");
        query(&mut *session, name, json!({"limit": 1}))
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(
        !names.contains("parts_1")
            && !names.contains("hidden")
            && !names.iter().any(|n| n.starts_with("pg_"))
    );
    assert_eq!(query(&mut *session, "public.plain", json!({"limit": 1})).await.unwrap().rows[0]["v"], "v1");
    let error = query(&mut *session, "plian", json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTarget);
    assert!(error.message().contains("\"plain\""), "{error}");
}

#[tokio::test]
async fn introspection_shows_types_keys_and_kinds() {
    let server = server().await;
    let mut session = server.session().await;
    let cx = CallContext::within(LIMIT);
    let pairs = session.introspect(&cx, "pairs").await.unwrap();
    assert_eq!(pairs.primary_key, ["b", "a"]);
    assert_eq!(pairs.columns[1].native_type, "timestamp with time zone");
    assert!(!pairs.columns[0].nullable && pairs.columns[0].primary_key && pairs.columns[2].nullable);
    assert_eq!(session.introspect(&cx, "kept").await.unwrap().kind, "materializedView");
    assert!(session.introspect(&cx, "by_index").await.unwrap().primary_key.is_empty());
}

async fn walk(server: &Server, target: &str, options: Value) -> (Vec<Value>, Option<String>) {
    let mut session = server.session().await;
    let (mut rows, mut cursor, mut kind) = (Vec::new(), None::<String>, None);
    loop {
        let mut options = options.clone();
        if let Some(cursor) = &cursor {
            options["cursor"] = json!(cursor);
        }
        let page =
            read(&mut *session, target, options).await.unwrap_or_else(|error| panic!("{target}: {error}"));
        rows.extend(page.rows);
        kind = page.page.cursor_kind.map(|kind| format!("{kind:?}")).or(kind);
        cursor = page.page.next_cursor;
        if cursor.is_none() {
            return (rows, kind);
        }
    }
}

#[tokio::test]
async fn page_walks_lose_and_repeat_nothing_whatever_the_key() {
    let server = server().await;
    for (target, options, rows, kind) in [
        ("plain", json!({"limit": 4, "fields": ["v"]}), 25, "Keyset"),
        ("by_index", json!({"limit": 3}), 20, "Keyset"),
        ("pairs", json!({"limit": 7}), 31, "Keyset"),
        ("keyless", json!({"limit": 5}), 23, "Offset"),
        ("seen", json!({"limit": 10}), 25, "Offset"),
    ] {
        let (walked, found) = walk(&server, target, options).await;
        let distinct: BTreeSet<String> = walked.iter().map(Value::to_string).collect();
        assert_eq!((walked.len(), found.as_deref()), (rows, Some(kind)), "{target}");
        assert_eq!(distinct.len(), rows, "{target}");
        if target == "plain" {
            assert_eq!(walked[0], json!({"v": "v1"}), "the key is fetched and left out");
        }
    }
}

#[tokio::test]
async fn changed_since_is_strict_to_the_microsecond_and_a_missing_column_is_named() {
    let server = server().await;
    let mut session = server.session().await;
    let since = json!({"changedSince": "2024-01-01T00:00:00.000005Z", "changeTrackingColumn": "b"});
    // Rows 24 to 30 and the infinite one.
    assert_eq!(read(&mut *session, "pairs", since).await.unwrap().rows.len(), 8);
    let error = read(&mut *session, "plain", json!({"changedSince": 0})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidJob);
    assert!(error.message().contains("updated_at"), "{error}");
}

#[tokio::test]
async fn a_table_that_changes_under_way_is_read_anew() {
    let server = server().await;
    let mut session = server.session().await;
    query(&mut *session, "plain", json!({"limit": 1})).await.unwrap();
    server.run("ALTER TABLE plain RENAME COLUMN v TO w").await;
    let renamed = query(&mut *session, "plain", json!({"limit": 1, "orderBy": {"id": "asc"}})).await.unwrap();
    assert_eq!(renamed.rows, [json!({"id": 1, "w": "v1"})]);
    server
        .run("DROP VIEW seen; DROP MATERIALIZED VIEW kept; ALTER TABLE plain ALTER COLUMN id TYPE bigint")
        .await;
    let retyped = query(&mut *session, "plain", json!({"limit": 1, "orderBy": {"id": "asc"}})).await.unwrap();
    assert_eq!(retyped.rows, [json!({"id": "1", "w": "v1"})]);
    server.run("DROP TABLE plain CASCADE").await;
    let error = query(&mut *session, "plain", json!({"limit": 1})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTarget, "{error}");
}
