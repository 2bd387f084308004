//! Tables, views, names and their changes.

use std::time::Duration;

use connector_api::CallContext;
use connector_model::ErrorCode;
use connector_model::request::Kind;
use serde_json::json;

use super::subject::{Database, LONG, context, count, job};

fn call() -> CallContext {
    CallContext::within(LONG)
}

#[tokio::test]
async fn tables_views_and_virtual_tables_are_listed_and_nothing_of_sqlite_itself() {
    let database = Database::new(
        "CREATE TABLE plain (id INTEGER PRIMARY KEY AUTOINCREMENT, v INT); INSERT INTO plain(v) VALUES (1), (2);
         CREATE INDEX by_v ON plain(v);
         CREATE VIEW seen AS SELECT * FROM plain;
         CREATE VIEW broken AS SELECT * FROM gone;
         CREATE VIRTUAL TABLE words USING fts5(body);
         ANALYZE",
    );
    let mut session = database.session().await;
    let listed = serde_json::to_value(session.list_targets(&call()).await.unwrap()).unwrap();
    assert_eq!(
        listed,
        json!([
            {"name": "broken", "kind": "view", "schema": "main"},
            {"name": "plain", "kind": "table", "schema": "main", "estimatedRows": 2},
            {"name": "seen", "kind": "view", "schema": "main"},
            {"name": "words", "kind": "virtual", "schema": "main"},
        ])
    );
    for target in ["sqlite_schema", "sqlite_stat1", "words_data", "words_content", ""] {
        let error = session.introspect(&call(), target).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidTarget, "{target}");
    }
    let error = job(&mut *session, Kind::Query, "broken", &json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceQueryFailed, "{error}");
    let (rows, _) = job(&mut *session, Kind::Query, "words", &json!({})).await.unwrap();
    assert!(rows.is_empty());
}

#[tokio::test]
async fn a_table_is_described_in_the_engines_own_words() {
    let database = Database::new(
        "CREATE TABLE d (b TEXT, a INT NOT NULL, n VARCHAR(9), g AS (a + 1), PRIMARY KEY (a, b));
         CREATE TABLE w (k TEXT, v, PRIMARY KEY (k)) WITHOUT ROWID;
         CREATE TABLE r (id INTEGER PRIMARY KEY, v);
         CREATE TABLE s (k TEXT PRIMARY KEY, v ANY) STRICT;",
    );
    let mut session = database.session().await;
    let mut described = async |target: &str| {
        serde_json::to_value(session.introspect(&call(), target).await.unwrap()).unwrap()
    };
    let column = |name: &str, kind: &str, nullable: bool, key: bool| json!({"name": name, "type": kind, "nullable": nullable, "primaryKey": key});
    assert_eq!(
        described("main.d").await,
        json!({
            "name": "d", "kind": "table", "primaryKey": ["a", "b"],
            "columns": [
                column("b", "TEXT", true, true), column("a", "INT", false, true),
                column("n", "VARCHAR(9)", true, false), column("g", "", true, false),
            ],
        })
    );
    assert_eq!(
        described("w").await["columns"],
        json!([column("k", "TEXT", false, true), column("v", "", true, false)])
    );
    assert_eq!(described("r").await["columns"][0], column("id", "INTEGER", false, true));
    assert_eq!(described("s").await["columns"][0], column("k", "TEXT", false, true));
}

#[tokio::test]
async fn names_with_dots_are_tried_whole_first() {
    let database = Database::new(
        "CREATE TABLE \"a.b\" (id INTEGER PRIMARY KEY); INSERT INTO \"a.b\" VALUES (1);
         CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO b VALUES (1), (2);
         CREATE TABLE \"main.b\" (id INTEGER PRIMARY KEY); INSERT INTO \"main.b\" VALUES (1), (2), (3);
         CREATE TABLE main (id INTEGER PRIMARY KEY);",
    );
    let mut session = database.session().await;
    for (target, rows) in
        [("a.b", 1), ("main.a.b", 1), ("b", 2), ("main.b", 3), ("main.main.b", 3), ("main", 0)]
    {
        assert_eq!(count(&mut *session, target, &json!({})).await.unwrap(), rows, "{target}");
    }
    for target in ["other.b", "temp.b", "main.", ".b"] {
        let error = count(&mut *session, target, &json!({})).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidTarget, "{target}");
    }
}

#[tokio::test]
async fn a_typo_is_answered_with_the_nearest_names() {
    let database = Database::new("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)");
    let mut session = database.session().await;
    let error = job(&mut *session, Kind::Query, "custmers", &json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTarget);
    assert!(error.message().contains("did you mean \"customers\"?"), "{error}");
    for (options, option) in [
        (json!({"select": ["nmae"]}), "select"),
        (json!({"where": {"nmae": 1}}), "where"),
        (json!({"orderBy": {"nmae": "asc"}}), "orderBy"),
    ] {
        let error = job(&mut *session, Kind::Query, "customers", &options).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidJob);
        assert_eq!(error.detail()["option"], option);
        assert!(error.message().contains("did you mean \"name\"?"), "{error}");
    }
}

#[tokio::test]
async fn a_changed_schema_is_seen_at_once_where_a_job_would_fail() {
    let database =
        Database::new("CREATE TABLE t (id INTEGER PRIMARY KEY, old TEXT); INSERT INTO t VALUES (1, 'a')");
    let writer = database.writer();
    let mut session = database.session().await;
    let (rows, _) = job(&mut *session, Kind::Query, "t", &json!({})).await.unwrap();
    assert_eq!(rows, [json!({"id": 1, "old": "a"})]);
    // A column that is gone must not turn into a text of that name.
    writer.execute_batch("ALTER TABLE t RENAME COLUMN old TO new").unwrap();
    let (rows, _) = job(&mut *session, Kind::Query, "t", &json!({})).await.unwrap();
    assert_eq!(rows, [json!({"id": 1, "new": "a"})]);
    let error = job(&mut *session, Kind::Query, "t", &json!({"select": ["old"]})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidJob);
    // A new column is found although the description is young.
    writer.execute_batch("ALTER TABLE t ADD COLUMN extra INT DEFAULT 5").unwrap();
    let (rows, _) = job(&mut *session, Kind::Query, "t", &json!({"select": ["extra"]})).await.unwrap();
    assert_eq!(rows, [json!({"extra": 5})]);
    writer.execute_batch("DROP TABLE t").unwrap();
    let error = job(&mut *session, Kind::Query, "t", &json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTarget, "{error}");
}

#[tokio::test]
async fn a_description_is_read_again_after_a_minute() {
    let database = Database::new("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let writer = database.writer();
    let mut session = database.session().await;
    let all = json!({});
    job(&mut *session, Kind::Query, "t", &all).await.unwrap();
    writer.execute_batch("ALTER TABLE t ADD COLUMN v INT; INSERT INTO t VALUES (1, 2)").unwrap();
    assert_eq!(job(&mut *session, Kind::Query, "t", &all).await.unwrap().0, [json!({"id": 1})]);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    assert_eq!(job(&mut *session, Kind::Query, "t", &all).await.unwrap().0, [json!({"id": 1, "v": 2})]);
}

#[tokio::test]
async fn sessions_of_a_source_share_what_is_known() {
    let database = Database::new("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
    let source = database.source();
    let mut first = source.open(&context()).await.unwrap();
    let mut second = source.open(&context()).await.unwrap();
    for session in [&mut first, &mut second] {
        assert_eq!(count(&mut **session, "t", &json!({})).await.unwrap(), 1);
    }
}
