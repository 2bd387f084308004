//! Every type to JSON.

use connector_mysql::MySql as Driver;
use driver_tests::{open_context, source};
use serde_json::{Value, json};
use test_servers::MariaDbOptions;

use crate::{Server, query};

/// A server whose own settings change what texts, dates and quotes mean.
async fn hostile() -> Server {
    Server::with(
        MariaDbOptions::with_tls()
            .setting("default-time-zone", "+09:00")
            .setting("sql-mode", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,PAD_CHAR_TO_FULL_LENGTH")
            .setting("character-set-server", "latin1")
            .setting("init-connect", "SET NAMES latin1, autocommit = 0, sql_select_limit = 1"),
    )
    .await
}

const TABLE: &str = "SET NAMES utf8mb4;
CREATE TABLE t (
  id int PRIMARY KEY, b tinyint(1), i1 tinyint, u1 tinyint unsigned, i2 smallint, i3 mediumint, i4 int,
  u4 int unsigned, i8 bigint, u8 bigint unsigned, z int(6) zerofill, f4 float, f8 double, n decimal(12,5),
  bit1 bit(1), bits bit(12), y year, d date, tm time(6), ts timestamp(6) NULL, dt datetime(6), c char(5), v varchar(20),
  tx text, l1 varchar(20) CHARACTER SET latin1, bn binary(3), vb varbinary(10), bl blob, e enum('sad', 'o\"k'),
  s set('a', 'b', 'c'), j json, u uuid, a4 inet4, a6 inet6, p point, g geometry) CHARACTER SET utf8mb4;
SET time_zone = '+00:00';
INSERT INTO t VALUES (
  1, 1, -128, 255, -32768, -8388608, 2147483647, 4294967295, -9223372036854775808, 18446744073709551615, 42, 0.1,
  1e300, -12345.67890, b'1', b'100000000001', 2024, '2024-02-29', '-838:59:59.000001', '2024-02-29 13:14:15.123456',
  '2024-02-29 13:14:15', 'c ', 'v \"ü', '日本語🦀', 'ñé', x'000102', x'00ff', x'c328', 'o\"k', 'a,c',
  '{\"a\": 1.0000000000000000001}', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '10.0.0.1', '::1', POINT(1.5, -2),
  ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))'));
SET sql_mode = '';
INSERT INTO t (id, d, dt, tm) VALUES (2, '0000-00-00', '0000-00-00 00:00:00', '00:00:00');
INSERT INTO t (id, d, tm, i8) VALUES (3, '2024-00-10', '100:00:00', 9007199254740991);
";

#[tokio::test]
async fn every_type_has_the_json_that_the_table_promises_whatever_the_servers_settings() {
    let server = hostile().await;
    server.run(TABLE).await;
    let mut session = server.session().await;
    let rows = query(&mut *session, "t", json!({"orderBy": {"id": "asc"}})).await.unwrap().rows;
    assert_eq!(rows.len(), 3);
    let document: Value = serde_json::from_str("{\"a\": 1.0000000000000000001}").unwrap();
    let full = json!({
        "id": 1, "b": 1, "i1": -128, "u1": 255, "i2": -32768, "i3": -8388608, "i4": 2147483647, "u4": 4294967295u32,
        "i8": "-9223372036854775808", "u8": "18446744073709551615", "z": 42, "f4": 0.1, "f8": 1e300,
        "n": "-12345.67890", "bit1": 1, "bits": 2049, "y": 2024, "d": "2024-02-29T00:00:00.000Z",
        "tm": "-838:59:59.000001", "ts": "2024-02-29T13:14:15.123456Z", "dt": "2024-02-29T13:14:15.000Z", "c": "c",
        "v": "v \"ü", "tx": "日本語🦀", "l1": "ñé", "bn": "AAEC", "vb": "AP8=", "bl": "wyg=", "e": "o\"k", "s": "a,c",
        "j": document, "u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a4": "10.0.0.1", "a6": "::1",
        "p": {"x": 1.5, "y": -2}, "g": {"type": "GeometryCollection", "geometries": [
            {"type": "Point", "coordinates": [1, 2]},
            {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}]},
    });
    for (name, value) in full.as_object().unwrap() {
        assert_eq!(&rows[0][name], value, "{name}");
    }
    assert_eq!(rows[0].as_object().unwrap().len(), full.as_object().unwrap().len());
    assert!(rows[1]["d"].is_null() && rows[1]["dt"].is_null() && rows[1]["j"].is_null());
    assert_eq!(rows[1]["tm"], json!("00:00:00"));
    assert!(rows[2]["d"].is_null());
    assert_eq!((&rows[2]["tm"], &rows[2]["i8"]), (&json!("100:00:00"), &json!(9_007_199_254_740_991_i64)));
}

