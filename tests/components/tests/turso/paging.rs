//! Results that are larger than a page.

use component_tests::job;
use connector_api::Session;
use connector_model::cursor::CursorKind;
use connector_model::error::ErrorCode;
use connector_model::request::Kind;
use serde_json::{Value, json};
use test_servers::TursoOptions;

use crate::{Fixture, numbers, query};

/// The statements that came, of those that read this table's rows.
fn pages(fixture: &Fixture, table: &str) -> usize {
    let from = format!("FROM `main`.`{table}`");
    fixture.server.requests().iter().filter(|request| request.body.contains(&from)).count()
}

fn ids(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_whole_table_comes_in_pages_and_nothing_twice() {
    let fixture = Fixture::plain().await;
    fixture.server.execute(&numbers(30_000, 100)).await.unwrap();
    let mut session = fixture.session().await;
    for options in [json!({}), json!({"orderBy": [{"field": "id", "dir": "desc"}]}), json!({"limit": 29_999})]
    {
        let before = pages(&fixture, "numbers");
        let answer = query(&mut *session, "numbers", options.clone()).await.unwrap();
        let asked = pages(&fixture, "numbers") - before;
        let expected: Vec<i64> = match (options.get("orderBy"), options.get("limit")) {
            (Some(_), _) => (1..=30_000).rev().collect(),
            (None, Some(_)) => (1..=29_999).collect(),
            (None, None) => (1..=30_000).collect(),
        };
        assert_eq!(ids(&answer.rows), expected, "{options}");
        assert_eq!(answer.page.total, Some(30_000), "{options}");
        assert_eq!(answer.page.next_cursor.is_some(), options.get("limit").is_some());
        assert!((4..40).contains(&asked), "{asked} statements for {options}");
    }
}

#[tokio::test]
async fn a_table_without_a_key_is_read_by_its_rows_numbers_and_a_view_by_counting() {
    let fixture = Fixture::plain().await;
    fixture.server.execute(&numbers(5_000, 10)).await.unwrap();
    let rest = [
        "CREATE TABLE keyless (id INT, rowid TEXT, t TEXT)",
        "INSERT INTO keyless SELECT id / 2, 'taken', t FROM numbers",
        "CREATE VIEW seen AS SELECT id, t FROM numbers",
    ];
    fixture.server.execute(&rest).await.unwrap();
    let mut session = fixture.session().await;
    let answer = query(&mut *session, "keyless", json!({})).await.unwrap();
    let mut found = ids(&answer.rows);
    found.sort_unstable();
    assert_eq!(found, (1..=5_000).map(|id| id / 2).collect::<Vec<_>>());
    assert_eq!(answer.rows[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "rowid", "t"]);
    let body = fixture.server.requests().last().unwrap().body.clone();
    assert!(body.contains("ORDER BY `_rowid_`"), "{body}");

    let mut seen = ids(&query(&mut *session, "seen", json!({"select": ["id"]})).await.unwrap().rows);
    seen.sort_unstable();
    assert_eq!(seen, (1..=5_000).collect::<Vec<_>>());
    // Whoever pages by themselves is told how.
    let page = query(&mut *session, "keyless", json!({"limit": 10})).await.unwrap().page;
    assert_eq!(page.cursor_kind, Some(CursorKind::Offset));
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_asked_for_in_smaller_pieces() {
    // As much as this server gives is less than a first page would be.
    let options = TursoOptions { keeps_streams: true, max_answer: Some(100_000), ..TursoOptions::default() };
    let fixture = Fixture::start(options).await;
    fixture.server.execute(&numbers(2_000, 1_000)).await.unwrap();
    let mut session = fixture.session().await;
    let rows = query(&mut *session, "numbers", json!({})).await.unwrap().rows;
    assert_eq!(ids(&rows), (1..=2_000).collect::<Vec<_>>());
    let groups = json!({"dimensions": [{"field": "id"}], "measures": {"n": {"agg": "count"}}});
    let error = job(&mut *session, Kind::Aggregate, "numbers", &groups).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ResultTooLarge, "{error}");
    assert!(error.message().contains("groups"), "{error}");
}

#[tokio::test]
async fn large_rows_come_one_by_one_and_too_large_ones_end_the_job() {
    let fixture = Fixture::plain().await;
    fixture.server.execute(&numbers(12, 3_000_000)).await.unwrap();
    let mut session = fixture.session().await;
    let rows = query(&mut *session, "numbers", json!({})).await.unwrap().rows;
    assert_eq!(ids(&rows), (1..=12).collect::<Vec<_>>());
    assert!(rows.iter().all(|row| row["t"].as_str().map(str::len) == Some(3_000_000)));

    let large = ["UPDATE numbers SET t = hex(zeroblob(4500000)) WHERE id = 7"];
    fixture.server.execute(&large).await.unwrap();
    let error = query(&mut *session, "numbers", json!({})).await.unwrap_err();
    assert_eq!(
        (error.code(), &error.detail()["column"]),
        (ErrorCode::ResultTooLarge, &json!("t")),
        "{error}"
    );
    let mut session = fixture.session().await;
    let larger = ["UPDATE numbers SET t = hex(zeroblob(11000000)) WHERE id = 7"];
    fixture.server.execute(&larger).await.unwrap();
    let error = query(&mut *session, "numbers", json!({"where": {"id": 7}})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ResultTooLarge, "{error}");
    let mut session = fixture.session().await;
    let left_out = query(&mut *session, "numbers", json!({"select": ["id"]})).await.unwrap();
    assert_eq!(left_out.rows.len(), 12);
}

#[tokio::test]
async fn pages_follow_keys_of_every_storage_class() {
    let fixture = Fixture::with(&[
        "CREATE TABLE keys (k PRIMARY KEY NOT NULL, r REAL NOT NULL UNIQUE)",
        "INSERT INTO keys VALUES (1, -9e999), (0.1, 9e999), ('1', 0.1), (x'31', 3.3333333333333335e-7), \
         ('é', 2.2250738585072011e-308), (-9223372036854775808, 123456789.01234567), (1e300, 5e-324)",
    ])
    .await;
    let mut session = fixture.session().await;
    for order in [json!([]), json!([{"field": "r"}]), json!([{"field": "r", "dir": "desc"}])] {
        let whole = query(&mut *session, "keys", json!({"orderBy": order})).await.unwrap().rows;
        let walked = walk(&mut *session, &order).await;
        assert_eq!((walked.len(), &walked), (7, &whole), "{order}");
    }
}

/// Reads `keys` row by row.
async fn walk(session: &mut dyn Session, order: &Value) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut options = json!({"orderBy": order, "limit": 1});
        if let Some(cursor) = cursor {
            options["cursor"] = json!(cursor);
        }
        let answer = query(session, "keys", options).await.unwrap();
        rows.extend(answer.rows);
        match answer.page.next_cursor {
            Some(next) if rows.len() < 20 => cursor = Some(next),
            _ => return rows,
        }
    }
}
