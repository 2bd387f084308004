//! Targets, keys, and changes under way.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use connector_api::CallContext;
use connector_model::error::ErrorCode;
use driver_tests::LIMIT;
use serde_json::{Value, json};

use crate::{Server, query, read};

/// `INSERT`s one row for each number.
fn rows(table: &str, numbers: std::ops::RangeInclusive<i64>, row: impl Fn(i64) -> String) -> String {
    let mut sql = format!("INSERT INTO {table} VALUES ");
    for number in numbers.clone() {
        let comma = if number == *numbers.start() { "" } else { ", " };
        write!(sql, "{comma}({})", row(number)).unwrap();
    }
    sql
}

async fn server() -> Server {
    let server = Server::start().await;
    let batches = [
        "CREATE SCHEMA other".to_owned(),
        "CREATE SCHEMA [o.dd]".to_owned(),
        "CREATE TABLE plain (id int PRIMARY KEY, v nvarchar(20))".to_owned(),
        "CREATE TABLE other.plain (id int PRIMARY KEY, w nvarchar(20))".to_owned(),
        "CREATE TABLE [o.dd].[ta.]]ble] ([se]]lect] int PRIMARY KEY)".to_owned(),
        "CREATE TABLE [a.b] (id int PRIMARY KEY)".to_owned(),
        "CREATE TABLE keyless (a int, b varchar(20), x varbinary(10))".to_owned(),
        "CREATE TABLE by_index (a int NOT NULL, b int NOT NULL, c int, UNIQUE (b, a))".to_owned(),
        "CREATE TABLE half_index (a int NULL, UNIQUE (a))".to_owned(),
        "CREATE TABLE pairs (a int NOT NULL, b datetime2(7) NOT NULL, c nvarchar(10), PRIMARY KEY (b, a))"
            .to_owned(),
        "CREATE TABLE old_moments (a int NOT NULL, b datetime NOT NULL, PRIMARY KEY (b, a))".to_owned(),
        "CREATE TABLE ids (u uniqueidentifier PRIMARY KEY, n int)".to_owned(),
        "CREATE TABLE blobs (k varbinary(9) PRIMARY KEY, n int)".to_owned(),
        "CREATE VIEW seen AS SELECT * FROM plain".to_owned(),
        rows("plain", 1..=25, |n| format!("{n}, 'v{n}'")),
        rows("keyless", 1..=23, |n| format!("{}, 'b{n}', 0x0{}", n % 5, n % 10)),
        rows("by_index", 1..=20, |n| format!("{n}, {}, NULL", n % 3)),
        // Seven in each microsecond, 100 nanoseconds apart.
        rows("pairs", 1..=30, |n| format!("{n}, '2024-01-01T00:00:00.{:07}', 'c'", n)),
        rows("old_moments", 1..=20, |n| format!("{n}, '2024-01-01T00:00:00.{:03}'", n)),
        rows("blobs", 1..=30, |n| format!("0x{:02x}{:02x}, {n}", n * 37 % 256, n)),
        rows("ids", 1..=30, |n| {
            format!(
                "'{:08x}-0000-0000-{:04x}-{:012x}', {n}",
                n * 0x0101_0101 % 0xffff_ffff,
                31 - n,
                n * 7 % 11
            )
        }),
    ];
    for batch in batches {
        server.run(&batch).await;
    }
    server
}

