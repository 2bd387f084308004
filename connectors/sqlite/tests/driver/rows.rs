//! Values, filters and totals.

use connector_model::ErrorCode;
use connector_model::request::Kind;
use serde_json::{Value, json};

use super::subject::{Database, context, count, job, source};

#[tokio::test]
async fn every_storage_class_has_its_json() {
    let database = Database::new(
        "CREATE TABLE v (id INTEGER PRIMARY KEY, i INT, r REAL, t TEXT, b BLOB, j JSON, f BOOLEAN, any);
         INSERT INTO v VALUES
           (1, 9223372036854775807, 1e400, CAST(x'61ff62' AS TEXT), x'00ff', '{\"a\": 1.10}', 1, 5),
           (2, -9223372036854775808, -1e400, 'a' || char(0) || 'b', x'', '{broken', 0, 2.5),
           (3, 9007199254740991, 0.1, 'wide 𝄞 \"quoted\" \\ ', NULL, '[1,[2]]', NULL, 'text'),
           (4, 9007199254740992, 1.0, '', x'', 'null', 7, x'01')",
    );
    let mut session = database.session().await;
    let (rows, _) = job(&mut *session, Kind::Read, "v", &json!({})).await.unwrap();
    assert_eq!(
        Value::from(rows),
        json!([
            {"id": 1, "i": "9223372036854775807", "r": null, "t": "a\u{fffd}b", "b": "AP8=", "j": {"a": 1.10}, "f": 1, "any": 5},
            {"id": 2, "i": "-9223372036854775808", "r": null, "t": "a\0b", "b": "", "j": "{broken", "f": 0, "any": 2.5},
            {"id": 3, "i": 9007199254740991_i64, "r": 0.1, "t": "wide 𝄞 \"quoted\" \\ ", "b": null, "j": [1, [2]], "f": null, "any": "text"},
            {"id": 4, "i": "9007199254740992", "r": 1, "t": "", "b": "", "j": null, "f": 7, "any": "AQ=="},
        ])
    );
    let path = database.path().to_str().unwrap();
    let source = source(&[("path", path), ("binary", "buffer")]).unwrap();
    let mut session = source.open(&context()).await.unwrap();
    let options = json!({"select": ["b"], "where": {"id": 1}});
    let (rows, _) = job(&mut *session, Kind::Query, "v", &options).await.unwrap();
    assert_eq!(rows, [json!({"b": {"type": "Buffer", "data": [0, 255]}})]);
}

#[tokio::test]
async fn a_row_above_the_limit_ends_the_job_and_the_session_serves_on() {
    let database = Database::new(
        "CREATE TABLE big (id INTEGER PRIMARY KEY, b BLOB, t TEXT);
         INSERT INTO big VALUES (1, zeroblob(9 * 1024 * 1024), NULL), (2, zeroblob(7 * 1024 * 1024), NULL),
           (3, zeroblob(40 * 1024 * 1024), NULL), (4, NULL, 'small')",
    );
    let mut session = database.session().await;
    for id in [1, 2, 3] {
        let options = json!({"where": {"id": id}});
        let error = job(&mut *session, Kind::Query, "big", &options).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ResultTooLarge, "{id}: {error}");
        assert!(session.reusable());
    }
    let options = json!({"where": {"t": "small"}, "select": ["id"]});
    let (rows, _) = job(&mut *session, Kind::Query, "big", &options).await.unwrap();
    assert_eq!(rows, [json!({"id": 4})]);
}

