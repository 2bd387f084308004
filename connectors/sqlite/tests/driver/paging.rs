//! Pages, and what is neither lost nor repeated between them.

use connector_api::Session;
use connector_model::ErrorCode;
use connector_model::cursor::CursorKind;
use connector_model::request::Kind;
use serde_json::{Value, json};

use super::subject::{Database, job};

/// Every row of a walk over pages, and the kind of its cursors.
async fn walk(
    session: &mut dyn Session,
    kind: Kind,
    target: &str,
    options: &Value,
) -> (Vec<Value>, Option<CursorKind>) {
    let mut options = options.clone();
    let (mut all, mut cursors) = (Vec::new(), None);
    for page_number in 0..1_000 {
        let (rows, page) = job(session, kind, target, &options).await.unwrap();
        assert_eq!(page.total.is_some(), page_number == 0, "the total stands on the first page only");
        all.extend(rows);
        cursors = cursors.or(page.cursor_kind);
        match page.next_cursor {
            Some(cursor) => options["cursor"] = cursor.into(),
            None => return (all, cursors),
        }
    }
    panic!("a walk without end");
}

fn numbers(from: i64, to: i64) -> String {
    format!("WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})")
}

#[tokio::test]
async fn a_read_walks_every_kind_of_table_once() {
    let fill = numbers(1, 50);
    let database = Database::new(&format!(
        "CREATE TABLE number (id INTEGER PRIMARY KEY, v INT); {fill} INSERT INTO number SELECT i, i FROM n;
         CREATE TABLE word (k TEXT PRIMARY KEY NOT NULL, v INT); {fill} INSERT INTO word SELECT 'v1.' || i, i FROM n;
         CREATE TABLE pair (a INT NOT NULL, b TEXT NOT NULL, v INT, PRIMARY KEY (b, a));
         {fill} INSERT INTO pair SELECT i % 5, 'k' || (i / 5), i FROM n;
         CREATE TABLE packed (a REAL, b BLOB, v INT, PRIMARY KEY (a, b)) WITHOUT ROWID;
         {fill} INSERT INTO packed SELECT i % 5 / 3.0, CAST(i AS BLOB), i FROM n;
         CREATE TABLE uniq (u DECIMAL NOT NULL UNIQUE, v INT); {fill} INSERT INTO uniq SELECT i + 9007199254740980, i FROM n;
         CREATE TABLE flag (f BOOLEAN NOT NULL, k INT NOT NULL, v INT, PRIMARY KEY (f, k)); {fill} INSERT INTO flag SELECT i % 2, i, i FROM n;"
    ));
    let mut session = database.session().await;
    for target in ["number", "word", "pair", "packed", "uniq", "flag"] {
        for limit in [1, 7, 50, 60] {
            let options = json!({"limit": limit, "fields": ["v"]});
            let (rows, cursors) = walk(&mut *session, Kind::Read, target, &options).await;
            let mut found: Vec<_> = rows.iter().map(|row| row["v"].as_i64().unwrap()).collect();
            found.sort_unstable();
            assert_eq!(found, (1..=50).collect::<Vec<_>>(), "{target} by {limit}");
            assert_eq!(cursors, (limit < 50).then_some(CursorKind::Keyset), "{target} by {limit}");
            assert!(rows.iter().all(|row| row.as_object().unwrap().len() == 1), "hidden keys stay hidden");
        }
    }
}

#[tokio::test]
async fn a_key_that_may_be_null_or_partial_or_collated_otherwise_is_no_key() {
    let fill = numbers(1, 20);
    let database = Database::new(&format!(
        "CREATE TABLE bare (v INT); {fill} INSERT INTO bare SELECT i % 3 FROM n;
         CREATE TABLE nullable (k TEXT PRIMARY KEY, v INT); {fill} INSERT INTO nullable SELECT NULL, i FROM n;
         CREATE TABLE partial (k INT NOT NULL, v INT); CREATE UNIQUE INDEX p ON partial(k) WHERE v > 5;
         {fill} INSERT INTO partial SELECT CASE WHEN i > 5 THEN i ELSE 0 END, i FROM n;
         CREATE TABLE computed (k INT NOT NULL, v INT); CREATE UNIQUE INDEX c ON computed(k + v);
         {fill} INSERT INTO computed SELECT 0, i FROM n;
         CREATE TABLE folded (k TEXT NOT NULL COLLATE NOCASE, v INT); CREATE UNIQUE INDEX f ON folded(k COLLATE BINARY);
         INSERT INTO folded VALUES ('a', 1), ('A', 2), ('b', 3), ('B', 4);
         CREATE VIEW seen AS SELECT v FROM computed;"
    ));
    let mut session = database.session().await;
    for (target, rows) in
        [("bare", 20), ("nullable", 20), ("partial", 20), ("computed", 20), ("folded", 4), ("seen", 20)]
    {
        let (found, cursors) = walk(&mut *session, Kind::Read, target, &json!({"limit": 3})).await;
        assert_eq!(cursors, Some(CursorKind::Offset), "{target}");
        assert_eq!(found.len(), rows, "{target}");
    }
}