#[tokio::test]
async fn every_target_is_listed_under_the_name_that_jobs_take() {
    let server = server().await;
    let mut session = server.session().await;
    let targets = session.list_targets(&CallContext::within(LIMIT)).await.unwrap();
    let names: BTreeSet<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    for name in ["plain", "other.plain", "o.dd.ta.]ble", "a.b", "seen", "keyless"] {
        assert!(names.contains(name), "{name}: {names:?}");
        query(&mut *session, name, json!({"limit": 1}))
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(!names.iter().any(|name| name.starts_with("sys.") || name.starts_with("INFORMATION_SCHEMA")));
    assert_eq!(targets[0].schema.as_deref(), Some("dbo"), "the default schema comes first");
    let plain = targets.iter().find(|target| target.name == "plain").unwrap();
    assert_eq!((plain.kind.as_str(), plain.estimated_rows), ("table", Some(25)));
    assert_eq!(query(&mut *session, "dbo.plain", json!({"limit": 1})).await.unwrap().rows[0]["v"], "v1");
    let error = query(&mut *session, "plian", json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTarget);
    assert!(error.message().contains("\"plain\""), "{error}");
    let error = query(&mut *session, "plain", json!({"select": ["vv"]})).await.unwrap_err();
    assert_eq!((error.code(), &error.detail()["option"]), (ErrorCode::InvalidJob, &json!("select")));
    let long = "x.".repeat(5_000);
    assert_eq!(query(&mut *session, &long, json!({})).await.unwrap_err().code(), ErrorCode::InvalidTarget);
}

#[tokio::test]
async fn introspection_shows_types_keys_and_kinds() {
    let server = server().await;
    server
        .run("CREATE TABLE types (a decimal(10,2), b varchar(max), c nchar(5), d datetimeoffset(3), e sysname, f money)")
        .await;
    let mut session = server.session().await;
    let cx = CallContext::within(LIMIT);
    let pairs = session.introspect(&cx, "pairs").await.unwrap();
    assert_eq!(pairs.primary_key, ["b", "a"]);
    assert_eq!(pairs.columns[1].native_type, "datetime2(7)");
    assert!(!pairs.columns[0].nullable && pairs.columns[0].primary_key && pairs.columns[2].nullable);
    assert_eq!(pairs.row_count, Some(30));
    assert_eq!(session.introspect(&cx, "seen").await.unwrap().kind, "view");
    assert!(session.introspect(&cx, "by_index").await.unwrap().primary_key.is_empty());
    let types = session.introspect(&cx, "types").await.unwrap();
    let types: Vec<&str> = types.columns.iter().map(|column| column.native_type.as_str()).collect();
    assert_eq!(
        types,
        ["decimal(10,2)", "varchar(max)", "nchar(5)", "datetimeoffset(3)", "nvarchar(128)", "money"]
    );
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
        ("pairs", json!({"limit": 1}), 30, "Keyset"),
        ("old_moments", json!({"limit": 1}), 20, "Keyset"),
        ("ids", json!({"limit": 4}), 30, "Keyset"),
        ("blobs", json!({"limit": 7}), 30, "Keyset"),
        ("keyless", json!({"limit": 5}), 23, "Offset"),
        ("seen", json!({"limit": 10}), 25, "Offset"),
    ] {
        let (walked, found) = walk(&server, target, options).await;
        let distinct: BTreeSet<String> = walked.iter().map(Value::to_string).collect();
        assert_eq!((walked.len(), found.as_deref()), (rows, Some(kind)), "{target}");
        let expected = if target == "keyless" { distinct.len() } else { rows };
        assert_eq!(distinct.len(), expected, "{target}");
        if target == "plain" {
            assert_eq!(walked[0], json!({"v": "v1"}), "the key is fetched and left out");
        }
    }
}

#[tokio::test]
async fn changed_since_is_strict_and_a_missing_column_is_named() {
    let server = server().await;
    let mut session = server.session().await;
    let since = json!({"changedSince": "2024-01-01T00:00:00.000002Z", "changeTrackingColumn": "b"});
    // Rows 21 to 30 lie within or behind the microsecond that is asked for: row 20 is that moment itself.
    assert_eq!(read(&mut *session, "pairs", since).await.unwrap().rows.len(), 10);
    let error = read(&mut *session, "plain", json!({"changedSince": 0})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidJob);
    assert!(error.message().contains("updated_at"), "{error}");
}

#[tokio::test]
async fn a_table_that_changes_under_way_is_read_anew() {
    let server = server().await;
    let mut session = server.session().await;
    query(&mut *session, "plain", json!({"limit": 1})).await.unwrap();
    for batch in
        ["DROP VIEW seen", "DROP TABLE plain", "CREATE TABLE plain (id bigint PRIMARY KEY, w nvarchar(9))"]
    {
        server.run(batch).await;
    }
    server.run("INSERT INTO plain VALUES (1, 'v1')").await;
    let renamed = query(&mut *session, "plain", json!({"limit": 1})).await.unwrap();
    assert_eq!(renamed.rows, [json!({"id": "1", "w": "v1"})]);
    let error = query(&mut *session, "plain", json!({"select": ["v"]})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidJob, "{error}");
    server.run("DROP TABLE plain").await;
    let error = query(&mut *session, "plain", json!({"limit": 1})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTarget, "{error}");
    assert!(session.reusable());
}
