//! Groups and their measures.

use serde_json::{Value, json};

use crate::contrary::contrary_server;
use crate::{Server, aggregate, query};

const TYPES: [(&str, &str); 27] = [
    ("tinyint(1)", "1"),
    ("smallint", "-7"),
    ("bigint", "9223372036854775807"),
    ("bigint unsigned", "18446744073709551615"),
    ("float", "0.1"),
    ("double", "0.1"),
    ("decimal(38,3)", "12345678901234567890.125"),
    ("bit(1)", "b'1'"),
    ("bit(64)", "~0"),
    ("year", "1999"),
    ("date", "'2024-02-29'"),
    ("time(6)", "'-26:00:00.5'"),
    ("datetime(6)", "'2024-02-29 13:14:15.123456'"),
    ("timestamp(3)", "'2024-02-29 13:14:15.123'"),
    ("char(5)", "'ab'"),
    ("varchar(50)", "'a\"ü🦀'"),
    ("longtext", "'text'"),
    ("varchar(5) CHARACTER SET latin1", "'ä'"),
    ("binary(3)", "X'00ff'"),
    ("blob", "X'00ff10'"),
    ("enum('x','sad')", "'sad'"),
    ("set('a','b')", "'a,b'"),
    ("json", "'{\"a\": 1.50}'"),
    ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
    ("inet6", "'::1'"),
    ("point", "ST_GeomFromText('POINT(1 2)')"),
    ("geometry", "ST_GeomFromText('LINESTRING(0 0,1 1)')"),
];

#[tokio::test]
async fn a_value_is_the_same_in_a_row_and_in_a_measure() {
    let server = contrary_server().await;
    let columns: Vec<String> =
        TYPES.iter().enumerate().map(|(at, (of, _))| format!("c{at} {of} NULL")).collect();
    let values: Vec<&str> = TYPES.iter().map(|(_, value)| *value).collect();
    server
        .run(&format!(
            "CREATE TABLE t (id int PRIMARY KEY, {}) DEFAULT CHARACTER SET utf8mb4; INSERT INTO t VALUES (1, {}); \
             INSERT INTO t (id) VALUES (2)",
            columns.join(", "),
            values.join(", ")
        ))
        .await;
    let mut session = server.session().await;
    let rows = query(&mut *session, "t", json!({"where": {"id": 1}})).await.unwrap().rows;
    for (at, (of, _)) in TYPES.iter().enumerate() {
        let column = format!("c{at}");
        let expected = &rows[0][&column];
        for agg in ["first", "last", "min", "max", "top_k", "dimension"] {
            let options = match agg {
                "dimension" => json!({"dimensions": [{"field": column, "as": "value"}], "measures": {}}),
                "top_k" => json!({"measures": {"value": {"agg": "top_k", "column": column, "k": 3}}}),
                _ => {
                    json!({"measures": {"value": {"agg": agg, "column": column}}, "changeTrackingColumn": "id",
                            "candidatesWhere": {"id": 1}})
                }
            };
            let answer = match aggregate(&mut *session, "t", options).await {
                Ok(answer) => answer,
                // What has no order, or no equality, says so.
                Err(error) if error.code().as_str() == "INVALID_JOB" => {
                    assert!(error.message().contains(&column), "{of} {agg}: {error}");
                    continue;
                }
                Err(error) => panic!("{of} {agg}: {error}"),
            };
            let found = match agg {
                "dimension" => answer.rows[0]["dims"]["value"].clone(),
                "top_k" => answer.rows[0]["measures"]["value"][0]["key"].clone(),
                _ => answer.rows[0]["measures"]["value"].clone(),
            };
            assert_eq!(&found, expected, "{of} {agg}");
        }
    }
}

#[tokio::test]
async fn buckets_are_in_utc_and_zero_dates_are_none() {
    let server = contrary_server().await;
    server
        .run(
            "CREATE TABLE t (id int PRIMARY KEY, at datetime, ts timestamp NULL, n decimal(10,2));
             INSERT INTO t VALUES (1, '2020-12-31 23:59:59', '2020-12-31 23:59:59', -0.5),
               (2, '2021-01-03 00:00:00', '2021-01-03 00:00:00', 1.25),
               (3, '0000-00-00', '0000-00-00', 3), (4, '2024-00-00', NULL, NULL),
               (5, '2024-12-30 12:00:00', '2024-12-30 12:00:00', 7)",
        )
        .await;
    let mut session = server.session().await;
    for (bucket, labels) in [
        ("minute", ["2020-12-31T23:59", "2021-01-03T00:00", "2024-12-30T12:00"]),
        ("hour", ["2020-12-31T23", "2021-01-03T00", "2024-12-30T12"]),
        ("day", ["2020-12-31", "2021-01-03", "2024-12-30"]),
        ("month", ["2020-12", "2021-01", "2024-12"]),
        ("quarter", ["2020-Q4", "2021-Q1", "2024-Q4"]),
        ("year", ["2020", "2021", "2024"]),
    ] {
        for field in ["at", "ts"] {
            let options = json!({"dimensions": [{"field": field, "bucket": bucket, "as": "b"}], "measures": {},
                "sort": [{"key": "b"}]});
            let rows = aggregate(&mut *session, "t", options).await.unwrap().rows;
            let found: Vec<&Value> = rows.iter().map(|row| &row["dims"]["b"]).collect();
            assert_eq!(found, labels, "{bucket} of {field}");
        }
    }
    let weeks = json!({"dimensions": [{"field": "at", "bucket": "week", "as": "b"}],
        "measures": {"sum": {"agg": "sum", "column": "n"}, "avg": {"agg": "avg", "column": "n"}}, "sort": [{"key": "b"}]});
    let rows = aggregate(&mut *session, "t", weeks).await.unwrap().rows;
    assert_eq!(
        rows[0],
        json!({"dims": {"b": "2020-W53"}, "measures": {"sum": 0.75, "avg": 0.375}, "count": 2})
    );
    assert_eq!(rows[1]["dims"]["b"], "2025-W01");
}

#[tokio::test]
async fn what_the_database_does_not_compute_is_refused_by_the_driver() {
    let server = Server::start().await;
    server.run("CREATE TABLE t (id int PRIMARY KEY)").await;
    let mut session = server.session().await;
    let capabilities = session.aggregates();
    assert!(capabilities.top_k && capabilities.first_last && capabilities.joins);
    let percentile = json!({"measures": {"p": {"agg": "percentile", "column": "id", "p": 0.5}}});
    let error = aggregate(&mut *session, "t", percentile).await.unwrap_err();
    assert_eq!(error.code().as_str(), "UNSUPPORTED_JOB", "{error}");
}

#[tokio::test]
async fn a_column_that_is_gone_is_named_by_an_aggregate_too() {
    let server = Server::start().await;
    server.run("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 5)").await;
    let mut session = server.session().await;
    let sum = json!({"measures": {"s": {"agg": "sum", "column": "n"}}});
    let rows = aggregate(&mut *session, "t", sum.clone()).await.unwrap().rows;
    assert_eq!(rows[0]["measures"]["s"], 5);
    server.run("ALTER TABLE t DROP COLUMN n, ADD COLUMN m int").await;
    let error = aggregate(&mut *session, "t", sum).await.unwrap_err();
    assert_eq!(error.code().as_str(), "INVALID_JOB");
    assert!(error.message().contains("\"n\""), "{error}");
}
