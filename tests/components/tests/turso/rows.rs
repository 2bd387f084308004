//! Values, the catalogue, and what is sent for them.

use component_tests::job;
use connector_api::CallContext;
use connector_model::error::ErrorCode;
use connector_model::request::Kind;
use serde_json::{Value, json};

use crate::{Fixture, query};

#[tokio::test]
async fn every_storage_class_has_its_json() {
    let fixture = Fixture::with(&[
        "CREATE TABLE v (id INTEGER PRIMARY KEY, flag BOOLEAN, big BIGINT, r REAL, t TEXT, b BLOB, d DATETIME, j JSON, any_)",
        "INSERT INTO v VALUES (1, 1, 9007199254740991, 0.1, 'it''s \"ü\" 😀', x'00ff10', '2024-03-01 10:00:00', '{\"a\":[1.10]}', 5)",
        "INSERT INTO v VALUES (2, 0, 9223372036854775807, 9e999, '', x'', 1709287200000, 'no json', 'text')",
        "INSERT INTO v (id) VALUES (3)",
    ])
    .await;
    let mut session = fixture.session().await;
    let rows = query(&mut *session, "v", json!({})).await.unwrap().rows;
    assert_eq!(
        rows,
        [
            json!({"id": 1, "flag": 1, "big": 9_007_199_254_740_991_i64, "r": 0.1, "t": "it's \"ü\" 😀", "b": "AP8Q",
                   "d": "2024-03-01 10:00:00", "j": {"a": [1.1]}, "any_": 5}),
            json!({"id": 2, "flag": 0, "big": "9223372036854775807", "r": null, "t": "", "b": "",
                   "d": 1_709_287_200_000_i64, "j": "no json", "any_": "text"}),
            json!({"id": 3, "flag": null, "big": null, "r": null, "t": null, "b": null, "d": null, "j": null, "any_": null}),
        ]
    );
    let mut buffers = fixture.session_with(&[("binary", "buffer")]).await.unwrap();
    let rows = query(&mut *buffers, "v", json!({"select": ["b"], "limit": 1})).await.unwrap().rows;
    assert_eq!(rows, [json!({"b": {"type": "Buffer", "data": [0, 255, 16]}})]);
}

#[tokio::test]
async fn targets_are_described_as_the_pragmas_say() {
    let fixture = Fixture::with(&[
        "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE)",
        "CREATE UNIQUE INDEX by_name ON parent (name COLLATE BINARY)",
        "CREATE TABLE pairs (a TEXT NOT NULL, b INT NOT NULL, note, PRIMARY KEY (b, a))",
        "CREATE TABLE named (code TEXT NOT NULL, label VARCHAR, UNIQUE (code))",
        "CREATE TABLE loose (name TEXT NOT NULL COLLATE NOCASE)",
        "CREATE UNIQUE INDEX loose_name ON loose (name COLLATE BINARY)",
        "CREATE TABLE \"odd \"\"name\"\".x\" (\"a`b\" INT PRIMARY KEY)",
        "CREATE TABLE apart (k TEXT PRIMARY KEY, v) WITHOUT ROWID",
        "CREATE VIEW seen AS SELECT * FROM parent",
        "INSERT INTO parent VALUES (1, 'a'), (2, 'b')",
        "ANALYZE parent",
    ])
    .await;
    let cx = || CallContext::within(component_tests::open::LIMIT);
    let mut session = fixture.session().await;
    let targets = session.list_targets(&cx()).await.unwrap();
    let listed: Vec<(&str, &str, Option<u64>)> =
        targets.iter().map(|target| (&*target.name, &*target.kind, target.estimated_rows)).collect();
    assert_eq!(
        listed,
        [
            ("apart", "table", None),
            ("loose", "table", None),
            ("named", "table", None),
            ("odd \"name\".x", "table", None),
            ("pairs", "table", None),
            ("parent", "table", Some(2)),
            ("seen", "view", None),
        ]
    );
    for (target, primary_key, key) in [
        ("parent", &["id"][..], &["id"][..]),
        ("main.pairs", &["b", "a"], &["b", "a"]),
        ("named", &[], &["code"]),
        ("loose", &[], &[]),
        ("odd \"name\".x", &["a`b"], &[]),
        ("apart", &["k"], &["k"]),
        ("PARENT", &["id"], &["id"]),
    ] {
        let schema = session.introspect(&cx(), target).await.unwrap();
        assert_eq!((schema.primary_key, schema.key), (owned(primary_key), owned(key)), "{target}");
    }
    let named = session.introspect(&cx(), "named").await.unwrap();
    let types: Vec<&str> = named.columns.iter().map(|column| column.native_type.as_str()).collect();
    assert_eq!(types, ["TEXT", "VARCHAR"]);
    let error = session.introspect(&cx(), "parnt").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTarget);
    assert!(error.message().contains("\"parent\""), "{error}");
}