#[tokio::test]
async fn bytes_are_buffers_where_the_source_says_so() {
    let server = Server::start().await;
    server
        .run("CREATE TABLE t (id int PRIMARY KEY, b varbinary(4));\nINSERT INTO t VALUES (1, x'00ff');")
        .await;
    let settings = [("url", server.mariadb.url()), ("binary", "buffer".to_owned())];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let source = source(&Driver::new(), &settings).unwrap();
    let mut session = source.open(&open_context().unwrap()).await.unwrap();
    let rows = query(&mut *session, "t", json!({})).await.unwrap().rows;
    assert_eq!(rows[0]["b"], json!({"type": "Buffer", "data": [0, 255]}));
}

#[tokio::test]
async fn a_filter_compares_with_the_columns_own_type() {
    let server = hostile().await;
    server.run(TABLE).await;
    let mut session = server.session().await;
    let hits = [
        json!({"b": true}),
        json!({"b": 1}),
        json!({"bit1": true}),
        json!({"bits": 2049}),
        json!({"bits": {"$contains": "204"}}),
        json!({"i1": [-128, 100_000, "x", 1.5]}),
        json!({"u8": "18446744073709551615"}),
        json!({"u8": {"$gt": 9_223_372_036_854_775_807_u64}}),
        json!({"i8": {"$lt": "-9223372036854775807"}}),
        json!({"f4": 0.1}),
        json!({"n": "-12345.6789"}),
        json!({"n": {"$lt": "-12345.67889999999999"}}),
        json!({"d": "2024-02-29"}),
        json!({"ts": "2024-02-29T14:14:15.123456+01:00"}),
        json!({"ts": {"$gt": "2024-02-29T13:14:15.123455Z", "$lt": 1_709_212_456_000_i64}}),
        json!({"dt": "2024-02-29T13:14:15Z"}),
        json!({"y": 2024}),
        json!({"c": "c"}),
        json!({"v": "v \"ü"}),
        json!({"l1": "ñé"}),
        json!({"l1": {"$ne": "日本語"}}),
        json!({"l1": ["日本語", "ñé"]}),
        json!({"$not": {"e": "日本語"}}),
        json!({"tx": {"$contains": "本"}}),
        json!({"tx": ["日本語🦀", "x"]}),
        json!({"vb": "AP8="}),
        json!({"e": "o\"k"}),
        json!({"e": ["sad", "o\"k", "none"]}),
        json!({"s": "a,c"}),
        json!({"u": "{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}"}),
        json!({"u": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "no uuid"]}),
        json!({"a4": "10.0.0.1"}),
        json!({"a6": {"$startsWith": "::"}}),
        json!({"j": {"$contains": "0000001"}}),
        json!({"g": {"$startsWith": "geometrycollection"}}),
    ];
    for filter in hits {
        let filter = json!({"$and": [filter, {"id": 1}]});
        let found = query(&mut *session, "t", json!({"where": filter})).await;
        assert_eq!(found.unwrap_or_else(|error| panic!("{filter}: {error}")).rows.len(), 1, "{filter}");
    }
    let misses = [
        json!({"u": "not a uuid"}),
        json!({"i1": 1.5}),
        json!({"e": "unknown"}),
        json!({"f4": 0.10000001}),
        json!({"v": {"$like": "V%"}}),
        json!({"l1": "日本語"}),
        json!({"l1": {"$contains": "n"}}),
    ];
    for filter in misses {
        let found = query(&mut *session, "t", json!({"where": filter})).await;
        assert_eq!(found.unwrap_or_else(|error| panic!("{filter}: {error}")).rows.len(), 0, "{filter}");
    }
}

#[tokio::test]
async fn what_is_kept_as_json_and_is_none_stays_a_text() {
    let server = Server::start().await;
    server
        .run(
            "CREATE TABLE t (id int PRIMARY KEY, j json);
SET check_constraint_checks = 0;
INSERT INTO t VALUES (1, '{\"a\": 1'), (2, '[1]}, {\"evil\": 1');
INSERT INTO t VALUES (3, '[1]');",
        )
        .await;
    let mut session = server.session().await;
    let rows = query(&mut *session, "t", json!({"orderBy": {"id": "asc"}})).await.unwrap().rows;
    let shown: Vec<&Value> = rows.iter().map(|row| &row["j"]).collect();
    assert_eq!(shown, [&json!("{\"a\": 1"), &json!("[1]}, {\"evil\": 1"), &json!([1])]);
}
