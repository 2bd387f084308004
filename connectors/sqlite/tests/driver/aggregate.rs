//! Groups and their measures.

use connector_model::request::Kind;
use connector_model::{ErrorCode, Result};
use serde_json::{Value, json};

use super::subject::{Database, job};

async fn groups(database: &Database, target: &str, options: Value) -> Result<Vec<Value>> {
    let mut session = database.session().await;
    job(&mut *session, Kind::Aggregate, target, &options).await.map(|(groups, _)| groups)
}

/// The dimension of that name in every group, with its count.
fn counted(groups: &[Value], dimension: &str) -> Value {
    groups.iter().map(|group| json!([group["dims"][dimension], group["count"]])).collect()
}

fn sales() -> Database {
    Database::new(
        "CREATE TABLE shops (id INTEGER PRIMARY KEY, city TEXT COLLATE NOCASE);
         INSERT INTO shops VALUES (1, 'Aachen'), (2, 'Bonn'), (3, NULL);
         CREATE TABLE sales (id INTEGER PRIMARY KEY, shop INT, kind TEXT, amount DECIMAL(12,2), big INT, weight REAL,
                             at DATETIME, any, doc JSON, b BLOB);
         INSERT INTO sales VALUES
           (1, 1, 'tea', 0.25, 9223372036854775807, 1.5, '2020-12-31 23:59:59.999999', 1, '{\"a\": 1}', x'00'),
           (2, 1, 'tea', 0.5, 9223372036854775807, 2.5, '2021-01-03', 'x', '[2]', x'ff'),
           (3, 1, 'coffee', 7, 7, -0.5, '2021-01-04T01:00:00+02:00', 2.5, NULL, NULL),
           (4, 2, 'coffee', -5, -9223372036854775808, NULL, '2021-03-31 23:59', x'01', NULL, NULL),
           (5, 2, 'juice', 1e10, NULL, 9e999, 'now', NULL, NULL, NULL),
           (6, 9, 'juice', NULL, 3, 4.0, '2024-12-30 12:34:56Z', 3, NULL, NULL),
           (7, NULL, NULL, 1, 2, 8, '2021-02-30 00:00:00', 4, NULL, NULL)",
    )
}

#[tokio::test]
async fn no_dimensions_are_one_group_whatever_matches() {
    let measures = json!({
        "rows": {"agg": "count"}, "docs": {"agg": "count", "column": "doc"},
        "kinds": {"agg": "count_distinct", "column": "kind"}, "sum": {"agg": "sum", "column": "amount"},
        "any": {"agg": "sum", "column": "any"}, "big": {"agg": "sum", "column": "big"},
        "most": {"agg": "sum", "column": "big", "where": {"id": {"$lte": 2}}},
        "one": {"agg": "sum", "column": "big", "where": {"id": 1}},
        "avg": {"agg": "avg", "column": "shop"}, "bigs": {"agg": "avg", "column": "big", "where": {"big": {"$gt": 9}}},
        "least": {"agg": "min", "column": "big"}, "latest": {"agg": "max", "column": "kind"},
        "blob": {"agg": "max", "column": "b"}, "first": {"agg": "first", "column": "doc"},
        "last": {"agg": "last", "column": "doc"},
        "top": {"agg": "top_k", "column": "kind", "k": 2}, "anys": {"agg": "top_k", "column": "shop", "k": 9},
    });
    let options = |filter: Value| json!({"measures": measures, "candidatesWhere": filter, "changeTrackingColumn": "id"});
    let all = groups(&sales(), "sales", options(json!({"id": {"$lt": 7}}))).await.unwrap();
    assert_eq!(
        all,
        [json!({"dims": {}, "count": 6, "measures": {
            "rows": 6, "docs": 2, "kinds": 3, "sum": 10000000002.75, "any": 6.5,
            "big": "9223372036854775816", "most": "18446744073709551614", "one": "9223372036854775807",
            "avg": 16.0 / 6.0, "bigs": 9223372036854775807_i64 as f64, "least": "-9223372036854775808", "latest": "tea",
            "blob": "/w==", "first": {"a": 1}, "last": null,
            "top": [{"key": "coffee", "count": 2}, {"key": "juice", "count": 2}],
            "anys": [{"key": 1, "count": 3}, {"key": 2, "count": 2}, {"key": 9, "count": 1}],
        }})]
    );
    let none = groups(&sales(), "sales", options(json!({"id": -1}))).await.unwrap();
    assert_eq!(none.len(), 1);
    let nothing = &none[0]["measures"];
    assert_eq!((&nothing["rows"], &nothing["top"]), (&json!(0), &json!([])));
    for name in ["sum", "big", "avg", "least", "first"] {
        assert!(nothing[name].is_null(), "{name}: {nothing}");
    }
}