#[tokio::test]
async fn what_only_sqlite_has_is_described_too() {
    let fixture = Fixture::sqlite().await;
    let statements = [
        "CREATE TABLE Mixed (Id INTEGER PRIMARY KEY, a INT, Twice INT GENERATED ALWAYS AS (a * 2) VIRTUAL)",
        "INSERT INTO Mixed (Id, a) VALUES (1, 21)",
        "CREATE VIEW typed AS SELECT Id AS number, a FROM Mixed",
        "CREATE VIRTUAL TABLE words USING fts5(word)",
        "INSERT INTO words VALUES ('here')",
        "CREATE TABLE sparse (a INT NOT NULL, b INT NOT NULL)",
        "CREATE UNIQUE INDEX some ON sparse (a) WHERE b > 0",
        "CREATE UNIQUE INDEX computed ON sparse (a + b)",
        "ANALYZE",
    ];
    fixture.server.execute(&statements).await.unwrap();
    let cx = || CallContext::within(component_tests::open::LIMIT);
    let mut session = fixture.session().await;
    let targets = session.list_targets(&cx()).await.unwrap();
    let listed: Vec<(&str, &str)> = targets.iter().map(|target| (&*target.name, &*target.kind)).collect();
    assert_eq!(listed, [("Mixed", "table"), ("sparse", "table"), ("typed", "view"), ("words", "virtual")]);
    assert_eq!(
        query(&mut *session, "Mixed", json!({})).await.unwrap().rows,
        [json!({"Id": 1, "a": 21, "Twice": 42})]
    );
    assert_eq!(query(&mut *session, "words", json!({})).await.unwrap().rows, [json!({"word": "here"})]);
    let typed = session.introspect(&cx(), "typed").await.unwrap();
    assert_eq!(
        typed.columns.iter().map(|column| &*column.native_type).collect::<Vec<_>>(),
        ["INTEGER", "INT"]
    );
    let sparse = session.introspect(&cx(), "sparse").await.unwrap();
    assert!(sparse.key.is_empty() && sparse.primary_key.is_empty());
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn a_table_that_changed_is_looked_at_again() {
    let fixture =
        Fixture::with(&["CREATE TABLE t (id INTEGER PRIMARY KEY, a)", "INSERT INTO t VALUES (1, 2)"]).await;
    let mut session = fixture.session().await;
    query(&mut *session, "t", json!({})).await.unwrap();
    fixture.server.execute(&["ALTER TABLE t RENAME COLUMN a TO b"]).await.unwrap();
    assert_eq!(query(&mut *session, "t", json!({})).await.unwrap().rows, [json!({"id": 1, "b": 2})]);
    fixture.server.execute(&["ALTER TABLE t RENAME COLUMN b TO c"]).await.unwrap();
    let counted = job(&mut *session, Kind::Count, "t", &json!({"where": {"c": 2}})).await.unwrap();
    assert_eq!(counted.page.total, Some(1));
    fixture.server.execute(&["ALTER TABLE t RENAME COLUMN c TO d"]).await.unwrap();
    let groups = json!({"dimensions": [{"field": "d"}], "measures": {"n": {"agg": "count"}}});
    let groups = job(&mut *session, Kind::Aggregate, "t", &groups).await.unwrap().rows;
    assert_eq!(groups, [json!({"dims": {"d": 2}, "measures": {"n": 1}, "count": 1})]);
}

#[tokio::test]
async fn nothing_is_ever_sent_that_could_write() {
    let fixture =
        Fixture::with(&["CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)", "INSERT INTO t VALUES (1, 'x')"])
            .await;
    let mut session = fixture.session().await;
    let hostile = "x'; DROP TABLE t; --";
    for options in [
        json!({"where": {"a": hostile}}),
        json!({"where": {"a": {"$contains": hostile}}, "limit": 1}),
        json!({"where": {"id": {"$in": (0..5_000).collect::<Vec<i32>>()}}}),
    ] {
        query(&mut *session, "t", options).await.unwrap();
    }
    assert!(query(&mut *session, hostile, json!({})).await.is_err());
    assert!(query(&mut *session, "t", json!({"orderBy": [{"field": hostile}]})).await.is_err());
    let tops = json!({"dimensions": [], "measures": {"n": {"agg": "top_k", "column": "a", "k": 3}}});
    job(&mut *session, Kind::Aggregate, "t", &tops).await.unwrap();
    let requests = fixture.server.requests();
    for request in &requests {
        let body: Value = serde_json::from_str(&request.body).unwrap();
        for statement in body["requests"].as_array().unwrap() {
            let Some(sql) = statement.pointer("/stmt/sql").and_then(Value::as_str) else {
                assert_eq!(statement["type"], "close");
                continue;
            };
            let word = sql.split([' ', '(']).next().unwrap();
            assert!(["SELECT", "PRAGMA", "WITH"].contains(&word) && !sql.contains("DROP"), "{sql}");
        }
        assert_eq!(body["requests"].as_array().unwrap().last().unwrap()["type"], "close");
    }
    assert!(requests.len() > 8);
}
