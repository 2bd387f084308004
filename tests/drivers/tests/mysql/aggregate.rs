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
