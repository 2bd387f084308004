//! Values at the ends of their types, and beyond.

use serde_json::{Value, json};

use super::groups;
use crate::Server;

#[tokio::test]
async fn what_is_shown_as_null_is_null_to_every_measure() {
    let server = Server::start().await;
    server
        .run(
            "CREATE TABLE t (id int PRIMARY KEY, f double precision, n numeric, d date, at timestamptz);
             INSERT INTO t VALUES (1, '-Infinity', 'NaN', '-infinity', '-infinity'),
                                  (2, 1.5, 2.5, '2024-02-29', '2024-02-29 12:00Z'),
                                  (3, 3.5, 4.5, '2024-03-01', '2024-03-01 12:00Z'),
                                  (4, 'NaN', 'NaN', 'infinity', 'infinity'), (5, 'Infinity', NULL, NULL, NULL);
             CREATE TABLE keyed (id double precision PRIMARY KEY, v int, at int);
             INSERT INTO keyed VALUES ('NaN', 1, 1), ('Infinity', 2, 1), ('-Infinity', 3, 1), ('1', 4, 1);
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO app",
        )
        .await;
    let mut session = server.session().await;
    for (column, least, greatest) in [
        ("f", json!(1.5), json!(3.5)),
        ("n", json!("2.5"), json!("4.5")),
        ("d", json!("2024-02-29T00:00:00.000Z"), json!("2024-03-01T00:00:00.000Z")),
        ("at", json!("2024-02-29T12:00:00.000Z"), json!("2024-03-01T12:00:00.000Z")),
    ] {
        let mut measures = json!({
            "n": {"agg": "count", "column": column}, "own": {"agg": "count", "column": column, "where": {"id": {"$gt": 2}}},
            "different": {"agg": "count_distinct", "column": column},
            "min": {"agg": "min", "column": column}, "max": {"agg": "max", "column": column},
            "first": {"agg": "first", "column": column}, "last": {"agg": "last", "column": column},
            "top": {"agg": "top_k", "column": column, "k": 9},
        });
        let mut expected = json!({
            "n": 2, "own": 1, "different": 2, "min": least, "max": greatest, "first": least, "last": greatest,
            "top": [{"key": least, "count": 1}, {"key": greatest, "count": 1}],
        });
        if matches!(column, "f" | "n") {
            let number = |json: &Value| json.as_f64().or_else(|| json.as_str()?.parse().ok()).unwrap();
            let (low, high) = (number(&least), number(&greatest));
            measures["sum"] = json!({"agg": "sum", "column": column});
            measures["avg"] = json!({"agg": "avg", "column": column});
            measures["median"] = json!({"agg": "percentile", "column": column, "p": 0.5});
            expected["sum"] = if column == "n" { json!(7) } else { json!(5) };
            expected["avg"] = json!((low + high) / 2.0);
            expected["median"] = json!((low + high) / 2.0);
        }
        let found = groups(&mut *session, "t", json!({"measures": measures})).await.unwrap();
        assert_eq!(found[0]["measures"], expected, "{column}");
    }
    // Neither a row that changed at such a moment wins, nor is another's value shown in its place.
    for (change, column, first, last) in [
        ("at", "id", json!(2), json!(3)),
        ("f", "d", json!("2024-02-29T00:00:00.000Z"), json!("2024-03-01T00:00:00.000Z")),
        ("id", "d", json!(null), json!(null)),
    ] {
        let options = json!({
            "measures": {"first": {"agg": "first", "column": column}, "last": {"agg": "last", "column": column}},
            "changeTrackingColumn": change,
        });
        let found = groups(&mut *session, "t", options).await.unwrap();
        assert_eq!(found[0]["measures"], json!({"first": first, "last": last}), "{change} {column}");
    }
    // The key still tells rows apart that changed together.
    let options =
        json!({"measures": {"first": {"agg": "first", "column": "v"}}, "changeTrackingColumn": "at"});
    let found = groups(&mut *session, "keyed", options).await.unwrap();
    assert_eq!(found[0]["measures"], json!({"first": 3}));
}

#[tokio::test]
async fn a_double_too_small_for_its_quotient_is_in_the_range_beside_zero() {
    let server = Server::start().await;
    server
        .run(
            "CREATE TABLE t AS SELECT unnest(ARRAY[5e-324, -5e-324, 0, '-0', 7.9999999999999991, 8, -8, 1e18]::float8[]) AS f;
             GRANT SELECT ON t TO app",
        )
        .await;
    let mut session = server.session().await;
    let options = json!({
        "dimensions": [{"field": "f", "bucket": {"type": "numeric", "step": 8}}], "sort": [{"key": "f"}],
    });
    let found = groups(&mut *session, "t", options).await.unwrap();
    let shown: Vec<Value> = found.iter().map(|group| json!([group["dims"]["f"], group["count"]])).collect();
    assert_eq!(
        json!(shown),
        json!([["-8..0", 2], ["0..8", 4], ["8..16", 1], ["1000000000000000000..1000000000000000008", 1]])
    );
}
