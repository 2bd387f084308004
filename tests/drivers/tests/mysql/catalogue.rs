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
            "CREATE DATABASE other;
CREATE DATABASE `o.dd`;
CREATE DATABASE hidden;
CREATE TABLE plain (id int PRIMARY KEY, v varchar(20));
CREATE TABLE Plain (id int PRIMARY KEY, upper varchar(20));
CREATE TABLE other.plain (id int PRIMARY KEY, w text);
CREATE TABLE `o.dd`.`ta.``ble` (`se``lect` int PRIMARY KEY);
CREATE TABLE `a.b` (id int PRIMARY KEY);
CREATE TABLE hidden.t (id int);
CREATE TABLE keyless (a int, b text, j json);
CREATE TABLE by_index (a int NOT NULL, b int NOT NULL, c int, UNIQUE (b, a), UNIQUE (c));
CREATE TABLE half_index (a int, v varchar(300) NOT NULL, UNIQUE (a), UNIQUE (v(10)));
CREATE TABLE pairs (a int, b datetime(6), c text, PRIMARY KEY (b, a));
CREATE TABLE moods (e enum('b', 'a', 'c'), id int, PRIMARY KEY (e, id));
CREATE TABLE days (d date, id int, PRIMARY KEY (d, id));
CREATE TABLE flags (f tinyint(1), id int, PRIMARY KEY (f, id));
CREATE TABLE words (w varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY);
CREATE VIEW seen AS SELECT * FROM plain;
INSERT INTO plain SELECT seq, CONCAT('v', seq) FROM seq_1_to_25;
INSERT INTO keyless SELECT seq % 5, CONCAT('b', seq), NULL FROM seq_1_to_23;
INSERT INTO by_index SELECT seq, seq % 3, NULL FROM seq_1_to_20;
INSERT INTO pairs SELECT seq, '2024-01-01' + INTERVAL (seq DIV 4) MICROSECOND, 'c' FROM seq_1_to_31;
INSERT INTO moods SELECT seq % 3 + 1, seq FROM seq_1_to_20;
SET sql_mode = '';
INSERT INTO days SELECT IF(seq < 6, '0000-00-00', '2024-01-01'), seq FROM seq_1_to_12;
INSERT INTO flags SELECT seq % 4, seq FROM seq_1_to_20;
INSERT INTO words VALUES ('b'), ('A'), ('c'), ('Ä2'), ('É'), ('f'), ('Z'), ('m'), ('日本');
GRANT SELECT ON other.* TO app@'%';
GRANT SELECT ON `o.dd`.* TO app@'%'",
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
    for name in ["plain", "Plain", "other.plain", "o.dd.ta.`ble", "a.b", "seen", "keyless"] {
        assert!(names.contains(name), "{name}: {names:?}");
        query(&mut *session, name, json!({"limit": 1}))
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(!names.iter().any(|name| name.contains("hidden") || name.starts_with("mysql.")), "{names:?}");
    assert!(!names.iter().any(|name| name.to_lowercase().starts_with("information_schema.")), "{names:?}");
    let row = &query(&mut *session, "app.plain", json!({"limit": 1})).await.unwrap().rows[0];
    assert_eq!(row["v"], "v1");
    for (name, nearest) in [("plian", "\"plain\""), ("other.plian", "other.plain"), ("PLAIN", "lain")] {
        let error = query(&mut *session, name, json!({})).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidTarget, "{error}");
        assert!(error.message().contains(nearest), "{error}");
    }
}

#[tokio::test]
async fn introspection_shows_types_keys_and_kinds() {
    let server = server().await;
    let mut session = server.session().await;
    let cx = CallContext::within(LIMIT);
    let pairs = session.introspect(&cx, "pairs").await.unwrap();
    assert_eq!(pairs.primary_key, ["b", "a"]);
    assert_eq!(pairs.columns[1].native_type, "datetime(6)");
    assert!(!pairs.columns[0].nullable && pairs.columns[0].primary_key && pairs.columns[2].nullable);
    assert_eq!(session.introspect(&cx, "seen").await.unwrap().kind, "view");
    assert!(session.introspect(&cx, "by_index").await.unwrap().primary_key.is_empty());
    assert_eq!(session.introspect(&cx, "keyless").await.unwrap().columns[2].native_type, "json");
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
        assert!(rows.len() < 1_000, "{target}: the pages do not end");
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
        ("words", json!({"limit": 2}), 9, "Keyset"),
        ("days", json!({"limit": 2, "fields": ["id"]}), 12, "Keyset"),
        ("flags", json!({"limit": 3}), 20, "Keyset"),
        ("moods", json!({"limit": 3}), 20, "Offset"),
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
    // Rows 24 to 31.
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
    server.run("DROP VIEW seen;\nALTER TABLE plain RENAME COLUMN v TO w").await;
    let one = json!({"limit": 1, "orderBy": {"id": "asc"}});
    let renamed = query(&mut *session, "plain", one.clone()).await.unwrap();
    assert_eq!(renamed.rows, [json!({"id": 1, "w": "v1"})]);
    server.run("ALTER TABLE plain MODIFY COLUMN id decimal(10,2)").await;
    let retyped = query(&mut *session, "plain", one).await.unwrap();
    assert_eq!(retyped.rows, [json!({"id": "1.00", "w": "v1"})]);
    server.run("DROP TABLE plain").await;
    let error = query(&mut *session, "plain", json!({"limit": 1})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTarget, "{error}");
}
