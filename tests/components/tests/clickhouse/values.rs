//! Values of every type, as every connector shows them.

use connector_model::error::ErrorCode;
use connector_model::request::Kind;
use serde_json::json;

use crate::{Fixture, query};

/// An expression of a type, and what is shown of it.
async fn shown(fixture: &Fixture, cases: &[(&str, &str, serde_json::Value)]) {
    let columns: Vec<String> =
        cases.iter().enumerate().map(|(at, (native, ..))| format!("c{at} {native}")).collect();
    let values: Vec<&str> = cases.iter().map(|(_, value, _)| *value).collect();
    fixture.run(&["DROP TABLE IF EXISTS shown"]).await;
    let create = format!("CREATE TABLE shown ({}) ENGINE = Memory", columns.join(", "));
    fixture.server.execute(&create).await.unwrap();
    fixture.server.execute(&format!("INSERT INTO shown SELECT {}", values.join(", "))).await.unwrap();
    let mut session = fixture.session().await;
    let answer = query(&mut *session, "shown", json!({})).await.unwrap();
    let row = answer.rows.first().unwrap();
    for (at, (native, value, expected)) in cases.iter().enumerate() {
        assert_eq!(row[format!("c{at}")], *expected, "{native}: {value}");
    }
}

#[tokio::test]
async fn every_type_is_shown_as_the_value_table_says() {
    let fixture = Fixture::plain().await;
    shown(
        &fixture,
        &[
            ("Bool", "true", json!(true)),
            ("UInt8", "200", json!(200)),
            ("Int64", "-9223372036854775808", json!("-9223372036854775808")),
            ("UInt64", "1", json!("1")),
            (
                "Int256",
                "toInt256('-57896044618658097711785492504343953926634992332820282019728792003956564819968')",
                json!("-57896044618658097711785492504343953926634992332820282019728792003956564819968"),
            ),
            ("Float64", "1e16", json!(1e16)),
            ("Float64", "nan", json!(null)),
            ("Float64", "-inf", json!(null)),
            ("Float32", "toFloat32(0.1)", json!(0.1)),
            ("Decimal(9, 2)", "1.5", json!("1.50")),
            ("Decimal(76, 10)", "toDecimal256('-0.0000000001', 10)", json!("-0.0000000001")),
            ("String", "'é\\n\"\\\\\\0'", json!("é\n\"\\\0")),
            ("String", "unhex('61ff62')", json!("a\u{fffd}b")),
            ("FixedString(4)", "'ab'", json!("ab")),
            ("LowCardinality(Nullable(String))", "NULL", json!(null)),
            (
                "UUID",
                "toUUID('6F9619FF-8B86-D011-B42D-00CF4FC964FF')",
                json!("6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
            ),
            ("Enum8('a' = 1)", "'a'", json!("a")),
            ("IPv4", "toIPv4('10.0.0.1')", json!("10.0.0.1")),
            ("IPv6", "toIPv6('::1')", json!("::1")),
            ("Date", "'2024-02-29'", json!("2024-02-29T00:00:00.000Z")),
            ("Date32", "'1900-01-01'", json!("1900-01-01T00:00:00.000Z")),
            ("Nullable(Date)", "NULL", json!(null)),
            (
                "DateTime('Europe/Berlin')",
                "toDateTime('2024-07-01 12:00:00', 'Europe/Berlin')",
                json!("2024-07-01T10:00:00.000Z"),
            ),
            ("DateTime", "toDateTime(0)", json!("1970-01-01T00:00:00.000Z")),
            (
                "DateTime64(1, 'UTC')",
                "toDateTime64('1969-12-31 23:59:59.9', 1, 'UTC')",
                json!("1969-12-31T23:59:59.900Z"),
            ),
            ("DateTime64(6)", "fromUnixTimestamp64Micro(1)", json!("1970-01-01T00:00:00.000001Z")),
            ("DateTime64(6)", "fromUnixTimestamp64Micro(-1000)", json!("1969-12-31T23:59:59.999Z")),
            ("DateTime64(9)", "fromUnixTimestamp64Nano(-1)", json!("1969-12-31T23:59:59.999999Z")),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_holds_other_values_shows_them_by_the_same_table() {
    let fixture = Fixture::plain().await;
    shown(
        &fixture,
        &[
            ("Array(Nullable(Int64))", "[1, NULL]", json!(["1", null])),
            (
                "Array(Array(DateTime64(3)))",
                "[[fromUnixTimestamp64Milli(5)], []]",
                json!([["1970-01-01T00:00:00.005Z"], []]),
            ),
            ("Array(Float64)", "[nan, 1e20, -0.0]", json!([null, 1e20, 0])),
            ("Map(String, Date)", "map('a', toDate('2024-02-29'))", json!({"a": "2024-02-29T00:00:00.000Z"})),
            ("Map(String, Array(UInt64))", "map('a', [1])", json!({"a": ["1"]})),
            (
                "Tuple(n Int32, `it's` Nullable(Date))",
                "(1, toDate('2024-02-29'))",
                json!({"n": 1, "it's": "2024-02-29T00:00:00.000Z"}),
            ),
            ("Tuple(Int32, Date)", "(1, toDate('2024-02-29'))", json!([1, "2024-02-29T00:00:00.000Z"])),
            ("Point", "(1.5, -2)", json!({"x": 1.5, "y": -2})),
            (
                "Ring",
                "[(0, 0), (1, 0), (0, 1)]",
                json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 1]]]}),
            ),
            (
                "Polygon",
                "[[(0, 0), (1, 0), (0, 1)]]",
                json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 1]]]}),
            ),
            ("JSON", "'{\"a\": {\"b\": [1, \"x\"]}}'", json!({"a": {"b": ["1", "x"]}})),
            ("SimpleAggregateFunction(sum, UInt64)", "7", json!("7")),
            ("AggregateFunction(count)", "(SELECT countState() FROM numbers(3))", json!("Aw==")),
        ],
    )
    .await;
}