#[tokio::test]
async fn filters_compare_as_the_column_stores() {
    let database = Database::new(
        "CREATE TABLE f (id INTEGER PRIMARY KEY, n INT, d DECIMAL(10,2), name TEXT, on_ BOOLEAN, b BLOB, at DATETIME, u);
         INSERT INTO f VALUES
           (1, 10, 1.10, 'Ada', 1, x'01', '2024-01-01T00:00:00Z', 5),
           (2, 9, 20, 'bob', 0, x'02', '2024-06-01 12:00:00', '5'),
           (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    );
    let mut session = database.session().await;
    for (filter, ids) in [
        (json!({"n": {"$gt": 9}}), vec![1]),
        (json!({"n": {"$gt": "9"}}), vec![1]),
        (json!({"n": {"$in": ["9", "x", 10]}}), vec![1, 2]),
        (json!({"n": {"$in": [9, null]}}), vec![2, 3]),
        (json!({"n": {"$nin": [9]}}), vec![1]),
        (json!({"$not": {"n": 9}}), vec![1]),
        (json!({"n": []}), vec![]),
        (json!({"n": {"$nin": []}}), vec![1, 2, 3]),
        (json!({"d": "1.10"}), vec![1]),
        (json!({"d": {"$gte": 1.1}}), vec![1, 2]),
        (json!({"name": {"$contains": "D"}}), vec![1]),
        (json!({"name": {"$like": "A%"}}), vec![1]),
        (json!({"name": {"$like": "a%"}}), vec![]),
        (json!({"name": {"$ilike": "B_B"}}), vec![2]),
        (json!({"on_": true}), vec![1]),
        (json!({"on_": {"$ne": true}}), vec![2]),
        (json!({"b": "Ag=="}), vec![2]),
        (json!({"b": {"$in": ["Ag==", "AQ=="]}}), vec![1, 2]),
        (json!({"at": {"$gt": "2024-03-01"}}), vec![2]),
        (json!({"u": 5}), vec![1, 2]),
        (json!({"name": {"$in": ["Ada\0x"]}}), vec![]),
        (json!({"name": {"$nin": ["Ada\0", "bob\0"]}}), vec![1, 2]),
        (json!({"name": {"$contains": "A\0zzz"}}), vec![]),
        (json!({"name": {"$like": "A%\0zzz"}}), vec![]),
        (json!({"name": "Ada\0"}), vec![]),
        (json!({"name": null}), vec![3]),
        (json!({"name": {"$exists": true}}), vec![1, 2]),
        (json!({"$or": [{"id": 1}, {"name": "bob"}]}), vec![1, 2]),
        (json!({"$or": []}), vec![]),
        (json!({}), vec![1, 2, 3]),
    ] {
        let options = json!({"where": filter, "select": ["id"], "orderBy": {"id": "asc"}});
        let (rows, _) = job(&mut *session, Kind::Query, "f", &options).await.unwrap();
        let found: Vec<_> = rows.iter().map(|row| row["id"].as_i64().unwrap()).collect();
        assert_eq!(found, ids, "{filter}");
        assert_eq!(count(&mut *session, "f", &json!({"where": filter})).await.unwrap(), ids.len() as u64);
    }
}

#[tokio::test]
async fn fifty_thousand_keys_are_one_parameter_and_ten_thousand_conditions_one_statement() {
    let database = Database::new(
        "CREATE TABLE k (id INTEGER PRIMARY KEY, t TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
         INSERT INTO k SELECT i, 't' || i FROM n",
    );
    let mut session = database.session().await;
    let ids: Vec<i64> = (1..=50_000).collect();
    let options = json!({"where": {"id": {"$in": ids}}, "select": ["id"]});
    let (rows, _) = job(&mut *session, Kind::BatchRead, "k", &options).await.unwrap();
    assert_eq!(rows.len(), 50_000);
    let any: Vec<Value> = (0..9_000).map(|id| json!({"id": id})).collect();
    assert_eq!(count(&mut *session, "k", &json!({"where": {"$or": any}})).await.unwrap(), 8_999);
    let deep = (0..60).fold(json!({"id": 7}), |inner, _| json!({"$not": inner}));
    assert_eq!(count(&mut *session, "k", &json!({"where": deep})).await.unwrap(), 1);
}

#[tokio::test]
async fn hostile_names_and_values_are_only_names_and_values() {
    let evil = "x\"; DROP TABLE \"t`; --' [a].b";
    let quoted = evil.replace('"', "\"\"");
    let database = Database::new(&format!(
        "CREATE TABLE \"{quoted}\" (\"{quoted}\" TEXT PRIMARY KEY NOT NULL, \"select\" INT);
         INSERT INTO \"{quoted}\" VALUES ('a', 1), ('b', 2)"
    ));
    let mut session = database.session().await;
    let options =
        json!({"where": {evil: {"$in": ["a", evil]}}, "orderBy": {evil: "desc"}, "select": [evil, "select"]});
    let (rows, _) = job(&mut *session, Kind::Query, evil, &options).await.unwrap();
    assert_eq!(rows, [json!({evil: "a", "select": 1})]);
    let error = job(&mut *session, Kind::Query, "t'; --", &json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTarget);
    assert_eq!(session.list_targets(&context().call).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_total_is_what_matches_whatever_the_limit_is() {
    let database = Database::new(
        "CREATE TABLE n (id INTEGER PRIMARY KEY, even BOOLEAN);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
         INSERT INTO n SELECT i, i % 2 = 0 FROM n",
    );
    let mut session = database.session().await;
    for (options, rows, total) in [
        (json!({}), 100, Some(100)),
        (json!({"limit": 10}), 10, Some(100)),
        (json!({"limit": 0}), 0, Some(100)),
        (json!({"limit": 10, "offset": 95}), 5, Some(100)),
        (json!({"limit": 10, "offset": 500}), 0, Some(100)),
        (json!({"offset": 40}), 60, Some(100)),
        (json!({"limit": 10, "where": {"even": true}}), 10, Some(50)),
        (json!({"limit": 10, "where": {"id": -1}}), 0, Some(0)),
        (json!({"limit": 10, "includeTotal": false}), 10, None),
    ] {
        let (found, page) = job(&mut *session, Kind::Query, "n", &options).await.unwrap();
        assert_eq!((found.len(), page.total), (rows, total), "{options}");
        assert_eq!(page.next_cursor.is_some(), rows == 10, "{options}");
    }
    let (_, page) = job(&mut *session, Kind::BatchRead, "n", &json!({"limit": 5})).await.unwrap();
    assert_eq!(page.total, None);
    let (rows, page) = job(&mut *session, Kind::Read, "n", &json!({"limit": 0})).await.unwrap();
    assert_eq!((rows.len(), page.total, page.next_cursor), (0, Some(100), None));
}

#[tokio::test]
async fn rows_and_total_are_of_one_moment() {
    let database = Database::new(
        "PRAGMA journal_mode = WAL; CREATE TABLE n (id INTEGER PRIMARY KEY);
         INSERT INTO n VALUES (1), (2), (3)",
    );
    let writer = database.writer();
    let mut session = database.session().await;
    for round in 0..50_i64 {
        writer.execute("INSERT INTO n VALUES (?1)", [round + 10]).unwrap();
        let (_, page) = job(&mut *session, Kind::Query, "n", &json!({"limit": 1})).await.unwrap();
        assert_eq!(page.total, Some(u64::try_from(round).unwrap() + 4));
        // No transaction is left open: the log can be emptied.
        let busy: i64 = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
        assert_eq!(busy, 0);
    }
}

#[tokio::test]
async fn changed_since_is_strictly_later_in_texts_and_numbers() {
    let database = Database::new(
        "CREATE TABLE c (id INTEGER PRIMARY KEY, updated_at DATETIME, ms INTEGER);
         INSERT INTO c VALUES
           (1, '2024-01-01 10:00:00', 1704103200000), (2, '2024-01-01T10:00:00.000Z', 1704103200001),
           (3, '2024-01-01 10:00:00.000001', 1704103200002), (4, 1704103200001, NULL), (5, NULL, NULL)",
    );
    let mut session = database.session().await;
    let since = |column: &str, moment: Value| json!({"changedSince": moment, "changeTrackingColumn": column});
    for (options, ids) in [
        (since("updated_at", json!("2024-01-01T10:00:00Z")), vec![3, 4]),
        (since("updated_at", json!("2024-01-01T12:00:00+02:00")), vec![3, 4]),
        (since("updated_at", json!("2024-01-01T09:59:59.999999Z")), vec![1, 2, 3, 4]),
        (since("ms", json!(1_704_103_200_001_i64)), vec![3]),
    ] {
        let (rows, _) = job(&mut *session, Kind::Read, "c", &options).await.unwrap();
        let found: Vec<_> = rows.iter().map(|row| row["id"].as_i64().unwrap()).collect();
        assert_eq!(found, ids, "{options}");
    }
    let error = job(&mut *session, Kind::Read, "c", &since("changed", json!(0))).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidJob);
    assert!(error.message().contains("changeTrackingColumn"), "{error}");
}
