//! The contract's tables, row by row, against the oracle itself: a judge has to be right first.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test fails its test"
)]
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use connector_api::{CallContext, Chunks, Page, RowSink, Session, SinkLimits};
use connector_memory::{ColumnDef, Database, MemorySession, Profile, Table, Value};
use connector_model::cursor::CursorKind;
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::json::Envelope;
use connector_model::request::{Kind, Request, parse};
use connector_model::target::LogicalType;

#[derive(Default)]
struct Sent(Vec<serde_json::Value>);

#[async_trait]
impl Chunks for Sent {
    fn envelope(&self) -> Envelope {
        Envelope { prefix: b"[".to_vec(), suffix: b"]".to_vec() }
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
        self.0.extend(serde_json::from_slice::<Vec<_>>(&chunk).unwrap());
        Ok(())
    }
}

fn column(name: &str, logical_type: LogicalType, native_type: &str, nullable: bool) -> ColumnDef {
    ColumnDef { name: name.into(), logical_type, native_type: native_type.into(), nullable }
}

/// Five people; two without an age, one without a name.
fn people() -> Table {
    let row = |id: i64, name: Option<&str>, age: Option<i64>, seen: Option<i64>| {
        vec![
            Value::Integer(id),
            name.map_or(Value::Null, |name| Value::Text(name.into())),
            age.map_or(Value::Null, Value::Integer),
            seen.map_or(Value::Null, Value::TimestampTz),
        ]
    };
    Table {
        name: "people".into(),
        kind: "table".into(),
        columns: vec![
            column("id", LogicalType::Integer, "bigint", false),
            column("name", LogicalType::Text, "text", true),
            column("age", LogicalType::Integer, "integer", true),
            column("updated_at", LogicalType::TimestampTz, "timestamp with time zone", true),
        ],
        primary_key: vec![0],
        unique_index: Vec::new(),
        rows: vec![
            row(1, Some("Ada"), Some(36), Some(1_000_000)),
            row(2, Some("ada 100%"), None, Some(1_000_001)),
            row(3, None, Some(7), None),
            row(4, Some(""), Some(36), Some(-1)),
            row(5, Some("Bob_\\"), None, Some(2_000_000)),
        ],
    }
}

/// No key, and two rows that are the same.
fn log() -> Table {
    let row = |level: i64, text: &str| vec![Value::Integer(level), Value::Text(text.into())];
    Table {
        name: "log".into(),
        kind: "table".into(),
        columns: vec![
            column("level", LogicalType::Integer, "integer", false),
            column("text", LogicalType::Text, "text", false),
        ],
        primary_key: Vec::new(),
        unique_index: Vec::new(),
        rows: vec![row(2, "b"), row(1, "z"), row(2, "b"), row(1, "a")],
    }
}

async fn job_on(
    profile: Profile,
    kind: Kind,
    target: &str,
    options: &str,
) -> Result<(Vec<serde_json::Value>, Page)> {
    let database = Arc::new(Database::new(vec![people(), log()], profile).unwrap());
    let mut session = MemorySession::new(database);
    let cx = CallContext::within(Duration::from_secs(5));
    let mut sent = Sent::default();
    let mut sink = RowSink::new(&mut sent, SinkLimits { chunk_bytes: 16, ..SinkLimits::default() });
    let page = match parse(kind, Some(target), Some(options), "@semilayer/bridge-memory")? {
        Request::Read(read) => session.read(&cx, &read, &mut sink).await?,
        Request::Query(query) => session.query(&cx, &query, &mut sink).await?,
        Request::Count(count) => {
            let counted = session.count(&cx, &count).await?;
            Page { total: Some(counted.total), ..Page::default() }
        }
        other => panic!("{other:?} has no rows"),
    };
    Ok((sent.0, page))
}

async fn job(kind: Kind, options: &str) -> Result<(Vec<serde_json::Value>, Page)> {
    job_on(Profile::POSTGRES, kind, "people", options).await
}