#[tokio::test]
async fn columns_of_odd_types_are_filtered_by_what_they_show() {
    let fixture = Fixture::with(&[
        "CREATE TABLE t (id Int32, e Enum8('a' = 1, 'b' = 2), ip IPv4, fs FixedString(4), a Array(Int8), m Map(String, Int8)) \
         ENGINE = MergeTree ORDER BY id",
        "INSERT INTO t VALUES (1, 'a', '10.0.0.1', 'ab', [1], {'k': 1}), (2, 'b', '10.0.0.2', 'abcd', [], {})",
    ])
    .await;
    let mut session = fixture.session().await;
    for (filter, ids) in [
        (json!({"e": "a"}), vec![1]),
        (json!({"e": ["b", "c"]}), vec![2]),
        (json!({"ip": {"$endsWith": ".2"}}), vec![2]),
        (json!({"ip": "10.0.0.1"}), vec![1]),
        (json!({"fs": "ab"}), vec![1]),
        (json!({"fs": {"$like": "ab__"}}), vec![2]),
        (json!({"a": "[1]"}), vec![1]),
        (json!({"m": {"$contains": "K"}}), vec![1]),
        (json!({"$not": {"e": "a"}}), vec![2]),
    ] {
        let options = json!({"where": filter, "select": ["id"], "orderBy": {"id": "asc"}});
        let found: Vec<i64> = query(&mut *session, "t", options)
            .await
            .unwrap()
            .rows
            .iter()
            .map(|row| row["id"].as_i64().unwrap())
            .collect();
        assert_eq!(found, ids, "{filter}");
    }
    let error = query(&mut *session, "t", json!({"where": {"id": {"$gt": "x"}}})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidJob, "{error}");
}

#[tokio::test]
async fn ten_thousand_conditions_and_fifty_thousand_ids_are_answered() {
    let fixture = Fixture::with(&[
        "CREATE TABLE t (id Int64, s String) ENGINE = MergeTree ORDER BY id",
        "INSERT INTO t SELECT number, toString(number) FROM numbers(60000)",
    ])
    .await;
    let mut session = fixture.session().await;
    let ids: Vec<i64> = (0..50_000).map(|n| n * 2).collect();
    let count = |options| (Kind::Count, options);
    let (kind, options) = count(json!({"where": {"id": ids}}));
    let answer = component_tests::job(&mut *session, kind, "t", &options).await.unwrap();
    assert_eq!(answer.page.total, Some(30_000));
    let texts: Vec<String> = (0..50_000).map(|n| format!("{n}'\\")).chain(["7".to_owned()]).collect();
    let (kind, options) = count(json!({"where": {"s": texts}}));
    let answer = component_tests::job(&mut *session, kind, "t", &options).await.unwrap();
    assert_eq!(answer.page.total, Some(1));
    let conditions: Vec<serde_json::Value> = (0..4_900).map(|n| json!({"id": n})).collect();
    let (kind, options) = count(json!({"where": {"$or": conditions}}));
    let answer = component_tests::job(&mut *session, kind, "t", &options).await.unwrap();
    assert_eq!(answer.page.total, Some(4_900));
}