#[tokio::test]
async fn sums_beyond_64_bits_are_exact_on_both_sides_of_zero() {
    let database = Database::new(
        "CREATE TABLE n (g INT, v INT);
         INSERT INTO n VALUES (1, 9223372036854775807), (1, 1), (2, -9223372036854775808), (2, -1),
           (3, 9223372036854775807), (3, -9223372036854775807), (4, 9223372036854775807), (4, 9223372036854775807),
           (4, -999999999), (7, 9223372036854775807), (7, 9223372036854775807), (7, -999999998), (5, -9223372036854775808), (5, -9223372036854775808), (5, 5), (6, 9223372036), (6, -1)",
    );
    let options = json!({
        "dimensions": [{"field": "g"}], "measures": {"s": {"agg": "sum", "column": "v"}},
        "sort": [{"key": "s"}], "having": {"s": {"$ne": 0}},
    });
    let found = groups(&database, "n", options).await.unwrap();
    let sums: Vec<Value> =
        found.iter().map(|group| json!([group["dims"]["g"], group["measures"]["s"]])).collect();
    let exact = |sum: i128| json!(sum.to_string());
    assert_eq!(
        json!(sums),
        json!([
            [5, exact(2 * i128::from(i64::MIN) + 5)],
            [2, exact(i128::from(i64::MIN) - 1)],
            [6, 9_223_372_035_i64],
            [1, exact(i128::from(i64::MAX) + 1)],
            // As doubles these two are equal.
            [4, exact(2 * i128::from(i64::MAX) - 999_999_999)],
            [7, exact(2 * i128::from(i64::MAX) - 999_999_998)],
        ])
    );
}

#[tokio::test]
async fn time_buckets_read_texts_only_and_never_round() {
    for (unit, expected) in [
        (
            "minute",
            json!([
                ["2020-12-31T23:59", 1],
                ["2021-01-03T00:00", 1],
                ["2021-01-03T23:00", 1],
                ["2021-03-31T23:59", 1],
                ["2024-12-30T12:34", 1]
            ]),
        ),
        (
            "hour",
            json!([
                ["2020-12-31T23", 1],
                ["2021-01-03T00", 1],
                ["2021-01-03T23", 1],
                ["2021-03-31T23", 1],
                ["2024-12-30T12", 1]
            ]),
        ),
        ("day", json!([["2020-12-31", 1], ["2021-01-03", 2], ["2021-03-31", 1], ["2024-12-30", 1]])),
        ("week", json!([["2020-W53", 3], ["2021-W13", 1], ["2025-W01", 1]])),
        ("month", json!([["2020-12", 1], ["2021-01", 2], ["2021-03", 1], ["2024-12", 1]])),
        ("quarter", json!([["2020-Q4", 1], ["2021-Q1", 3], ["2024-Q4", 1]])),
        ("year", json!([["2020", 1], ["2021", 3], ["2024", 1]])),
    ] {
        let options = json!({"dimensions": [{"field": "at", "bucket": unit}], "sort": [{"key": "at"}]});
        assert_eq!(counted(&groups(&sales(), "sales", options).await.unwrap(), "at"), expected, "{unit}");
    }
}

