//! Groups and their measures, computed by the server.

use connector_api::{CallContext, Session};
use connector_model::request::Kind;
use driver_tests::{LIMIT, job};
use serde_json::{Value, json};

use crate::Server;

async fn groups(session: &mut dyn Session, target: &str, options: Value) -> Vec<Value> {
    let cx = CallContext::within(LIMIT);
    job(session, Kind::Aggregate, target, &options, &cx).await.unwrap_or_else(|error| panic!("{error}")).rows
}

#[tokio::test]
async fn a_date_that_is_none_is_null_to_every_measure() {
    let server = Server::start().await;
    server
        .run(
            "SET sql_mode = '';
             CREATE TABLE t (id int PRIMARY KEY, d date, at datetime(6), ts timestamp NULL);
             INSERT INTO t VALUES (1, '0000-00-00', '0000-00-00', '0000-00-00'),
                                  (2, '2024-02-29', '2024-02-29 12:00', '2024-02-29 12:00'),
                                  (3, '2024-03-01', '2024-03-01 12:00', '2024-03-01 12:00'),
                                  (4, '2024-12-00', '2024-00-10', NULL), (5, NULL, NULL, NULL);",
        )
        .await;
    let mut session = server.session().await;
    for column in ["d", "at", "ts"] {
        let (least, greatest) = match column {
            "d" => ("2024-02-29T00:00:00.000Z", "2024-03-01T00:00:00.000Z"),
            _ => ("2024-02-29T12:00:00.000Z", "2024-03-01T12:00:00.000Z"),
        };
        let options = json!({"measures": {
            "n": {"agg": "count", "column": column}, "different": {"agg": "count_distinct", "column": column},
            "own": {"agg": "count", "column": column, "where": {"id": {"$lt": 3}}},
            "min": {"agg": "min", "column": column}, "max": {"agg": "max", "column": column},
            "first": {"agg": "first", "column": column}, "last": {"agg": "last", "column": column},
            "top": {"agg": "top_k", "column": column, "k": 9},
        }});
        let found = groups(&mut *session, "t", options).await;
        let expected = json!({
            "n": 2, "different": 2, "own": 1, "min": least, "max": greatest, "first": least, "last": greatest,
            "top": [{"key": least, "count": 1}, {"key": greatest, "count": 1}],
        });
        assert_eq!(found[0]["measures"], expected, "{column}");
    }
    for (change, column, first, last) in [
        ("d", "id", json!(2), json!(3)),
        ("id", "d", json!(null), json!(null)),
        ("at", "d", json!("2024-02-29T00:00:00.000Z"), json!("2024-03-01T00:00:00.000Z")),
    ] {
        let options = json!({
            "measures": {"first": {"agg": "first", "column": column}, "last": {"agg": "last", "column": column}},
            "changeTrackingColumn": change,
        });
        let found = groups(&mut *session, "t", options).await;
        assert_eq!(found[0]["measures"], json!({"first": first, "last": last}), "{change} {column}");
    }
}

#[tokio::test]
async fn texts_of_two_collations_are_joined_without_regard_to_case() {
    let server = Server::start().await;
    server
        .run(
            "CREATE TABLE sales (id int PRIMARY KEY, shop varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci);
             CREATE TABLE shops (code varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci PRIMARY KEY, city text);
             CREATE TABLE exact (code varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, city text);
             CREATE TABLE old (code varchar(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci PRIMARY KEY, city text);
             INSERT INTO sales VALUES (1, 'ab'), (2, 'AB'), (3, 'zürich'), (4, '東京'), (5, NULL);
             INSERT INTO shops VALUES ('Ab', 'Aachen'), ('Zürich', 'Zürich'), ('東京', 'Tokyo');
             INSERT INTO exact VALUES ('ab', 'Aachen'), ('Zürich', 'Zürich'), ('東京', 'Tokyo');
             INSERT INTO old VALUES ('Ab', 'Aachen'), ('Zürich', 'Zürich');",
        )
        .await;
    let mut session = server.session().await;
    for (target, expected) in [
        ("shops", json!([["Aachen", 2], ["Tokyo", 1], ["Zürich", 1]])),
        // Only what MariaDB itself has no rule for is decided here.
        ("exact", json!([["Aachen", 1], ["Tokyo", 1]])),
        ("old", json!([["Aachen", 2], ["Zürich", 1]])),
    ] {
        let options = json!({
            "joins": [{"target": target, "alias": "shop", "on": {"local": "shop", "foreign": "code"}}],
            "dimensions": [{"field": "city", "from": "shop"}],
        });
        let found = groups(&mut *session, "sales", options).await;
        let found: Vec<Value> =
            found.iter().map(|group| json!([group["dims"]["city"], group["count"]])).collect();
        let mut sorted = found;
        sorted.sort_by_key(Value::to_string);
        assert_eq!(json!(sorted), expected, "{target}");
    }
}