#[tokio::test]
async fn a_total_counts_what_changed_whatever_holds_the_moment() {
    let fixture = Fixture::with(&[
        "CREATE TABLE t (id Int64, ms UInt64, d Date, dt DateTime('Asia/Tokyo'), d6 DateTime64(6)) ENGINE = MergeTree ORDER BY id",
        "INSERT INTO t SELECT number, 1709287200000 + number, toDate('2024-03-01') + number, \
         toDateTime('2024-03-01 10:00:00', 'UTC') + number, fromUnixTimestamp64Micro(1709287200000000 + number) FROM numbers(10)",
    ])
    .await;
    let mut session = fixture.session().await;
    for (column, since, expected) in [
        ("ms", "2024-03-01T10:00:00.003Z", 6),
        ("d", "2024-03-04T12:00:00Z", 6),
        ("dt", "2024-03-01T19:00:03+09:00", 6),
        ("d6", "2024-03-01T10:00:00.000003Z", 6),
    ] {
        let options = json!({"changedSince": since, "changeTrackingColumn": column, "limit": 2});
        let answer = component_tests::job(&mut *session, Kind::Read, "t", &options).await.unwrap();
        assert_eq!((answer.rows.len(), answer.page.total), (2, Some(expected)), "{column}");
        assert_eq!(answer.rows[0]["id"], json!("4"), "{column}");
    }
    let options = json!({"changedSince": 0, "changeTrackingColumn": "nothing"});
    let error = component_tests::job(&mut *session, Kind::Read, "t", &options).await.unwrap_err();
    assert_eq!(
        (error.code(), &error.detail()["option"]),
        (ErrorCode::InvalidJob, &json!("changeTrackingColumn"))
    );
}

#[tokio::test]
async fn a_catalogue_is_shown_in_the_servers_own_words() {
    let fixture = Fixture::with(&[
        "CREATE DATABASE other",
        "CREATE TABLE t (b LowCardinality(String), a Nullable(Int32), c Int32 EPHEMERAL 1, m Int32 MATERIALIZED a + 1) \
         ENGINE = MergeTree ORDER BY (b, lower(b))",
        "INSERT INTO t (b, a) VALUES ('x', 1)",
        "CREATE VIEW v AS SELECT b FROM t",
        "CREATE MATERIALIZED VIEW mv ENGINE = MergeTree ORDER BY b AS SELECT b FROM t",
        "CREATE TABLE other.`t.x` (id Int8) ENGINE = Memory",
    ])
    .await;
    let mut session = fixture.session().await;
    let cx = connector_api::CallContext::within(component_tests::open::LIMIT);
    let targets = session.list_targets(&cx).await.unwrap();
    let named: Vec<(&str, &str)> =
        targets.iter().map(|target| (target.name.as_str(), target.kind.as_str())).collect();
    assert_eq!(named, [("mv", "materializedView"), ("t", "table"), ("v", "view"), ("other.t.x", "table")]);
    assert_eq!(targets[1].estimated_rows, Some(1));
    let schema = session.introspect(&cx, "t").await.unwrap();
    let columns: Vec<(&str, &str, bool, bool)> = schema
        .columns
        .iter()
        .map(|of| (of.name.as_str(), of.native_type.as_str(), of.nullable, of.primary_key))
        .collect();
    assert_eq!(
        columns,
        [
            ("b", "LowCardinality(String)", false, true),
            ("a", "Nullable(Int32)", true, false),
            ("m", "Int32", false, false)
        ]
    );
    let rows = query(&mut *session, "t", json!({})).await.unwrap().rows;
    assert_eq!(rows, [json!({"b": "x", "a": 1, "m": 2})]);
    assert!(query(&mut *session, "other.t.x", json!({})).await.unwrap().rows.is_empty());
}
