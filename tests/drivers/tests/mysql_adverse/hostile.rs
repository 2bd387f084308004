//! Names and values that try to get out of their place.

use connector_api::CallContext;
use connector_model::error::ErrorCode;
use driver_tests::LIMIT;
use serde_json::json;

use crate::contrary::contrary_server;
use crate::{Server, query, read};

const ATTACKS: [&str; 9] = [
    "'; DROP TABLE t; --",
    "\"; DROP TABLE t; --",
    "`; DROP TABLE t; -- ",
    "id` = 1 OR `id",
    "1) OR (1=1",
    "?; DELETE FROM t",
    "\\'; DROP TABLE t; #",
    "/*! DROP TABLE t */",
    "\u{bf}' OR 1=1 -- ",
];

#[tokio::test]
async fn no_name_and_no_value_becomes_sql() {
    for server in [Server::start().await, contrary_server().await] {
        server
            .run(
                "CREATE TABLE t (id int PRIMARY KEY, v varchar(50), n decimal(20,2), d datetime);
                 INSERT INTO t VALUES (1, 'one', 1, now()), (2, 'two', 2, now());
                 GRANT ALL ON app.* TO app@'%'",
            )
            .await;
        let mut session = server.session().await;
        for attack in ATTACKS {
            for options in [
                json!({"select": [attack]}),
                json!({"orderBy": {attack: "asc"}}),
                json!({"where": {attack: 1}}),
                json!({"where": {"n": {"$gt": attack}}}),
                json!({"cursor": attack, "orderBy": {"v": "asc"}, "limit": 1}),
            ] {
                let error = query(&mut *session, "t", options.clone()).await.unwrap_err();
                assert_eq!(error.code(), ErrorCode::InvalidJob, "{options}: {error}");
            }
            for operator in ["$gt", "$gte", "$lt", "$lte", "$ne", "$like", "$ilike"] {
                query(&mut *session, "t", json!({"where": {"v": {operator: attack}}})).await.unwrap();
            }
            for filter in [json!({"v": attack}), json!({"id": attack}), json!({"v": {"$contains": attack}})] {
                let rows = query(&mut *session, "t", json!({"where": filter})).await.unwrap().rows;
                assert_eq!(rows.len(), 0, "{filter}");
            }
            let cx = CallContext::within(LIMIT);
            assert_eq!(session.introspect(&cx, attack).await.unwrap_err().code(), ErrorCode::InvalidTarget);
            let error = query(&mut *session, attack, json!({})).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidTarget);
            for options in [
                json!({"cursor": attack}),
                json!({"changedSince": 0, "changeTrackingColumn": attack}),
                json!({"changedSince": attack, "changeTrackingColumn": "d"}),
            ] {
                let error = read(&mut *session, "t", options).await.unwrap_err();
                assert_eq!(error.code(), ErrorCode::InvalidJob, "{error}");
            }
        }
        assert_eq!(server.row::<i64>("SELECT COUNT(*) FROM t").await, 2);
    }
}

