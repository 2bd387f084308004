//! Pages of tables whose key tells no rows apart, and of those that have none.

use connector_api::Session;
use connector_model::cursor::CursorKind;
use connector_model::request::Kind;
use serde_json::{Value, json};

use crate::Fixture;

/// The pages of a job: their rows, and how each was told to be followed.
async fn pages(
    session: &mut dyn Session,
    kind: Kind,
    target: &str,
    options: &Value,
) -> (Vec<Value>, Vec<CursorKind>) {
    let (mut rows, mut kinds) = (Vec::new(), Vec::new());
    let mut options = options.clone();
    loop {
        let answer = component_tests::job(session, kind, target, &options).await.unwrap();
        rows.extend(answer.rows);
        let Some(cursor) = answer.page.next_cursor else { return (rows, kinds) };
        kinds.extend(answer.page.cursor_kind);
        options["cursor"] = json!(cursor);
        options.as_object_mut().unwrap().remove("offset");
        assert!(kinds.len() < 1_000, "the pages do not end");
    }
}

fn numbers(rows: &[Value], column: &str) -> Vec<i64> {
    rows.iter().map(|row| row[column].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn equal_keys_are_neither_lost_nor_repeated() {
    let fixture = Fixture::with(&[
        "CREATE TABLE t (k Int32, n Int32) ENGINE = MergeTree ORDER BY k",
        "INSERT INTO t SELECT intDiv(number, 7), number FROM numbers(60)",
        "INSERT INTO t SELECT intDiv(number, 7), number FROM numbers(60, 40)",
    ])
    .await;
    let mut session = fixture.session().await;
    for limit in [1, 3, 7, 10, 64] {
        for (kind, options) in [
            (Kind::Read, json!({"limit": limit})),
            (Kind::Query, json!({"limit": limit, "orderBy": {"k": "desc"}})),
            (Kind::Query, json!({"limit": limit, "offset": 5, "where": {"n": {"$gte": 10}}})),
        ] {
            let (rows, kinds) = pages(&mut *session, kind, "t", &options).await;
            let mut found = numbers(&rows, "n");
            found.sort_unstable();
            found.dedup();
            let expected = if options.get("offset").is_some() { 85 } else { 100 };
            assert_eq!((found.len(), rows.len()), (expected, expected), "{options}");
            let keys = numbers(&rows, "k");
            let sorted = |keys: &mut dyn Iterator<Item = &i64>| keys.is_sorted();
            assert!(sorted(&mut keys.iter()) || sorted(&mut keys.iter().rev()), "{options}");
            // Only a page that ends between two keys can be followed by a key.
            if limit == 7 && kind == Kind::Read {
                assert!(kinds.contains(&CursorKind::Keyset), "{kinds:?}");
            }
            if limit == 1 {
                assert!(kinds.contains(&CursorKind::Offset), "{kinds:?}");
            }
        }
    }
}

#[tokio::test]
async fn rows_without_any_order_are_paged_by_counting() {
    let fixture = Fixture::with(&[
        "CREATE TABLE t (n Int32, s Array(Int8)) ENGINE = Memory",
        "INSERT INTO t SELECT number % 20, [1] FROM numbers(50)",
        "CREATE VIEW v AS SELECT n, n % 3 AS m FROM t",
    ])
    .await;
    let mut session = fixture.session().await;
    for (target, options) in [
        ("t", json!({"limit": 7})),
        ("v", json!({"limit": 7})),
        ("v", json!({"limit": 7, "orderBy": {"m": "desc"}})),
    ] {
        let (rows, kinds) = pages(&mut *session, Kind::Query, target, &options).await;
        assert_eq!(rows.len(), 50, "{target} {options}");
        assert!(kinds.iter().all(|kind| *kind == CursorKind::Offset), "{kinds:?}");
        let mut found = numbers(&rows, "n");
        found.sort_unstable();
        let mut expected: Vec<i64> = (0..50).map(|n| n % 20).collect();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn keys_of_odd_types_are_walked_in_the_servers_order() {
    let fixture = Fixture::with(&[
        "CREATE TABLE t (id UUID, f Float64, e Enum8('b' = 1, 'a' = 2), d DateTime64(9), s String) \
         ENGINE = MergeTree ORDER BY (id, e)",
        "INSERT INTO t SELECT reinterpretAsUUID(sipHash128(number)), if(number % 5 = 0, nan, if(number % 7 = 0, -inf, \
         toFloat64(number % 11))), 1 + number % 2, fromUnixTimestamp64Nano(toInt64(number % 9)), \
         if(number % 4 = 0, unhex('ff'), toString(number % 13)) FROM numbers(70)",
    ])
    .await;
    let mut session = fixture.session().await;
    let order = fixture.server.execute("SELECT id FROM t ORDER BY id, e").await.unwrap();
    let (rows, _) = pages(&mut *session, Kind::Read, "t", &json!({"limit": 3})).await;
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, order.lines().collect::<Vec<_>>());
    for column in ["f", "e", "d", "s", "id"] {
        for direction in ["asc", "desc"] {
            let options = json!({"limit": 4, "orderBy": {column: direction}});
            let (rows, _) = pages(&mut *session, Kind::Query, "t", &options).await;
            let nulls = if direction == "asc" { "" } else { " DESC NULLS FIRST" };
            let sorted = fixture
                .server
                .execute(&format!("SELECT id FROM t ORDER BY {column}{nulls}, id, e"))
                .await
                .unwrap();
            let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
            assert_eq!(ids, sorted.lines().collect::<Vec<_>>(), "{column} {direction}");
        }
    }
}

#[tokio::test]
async fn a_page_of_a_large_table_reads_only_its_part() {
    let fixture = Fixture::with(&[
        "CREATE TABLE t (id UInt64, pad String) ENGINE = MergeTree ORDER BY id",
        "INSERT INTO t SELECT number, repeat('x', 100) FROM numbers(2000000)",
    ])
    .await;
    let mut session = fixture.session().await;
    let options = json!({"limit": 100, "cursor": "1900000"});
    let answer = component_tests::job(&mut *session, Kind::Read, "t", &options).await.unwrap();
    assert_eq!(answer.rows.first().unwrap()["id"], json!("1900001"));
    assert_eq!(answer.page.next_cursor.as_deref(), Some("1900100"));
}