#[tokio::test]
async fn numeric_buckets_floor_below_zero_and_leave_out_what_is_no_number() {
    let numeric = |mut bucket: Value| {
        bucket["type"] = json!("numeric");
        bucket
    };
    for (field, bucket, expected) in [
        (
            "big",
            json!({"step": 10}),
            json!([
                ["-9223372036854775810..-9223372036854775800", 1],
                ["0..10", 3],
                ["9223372036854775800..9223372036854775810", 2]
            ]),
        ),
        (
            "amount",
            json!({"step": 0.25}),
            json!([
                ["-5..-4.75", 1],
                ["0.25..0.5", 1],
                ["0.5..0.75", 1],
                ["1..1.25", 1],
                ["7..7.25", 1],
                ["10000000000..10000000000.25", 1]
            ]),
        ),
        (
            "weight",
            json!({"step": 1, }),
            json!([["-1..0", 1], ["1..2", 1], ["2..3", 1], ["4..5", 1], ["8..9", 1]]),
        ),
        ("any", json!({"step": 1.5}), json!([["0..1.5", 1], ["1.5..3", 1], ["3..4.5", 2]])),
        ("any", json!({"breaks": [1, 2.5, 4]}), json!([["1..2.5", 1], ["2.5..4", 2]])),
    ] {
        // SQLite's infinity has no range number.
        let options = json!({
            "dimensions": [{"field": field, "bucket": numeric(bucket.clone())}], "sort": [{"key": field}],
            "candidatesWhere": {"id": {"$ne": if field == "weight" { 5 } else { 0 }}},
        });
        let found = groups(&sales(), "sales", options).await.unwrap();
        assert_eq!(counted(&found, field), expected, "{field} {bucket}");
    }
}

#[tokio::test]
async fn joins_having_sort_limit_ids_and_lists_work_together() {
    let options = json!({
        "joins": [{"target": "shops", "alias": "shop", "on": {"local": "shop", "foreign": "id"}}],
        "dimensions": [{"field": "city", "from": "shop"}],
        "measures": {"sum": {"agg": "sum", "column": "amount"},
                     "kinds": {"agg": "top_k", "column": "kind", "k": 1}, "any": {"agg": "top_k", "column": "any", "k": 2}},
        "candidatesWhere": {"shop.city": {"$contains": "N"}},
        "having": {"sum": {"$gt": 1}, "count": {"$gte": 2}},
        "sort": [{"key": "sum", "dir": "desc"}, {"key": "sum"}], "limit": 5,
    });
    let found = groups(&sales(), "sales", options).await.unwrap();
    assert_eq!(
        found,
        [
            json!({"dims": {"city": "Bonn"}, "count": 2, "measures": {"sum": 9999999995_i64,
                "kinds": [{"key": "coffee", "count": 1}], "any": [{"key": "AQ==", "count": 1}]}}),
            json!({"dims": {"city": "Aachen"}, "count": 3, "measures": {"sum": 7.75,
                "kinds": [{"key": "tea", "count": 2}], "any": [{"key": 1, "count": 1}, {"key": 2.5, "count": 1}]}}),
        ]
    );
    let options = json!({"dimensions": [{"field": "kind"}], "ids": ["1", 4, "x", 5, 7], "limit": 2});
    let found = groups(&sales(), "sales", options).await.unwrap();
    assert_eq!(counted(&found, "kind"), json!([["coffee", 1], ["juice", 1]]));
    assert_eq!(groups(&sales(), "sales", json!({"limit": 0})).await.unwrap(), Vec::<Value>::new());
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    for (options, option) in [
        (json!({"measures": {"m": {"agg": "sum", "column": "kind"}}}), "measures.m.column"),
        (json!({"measures": {"m": {"agg": "min", "column": "doc"}}}), "measures.m.column"),
        (json!({"dimensions": [{"field": "amount", "bucket": "day"}]}), "dimensions[0].bucket"),
        (
            json!({"joins": [{"target": "shops", "alias": "s", "on": {"local": "shop", "foreign": "no"}}]}),
            "joins[0].on.foreign",
        ),
    ] {
        let error = groups(&sales(), "sales", options).await.unwrap_err();
        assert_eq!(
            (error.code(), &error.detail()["option"]),
            (ErrorCode::InvalidJob, &json!(option)),
            "{error}"
        );
    }
    let lost =
        json!({"joins": [{"target": "shosp", "alias": "s", "on": {"local": "shop", "foreign": "id"}}]});
    let error = groups(&sales(), "sales", lost).await.unwrap_err();
    assert_eq!(
        (error.code(), &error.detail()["option"]),
        (ErrorCode::InvalidTarget, &json!("joins[0].target"))
    );
    let share = json!({"measures": {"m": {"agg": "percentile", "column": "weight", "p": 0.5}}});
    assert_eq!(groups(&sales(), "sales", share).await.unwrap_err().code(), ErrorCode::UnsupportedJob);
}

