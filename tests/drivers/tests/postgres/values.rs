//! Every type to JSON.

use connector_model::cursor::CursorKind;
use serde_json::json;

use crate::{Server, query, read};

#[tokio::test]
async fn every_type_has_the_json_that_the_table_promises() {
    let server = Server::start().await;
    server
        .run(
            "CREATE TYPE mood AS ENUM ('sad', 'o\"k');
             CREATE DOMAIN small AS int CHECK (VALUE < 100);
             CREATE TYPE pair AS (a int, b text);
             CREATE TABLE t (
               id int PRIMARY KEY, b bool, i2 smallint, i4 int, i8 bigint, f4 real, f8 double precision, n numeric,
               m money, s text, v varchar(5), c char(3), u uuid, d date, tm time, ts timestamp, tz timestamptz,
               iv interval, j json, jb jsonb, by bytea, p point, ai int[], at text[][], e mood, dm small, pr pair,
               ae mood[], ip inet, r int4range, ch \"char\", x xml, o oid, bits bit(3));
             INSERT INTO t VALUES (
               1, true, -32768, 2147483647, 9223372036854775807, 0.1, 1e300, -12345.67890, 1234.5, 'a\"\\ü\n', 'v', 'c',
               'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '2024-02-29', '13:14:15.5', '2024-02-29 13:14:15.123456',
               '2024-02-29 13:14:15+02', '1 year 2 mons 3 days 04:05:06.7', '{\"a\":\n 1.0000000000000000001}',
               '{\"b\": [1, 2.50]}', '\\x00ff', '(1.5,-2)', '{1,NULL,3}', '{{a,b},{c,NULL}}', 'o\"k', 42, '(1,x)',
               '{sad,NULL}', '10.0.0.1/8', '[1,5)', 'z', '<a/>', 4294967295, '101');
             INSERT INTO t (id, f4, f8, n, d, ts, tz, ai) VALUES
               (2, 'NaN', 'Infinity', 'NaN', 'infinity', '-infinity', 'infinity', '{}');
             INSERT INTO t (id, d, ts) VALUES (3, '0044-03-15 BC', '12024-01-01 00:00:00');
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO app",
        )
        .await;
    let mut session = server.session().await;
    let rows = query(&mut *session, "t", json!({"orderBy": {"id": "asc"}})).await.unwrap().rows;
    let full = json!({
        "id": 1, "b": true, "i2": -32768, "i4": 2147483647, "i8": "9223372036854775807", "f4": 0.1, "f8": 1e300,
        "n": "-12345.67890", "m": "1234.50", "s": "a\"\\ü\n", "v": "v", "c": "c  ",
        "u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "d": "2024-02-29T00:00:00.000Z", "tm": "13:14:15.500000",
        "ts": "2024-02-29T13:14:15.123456Z", "tz": "2024-02-29T11:14:15.000Z",
        "iv": {"years": 1, "months": 2, "days": 3, "hours": 4, "minutes": 5, "seconds": 6, "milliseconds": 700},
        "j": serde_json::from_str::<serde_json::Value>("{\"a\": 1.0000000000000000001}").unwrap(),
        "jb": {"b": [1, 2.50]}, "by": "AP8=", "p": {"x": 1.5, "y": -2}, "ai": [1, null, 3],
        "at": [["a", "b"], ["c", null]], "e": "o\"k", "dm": 42, "pr": "(1,x)", "ae": ["sad", null],
        "ip": "10.0.0.1/8", "r": "[1,5)", "ch": "z", "x": "<a/>", "o": 4294967295u32, "bits": "101",
    });
    assert_eq!(rows[0], full);
    for column in ["f4", "f8", "n", "d", "ts", "tz", "b", "j", "e"] {
        assert!(rows[1][column].is_null(), "{column}: {}", rows[1][column]);
    }
    assert_eq!(rows[1]["ai"], json!([]));
    assert_eq!(rows[2]["d"], json!("-000043-03-15T00:00:00.000Z"));
    assert_eq!(rows[2]["ts"], json!("+012024-01-01T00:00:00.000Z"));
}

#[tokio::test]
async fn json_digits_survive_and_a_row_stays_on_one_line() {
    let server = Server::start().await;
    server
        .run(
            "CREATE TABLE t (id int PRIMARY KEY, j json);
             INSERT INTO t VALUES (1, E'{\"a\":\\n\\t1.0000000000000000001}');
             GRANT SELECT ON t TO app",
        )
        .await;
    let mut session = server.session().await;
    let mut collector = driver_tests::Collector::default();
    let mut out = connector_api::RowSink::new(&mut collector, connector_api::SinkLimits::default());
    let connector_model::request::Request::Query(request) =
        connector_model::request::parse(connector_model::request::Kind::Query, Some("t"), None, "b").unwrap()
    else {
        panic!("a query")
    };
    let cx = connector_api::CallContext::within(driver_tests::LIMIT);
    session.query(&cx, &request, &mut out).await.unwrap();
    out.flush().await.unwrap();
    let text = String::from_utf8(collector.chunks.concat()).unwrap();
    assert_eq!(text, "[{\"id\":1,\"j\":{\"a\": \t1.0000000000000000001}}]");
}

#[tokio::test]
async fn a_filter_compares_with_the_columns_own_type() {
    let server = Server::start().await;
    server
        .run(
            "CREATE TYPE mood AS ENUM ('sad', 'happy');
             CREATE TABLE t (id int PRIMARY KEY, f4 real, n numeric, m money, u uuid, d date, tz timestamptz,
               by bytea, e mood, i2 smallint, c char(5), tm time, b bool, ip inet, net cidr, p point);
             INSERT INTO t VALUES (1, 0.1, 1.10, 12.5, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2024-02-29',
               '2024-02-29 13:14:15.123456+02', '\\x00ff', 'happy', 7, 'ab', '13:14:15', true, '10.0.0.1',
               '10.0.0.0/8', '(1,2)');
             GRANT SELECT ON t TO app",
        )
        .await;
    let mut session = server.session().await;
    let hits = [
        json!({"f4": 0.1}),
        json!({"n": "1.1"}),
        json!({"n": {"$gte": 1.1}}),
        json!({"m": 12.5}),
        json!({"u": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}),
        json!({"d": "2024-02-29"}),
        json!({"tz": "2024-02-29T11:14:15.123456Z"}),
        json!({"tz": {"$gt": "2024-02-29T11:14:15.123455Z", "$lt": 1_709_205_256_000_i64}}),
        json!({"by": "AP8="}),
        json!({"e": "happy"}),
        json!({"e": ["sad", "happy", "none"]}),
        json!({"i2": [7, 100_000, "x", 1.5]}),
        json!({"i2": {"$lt": 1e300}}),
        json!({"i2": {"$contains": "7"}}),
        json!({"c": "ab"}),
        json!({"tm": "13:14:15"}),
        json!({"b": true}),
        json!({"u": {"$ne": "not a uuid"}}),
        // As it is shown: the server's own cast would write a mask behind it.
        json!({"ip": "10.0.0.1"}),
        json!({"ip": ["10.0.0.1", "10.0.0.2"]}),
        json!({"ip": {"$startsWith": "10.0."}}),
        json!({"net": "10.0.0.0/8"}),
        json!({"p": "(1,2)"}),
    ];
    for filter in hits {
        let found = query(&mut *session, "t", json!({"where": filter})).await;
        assert_eq!(found.unwrap_or_else(|error| panic!("{filter}: {error}")).rows.len(), 1, "{filter}");
    }
    for filter in
        [json!({"u": "not a uuid"}), json!({"i2": 1.5}), json!({"e": "unknown"}), json!({"f4": 0.10000001})]
    {
        assert_eq!(
            query(&mut *session, "t", json!({"where": filter})).await.unwrap().rows.len(),
            0,
            "{filter}"
        );
    }
}

#[tokio::test]
async fn a_key_of_addresses_is_walked_by_count() {
    let server = Server::start().await;
    server
        .run(
            "CREATE TABLE t (ip inet PRIMARY KEY, box box);
             INSERT INTO t VALUES ('10.0.0.9', '(1,1),(0,0)'), ('10.0.0.10', NULL), ('9.0.0.0/8', NULL);
             GRANT SELECT ON t TO app",
        )
        .await;
    let mut session = server.session().await;
    let (mut cursor, mut seen) = (json!(null), Vec::new());
    loop {
        let page = read(&mut *session, "t", json!({"limit": 1, "cursor": cursor})).await.unwrap();
        seen.extend(page.rows.iter().map(|row| row["ip"].clone()));
        let Some(next) = page.page.next_cursor else { break };
        assert_eq!(page.page.cursor_kind, Some(CursorKind::Offset));
        cursor = json!(next);
    }
    assert_eq!(seen, ["9.0.0.0/8", "10.0.0.9", "10.0.0.10"], "in the server's order of addresses");
    let ordered = json!({"orderBy": {"box": "asc", "ip": "desc"}, "limit": 2});
    assert_eq!(query(&mut *session, "t", ordered).await.unwrap().rows.len(), 2);
}