#[tokio::test]
async fn nul_long_lists_and_large_cells() {
    let server = Server::start().await;
    server
        .run(
            "CREATE TABLE t (id int PRIMARY KEY, v varchar(50), b varbinary(9), d datetime);
             INSERT INTO t VALUES (1, 'one', 'x', '2024-01-01'), (69999, 'x', 'y', '2024-01-02');
             CREATE TABLE large (id int PRIMARY KEY, cell longtext);
             SET GLOBAL max_allowed_packet = 268435456",
        )
        .await;
    let mut session = server.session().await;
    for filter in [json!({"v": "o\u{0}ne"}), json!({"v": {"$contains": "\u{0}"}}), json!({"v": ["\u{0}"]})] {
        let rows = query(&mut *session, "t", json!({"where": filter})).await.unwrap().rows;
        assert_eq!(rows.len(), 0, "{filter}");
    }
    let fifty: Vec<u32> = (0..50_000).collect();
    assert_eq!(query(&mut *session, "t", json!({"where": {"id": fifty}})).await.unwrap().rows.len(), 1);
    let seventy: Vec<u32> = (0..70_000).collect();
    assert_eq!(query(&mut *session, "t", json!({"where": {"id": seventy}})).await.unwrap().rows.len(), 2);
    let texts: Vec<String> = (0..60_000).map(|n| format!("o'\\{n}")).chain(["one".to_owned()]).collect();
    assert_eq!(query(&mut *session, "t", json!({"where": {"v": texts}})).await.unwrap().rows.len(), 1);
    drop(session);
    let mut admin = server.mariadb.admin().await.unwrap();
    let insert = "INSERT INTO large VALUES (1, REPEAT('x', 9 * 1024 * 1024)), (2, REPEAT('x', 17 * 1024 * 1024)), \
                  (3, REPEAT('x', 70 * 1024 * 1024)), (4, 'small')";
    mysql_async::prelude::Queryable::query_drop(&mut admin, insert).await.unwrap();
    let mut session = server.session().await;
    for id in [1, 2] {
        let error = query(&mut *session, "large", json!({"where": {"id": id}})).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ResultTooLarge, "{id}: {error}");
        assert!(session.reusable());
        let rows = query(&mut *session, "large", json!({"where": {"id": 4}})).await.unwrap().rows;
        assert_eq!(rows, [json!({"id": 4, "cell": "small"})]);
    }
    // More than is ever held in memory: the connection is given up.
    let error = query(&mut *session, "large", json!({"where": {"id": 3}})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ResultTooLarge, "{error}");
    assert!(!session.reusable());
}

#[tokio::test]
async fn a_request_that_the_server_would_not_take_is_said_to_be_too_long() {
    let server = Server::start().await;
    server
        .run("CREATE TABLE t (id int PRIMARY KEY, v varchar(50)); SET GLOBAL max_allowed_packet = 1048576")
        .await;
    let mut session = server.session().await;
    let texts: Vec<String> = (0..20_000).map(|n| format!("{n:060}")).collect();
    let error = query(&mut *session, "t", json!({"where": {"v": texts}})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidJob, "{error}");
    assert!(error.message().contains("max_allowed_packet"), "{error}");
    assert!(session.reusable());
}

#[tokio::test]
async fn numbers_beyond_sixty_four_bits_compare_exactly() {
    let server = Server::start().await;
    server
        .run(
            "CREATE TABLE t (id bigint PRIMARY KEY, n decimal(65,0), u bigint unsigned);
             INSERT INTO t VALUES (1, 9223372036854775808, 18446744073709551615), (9223372036854775807, -1, 0)",
        )
        .await;
    let mut session = server.session().await;
    for (filter, found) in [
        (json!({"id": 9_223_372_036_854_775_808_u64}), 0),
        (json!({"id": "9223372036854775808"}), 0),
        (json!({"id": {"$lt": 9_223_372_036_854_775_808_u64}}), 2),
        (json!({"id": {"$gt": "9223372036854775808"}}), 0),
        (json!({"id": [9_223_372_036_854_775_808_u64, 1]}), 1),
        (json!({"id": ["9223372036854775807", "9223372036854775808"]}), 1),
        (json!({"n": 9_223_372_036_854_775_808_u64}), 1),
        (json!({"n": "9223372036854775808"}), 1),
        (json!({"n": ["9223372036854775808", -1]}), 2),
        (json!({"u": {"$gt": "18446744073709551614"}}), 1),
        (json!({"u": {"$lte": "18446744073709551616"}}), 2),
        (json!({"u": {"$gte": -5}}), 2),
    ] {
        let rows = query(&mut *session, "t", json!({"where": filter})).await.unwrap().rows;
        assert_eq!(rows.len(), found, "{filter}");
    }
}