async fn ids(filter: &str) -> Vec<u64> {
    let options = format!("{{\"where\": {filter}, \"orderBy\": {{\"id\": \"asc\"}}, \"select\": [\"id\"]}}");
    let (rows, page) = job(Kind::Query, &options).await.unwrap();
    assert_eq!(page.total, Some(rows.len() as u64), "{filter}");
    rows.iter().map(|row| row["id"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn the_where_table_of_the_contract() {
    for (filter, expected) in [
        (r#"{}"#, &[1, 2, 3, 4, 5][..]),
        (r#"{"age": 36}"#, &[1, 4]),
        (r#"{"age": null}"#, &[2, 5]),
        (r#"{"age": {"$ne": null}}"#, &[1, 3, 4]),
        (r#"{"age": {"$ne": 36}}"#, &[3]),
        (r#"{"age": {"$nin": [36]}}"#, &[3]),
        (r#"{"$not": {"age": 36}}"#, &[3]),
        (r#"{"$not": {"age": 36, "name": ""}}"#, &[1, 2, 3, 5]),
        (r#"{"$not": {"age": {"$gt": 7, "$lt": 40}}}"#, &[3]),
        (r#"{"age": {"$in": []}}"#, &[]),
        (r#"{"age": {"$nin": []}}"#, &[1, 2, 3, 4, 5]),
        (r#"{"age": {"$in": ["x", 7, "36", 1.5]}}"#, &[1, 3, 4]),
        (r#"{"age": {"$in": [7, null]}}"#, &[2, 3, 5]),
        (r#"{"age": {"$nin": [7, null]}}"#, &[1, 4]),
        (r#"{"age": {"$nin": ["x"]}}"#, &[1, 3, 4]),
        (r#"{"$not": {"age": {"$nin": ["x"]}}}"#, &[2, 5]),
        (r#"{"$not": {"age": {"$nin": ["x", 7]}}}"#, &[2, 3, 5]),
        (r#"{"age": [7, 8]}"#, &[3]),
        (r#"{"$or": []}"#, &[]),
        (r#"{"$and": []}"#, &[1, 2, 3, 4, 5]),
        (r#"{"$not": {}}"#, &[]),
        (r#"{"age": {}}"#, &[1, 2, 3, 4, 5]),
        (r#"{"$or": [{"age": 7}, {"name": "Ada"}]}"#, &[1, 3]),
        (r#"{"name": {"$contains": "ADA"}}"#, &[1, 2]),
        (r#"{"name": {"$contains": "%"}}"#, &[2]),
        (r#"{"name": {"$endsWith": "_\\"}}"#, &[5]),
        (r#"{"name": {"$startsWith": "bo"}}"#, &[5]),
        (r#"{"name": {"$like": "A%"}}"#, &[1]),
        (r#"{"name": {"$ilike": "A%"}}"#, &[1, 2]),
        (r#"{"name": {"$ilike": "%\\%"}}"#, &[2]),
        (r#"{"name": {"$contains": 1}}"#, &[]),
        (r#"{"$not": {"name": {"$contains": 1}}}"#, &[1, 2, 3, 4, 5]),
        (r#"{"age": {"$startsWith": "3"}}"#, &[1, 4]),
        (r#"{"age": {"$exists": false}}"#, &[2, 5]),
        (r#"{"age": "thirty"}"#, &[]),
        (r#"{"$not": {"age": "thirty"}}"#, &[1, 2, 3, 4, 5]),
        (r#"{"age": {"$ne": "thirty"}}"#, &[1, 3, 4]),
        (r#"{"age": {"$gte": 7.5}}"#, &[1, 4]),
        (r#"{"updated_at": {"$gt": "1970-01-01T01:00:01+01:00"}}"#, &[2, 5]),
        (r#"{"updated_at": {"$lt": 0}}"#, &[4]),
    ] {
        assert_eq!(ids(filter).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn null_stands_where_the_engine_puts_it() {
    for (profile, direction, expected) in [
        (Profile::POSTGRES, "asc", [3, 1, 4, 2, 5]),
        (Profile::POSTGRES, "desc", [2, 5, 1, 4, 3]),
        (Profile::SQLITE, "asc", [2, 5, 3, 1, 4]),
        (Profile::SQLITE, "desc", [1, 4, 3, 2, 5]),
    ] {
        // One row at a time: the order is also the order of the pages.
        let mut cursor = String::new();
        let mut seen = Vec::new();
        for _ in 0..5 {
            let options = format!(r#"{{"orderBy": {{"age": "{direction}"}}, "limit": 1{cursor}}}"#);
            let (rows, page) = job_on(profile, Kind::Query, "people", &options).await.unwrap();
            seen.extend(rows.iter().map(|row| match &row["id"] {
                serde_json::Value::String(text) => text.parse::<u64>().unwrap(),
                number => number.as_u64().unwrap(),
            }));
            let Some(next) = page.next_cursor else { break };
            assert_eq!(page.cursor_kind, Some(CursorKind::Keyset));
            cursor = format!(r#", "cursor": "{next}""#);
        }
        assert_eq!(seen, expected, "{profile:?} {direction}");
    }
}

#[tokio::test]
async fn pages_end_with_a_cursor_only_when_there_is_more() {
    let (rows, page) = job(Kind::Read, r#"{"limit": 3, "fields": ["name"]}"#).await.unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0], serde_json::json!({"name": "Ada"}));
    assert_eq!((page.next_cursor.as_deref(), page.total), (Some("3"), Some(5)));
    let (rows, page) = job(Kind::Read, r#"{"limit": 2, "cursor": "3"}"#).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((page.next_cursor, page.total), (None, None));
    let (rows, page) = job(Kind::Read, r#"{"limit": 0}"#).await.unwrap();
    assert_eq!((rows.len(), page.next_cursor, page.total), (0, None, Some(5)));
    let (rows, page) = job(Kind::Query, r#"{"limit": 1, "offset": 9, "where": {"age": 36}}"#).await.unwrap();
    assert_eq!((rows.len(), page.next_cursor, page.total), (0, None, Some(2)));
    let (_, page) = job(Kind::BatchRead, r#"{"limit": 1}"#).await.unwrap();
    assert_eq!(page.total, None);
    let (rows, page) = job(Kind::Count, r#"{"where": {"age": null}}"#).await.unwrap();
    assert_eq!((rows.len(), page.total), (0, Some(2)));
}

#[tokio::test]
async fn a_table_without_a_key_is_paged_by_offset() {
    let (rows, page) = job_on(Profile::SQLITE, Kind::Read, "log", r#"{"limit": 3}"#).await.unwrap();
    let texts: Vec<_> = rows.iter().map(|row| row["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["a", "z", "b"]);
    assert_eq!(page.cursor_kind, Some(CursorKind::Offset));
    let options = format!(r#"{{"limit": 3, "cursor": "{}"}}"#, page.next_cursor.unwrap());
    let (rows, page) = job_on(Profile::SQLITE, Kind::Read, "log", &options).await.unwrap();
    assert_eq!((rows.len(), page.next_cursor), (1, None));
}

#[tokio::test]
async fn changed_since_is_strict_to_the_microsecond() {
    let options = r#"{"changedSince": "1970-01-01T00:00:01Z", "fields": ["id"]}"#;
    let (rows, page) = job(Kind::Read, options).await.unwrap();
    assert_eq!((rows.len(), page.total), (2, Some(2)));
    let (rows, _) = job(Kind::Read, r#"{"changedSince": "1970-01-01T02:00:01.000001+02:00"}"#).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["updated_at"], "1970-01-01T00:00:02.000Z");
}

#[tokio::test]
async fn what_does_not_exist_is_named_with_the_nearest() {
    let named = |error: &Error, option: &str, hint: &str| {
        assert_eq!(error.code(), ErrorCode::InvalidJob, "{error}");
        assert_eq!(error.detail()["option"], option, "{error}");
        assert!(error.message().contains(hint), "{error}");
    };
    for (kind, options, option, hint) in [
        (Kind::Query, r#"{"select": ["nmae"]}"#, "select", "\"name\""),
        (Kind::Query, r#"{"where": {"$or": [{"agee": 1}]}}"#, "where", "\"age\""),
        (Kind::Query, r#"{"orderBy": {"idd": "asc"}}"#, "orderBy", "\"id\""),
        (Kind::Read, r#"{"fields": ["agge"]}"#, "fields", "\"age\""),
        (
            Kind::Read,
            r#"{"changedSince": 0, "changeTrackingColumn": "update_at"}"#,
            "changeTrackingColumn",
            "\"updated_at\"",
        ),
        (Kind::Query, r#"{"where": {"age": {"$gt": "old"}}}"#, "where", "\"age\""),
        (Kind::Read, r#"{"cursor": "seven"}"#, "cursor", "issued"),
    ] {
        named(&job(kind, options).await.unwrap_err(), option, hint);
    }
    let error = job_on(Profile::POSTGRES, Kind::Query, "poeple", "{}").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTarget);
    assert!(error.message().contains("\"people\""), "{error}");
}

#[test]
fn a_table_that_is_none_is_refused() {
    let mut twice = people();
    let first = twice.rows[0].clone();
    twice.rows.push(first);
    let mut narrow = people();
    narrow.rows[0].pop();
    let mut mistyped = people();
    mistyped.rows[0][2] = Value::Text("36".into());
    for table in [twice, narrow, mistyped] {
        assert!(Database::new(vec![table], Profile::SQLITE).is_err());
    }
    assert!(Database::new(vec![people(), people()], Profile::SQLITE).is_err());
}