#[tokio::test]
async fn a_joined_table_that_changed_since_it_was_described_is_read_again() {
    let database = sales();
    let mut session = database.session().await;
    let joined = |column: &str| {
        json!({
            "joins": [{"target": "shops", "alias": "s", "on": {"local": "shop", "foreign": "id"}}],
            "dimensions": [{"field": column, "from": "s"}],
        })
    };
    let (before, _) = job(&mut *session, Kind::Aggregate, "sales", &joined("city")).await.unwrap();
    assert_eq!(before.len(), 2);
    database.writer().execute_batch("ALTER TABLE shops RENAME COLUMN city TO town").unwrap();
    let (after, _) = job(&mut *session, Kind::Aggregate, "sales", &joined("town")).await.unwrap();
    assert_eq!(counted(&after, "s.town"), counted(&before, "s.city"));
    let error = job(&mut *session, Kind::Aggregate, "sales", &joined("city")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidJob);
}

#[tokio::test]
async fn ten_thousand_groups_stream() {
    let database = Database::new(
        "CREATE TABLE many (id INTEGER PRIMARY KEY, g INT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
         INSERT INTO many SELECT i, i % 10000 FROM n",
    );
    let options = json!({"dimensions": [{"field": "g"}], "sort": [{"key": "g", "dir": "desc"}],
                         "measures": {"last": {"agg": "last", "column": "id"}}});
    let found = groups(&database, "many", options).await.unwrap();
    assert_eq!(found.len(), 10_000);
    assert_eq!(found[0], json!({"dims": {"g": 9999}, "measures": {"last": 49999}, "count": 5}));
}

#[tokio::test]
async fn an_infinity_is_null_to_every_measure() {
    let database = Database::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, f REAL, n DECIMAL(9,2));
         INSERT INTO t VALUES (1, -9e999, -9e999), (2, 1.5, 1.5), (3, 3.5, 3.5), (4, 9e999, 9e999), (5, NULL, NULL)",
    );
    for column in ["f", "n"] {
        let options = json!({"measures": {
            "n": {"agg": "count", "column": column}, "sum": {"agg": "sum", "column": column},
            "own": {"agg": "count", "column": column, "where": {"id": {"$gt": 2}}},
            "avg": {"agg": "avg", "column": column}, "different": {"agg": "count_distinct", "column": column},
            "min": {"agg": "min", "column": column}, "max": {"agg": "max", "column": column},
            "first": {"agg": "first", "column": column}, "last": {"agg": "last", "column": column},
            "top": {"agg": "top_k", "column": column, "k": 9},
        }});
        let found = groups(&database, "t", options).await.unwrap();
        let expected = json!({
            "n": 2, "sum": 5, "own": 1, "avg": 2.5, "different": 2, "min": 1.5, "max": 3.5, "first": 1.5, "last": 3.5,
            "top": [{"key": 1.5, "count": 1}, {"key": 3.5, "count": 1}],
        });
        assert_eq!(found[0]["measures"], expected, "{column}");
    }
    for (change, column, last) in [("f", "id", json!(3)), ("id", "f", json!(null))] {
        let options = json!({"measures": {"last": {"agg": "last", "column": column}}, "changeTrackingColumn": change,
                             "candidatesWhere": {"id": {"$lt": 5}}});
        let found = groups(&database, "t", options).await.unwrap();
        assert_eq!(found[0]["measures"], json!({"last": last}), "{change}");
    }
}