#[tokio::test]
async fn an_ordered_query_walks_nulls_and_both_directions() {
    let fill = numbers(1, 60);
    let database = Database::new(&format!(
        "CREATE TABLE o (id INTEGER PRIMARY KEY, a INT, b TEXT);
         {fill} INSERT INTO o SELECT i, CASE WHEN i % 4 > 0 THEN i % 3 END, CASE WHEN i % 5 > 0 THEN 'b' || (i % 2) END FROM n"
    ));
    let mut session = database.session().await;
    for a in ["asc", "desc"] {
        for b in ["asc", "desc"] {
            let order = json!([{"field": "a", "dir": a}, {"field": "b", "dir": b}]);
            let (whole, _) =
                job(&mut *session, Kind::Query, "o", &json!({"orderBy": order, "offset": 0, "limit": 100}))
                    .await
                    .unwrap();
            let (paged, cursors) =
                walk(&mut *session, Kind::Query, "o", &json!({"orderBy": order, "limit": 7})).await;
            assert_eq!(cursors, Some(CursorKind::Keyset));
            assert_eq!(paged, whole, "{a} {b}");
            assert_eq!(paged.len(), 60);
        }
    }
}

#[tokio::test]
async fn a_key_of_another_storage_class_than_declared_is_walked_too() {
    let database = Database::new(
        "CREATE TABLE m (k INT NOT NULL PRIMARY KEY, v INT) WITHOUT ROWID;
         INSERT INTO m VALUES (1, 1), (2.5, 2), (3, 3), ('text', 4), ('te' || char(0) || 'xt', 5), (x'0102', 6), ('5x', 7);
         CREATE TABLE d (k DECIMAL NOT NULL PRIMARY KEY, v INT) WITHOUT ROWID;
         INSERT INTO d VALUES (1, 1), (2.5, 2), (1e999, 3), ('n/a', 4), (-1e999, 5);
         CREATE TABLE t (k TEXT NOT NULL PRIMARY KEY, v INT) WITHOUT ROWID;
         INSERT INTO t VALUES ('a', 1), ('a' || char(0), 2), ('a' || char(0) || 'b', 3), (x'61', 4), ('', 5)",
    );
    let mut session = database.session().await;
    for (target, rows) in [("m", 7), ("d", 5), ("t", 5)] {
        let (found, cursors) = walk(&mut *session, Kind::Read, target, &json!({"limit": 1})).await;
        assert_eq!(cursors, Some(CursorKind::Keyset), "{target}");
        let mut found: Vec<_> = found.iter().map(|row| row["v"].as_i64().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, (1..=rows).collect::<Vec<_>>(), "{target}");
    }
}

#[tokio::test]
async fn a_cursor_of_something_else_is_refused() {
    let database = Database::new(
        "CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (1), (2), (3);
         CREATE TABLE b (x INT NOT NULL, y INT NOT NULL, PRIMARY KEY (x, y)); INSERT INTO b VALUES (1, 1), (1, 2)",
    );
    let mut session = database.session().await;
    let (_, page) = job(&mut *session, Kind::Read, "b", &json!({"limit": 1})).await.unwrap();
    let of_b = page.next_cursor.unwrap();
    for (target, cursor) in [("a", of_b.as_str()), ("a", "one"), ("b", "1"), ("b", "v1.!!"), ("a", "v1.e30")]
    {
        let error = job(&mut *session, Kind::Read, target, &json!({"cursor": cursor})).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidJob, "{target} {cursor}");
        assert_eq!(error.detail()["option"], "cursor");
    }
    let (rows, page) = job(&mut *session, Kind::Read, "a", &json!({"cursor": "2"})).await.unwrap();
    assert_eq!((rows, page.next_cursor, page.total), (vec![json!({"id": 3})], None, None));
}
