//! Names and values that try to get out of their place.

use connector_model::error::ErrorCode;
use serde_json::json;

use crate::{Server, query, read};

const ATTACKS: [&str; 6] = [
    "'; DROP TABLE t; --",
    "\"; DROP TABLE t; --",
    "id\" = 1 OR \"id",
    "1) OR (1=1",
    "$1::text; DELETE FROM t",
    "\\'; DROP TABLE t; --",
];

#[tokio::test]
async fn no_name_and_no_value_becomes_sql() {
    let server = Server::start().await;
    server
        .run(
            "CREATE TABLE t (id int PRIMARY KEY, v text, n numeric, d timestamptz);
             INSERT INTO t VALUES (1, 'one', 1, now()), (2, 'two', 2, now());
             GRANT ALL ON t TO app",
        )
        .await;
    let mut session = server.session().await;
    for attack in ATTACKS {
        for (options, code) in [
            (json!({"select": [attack]}), ErrorCode::InvalidJob),
            (json!({"orderBy": {attack: "asc"}}), ErrorCode::InvalidJob),
            (json!({"where": {attack: 1}}), ErrorCode::InvalidJob),
            (json!({"where": {"n": {"$gt": attack}}}), ErrorCode::InvalidJob),
            (json!({"cursor": attack, "orderBy": {"v": "asc"}, "limit": 1}), ErrorCode::InvalidJob),
        ] {
            let error = query(&mut *session, "t", options.clone()).await.unwrap_err();
            // A name that begins with `$` reads as an operator.
            let operator = error.code() == ErrorCode::UnsupportedOperator && attack.starts_with('$');
            assert!(error.code() == code || operator, "{options}: {error}");
        }
        // Every text there is sorts beside an attack, and none of it runs.
        for operator in ["$gt", "$gte", "$lt", "$lte", "$ne"] {
            query(&mut *session, "t", json!({"where": {"v": {operator: attack}}})).await.unwrap();
        }
        let error =
            read(&mut *session, "t", json!({"changedSince": attack, "changeTrackingColumn": "d"})).await;
        assert_eq!(error.unwrap_err().code(), ErrorCode::InvalidJob);
        let cx = connector_api::CallContext::within(driver_tests::LIMIT);
        assert_eq!(session.introspect(&cx, attack).await.unwrap_err().code(), ErrorCode::InvalidTarget);
        for filter in [json!({"v": attack}), json!({"id": attack}), json!({"v": {"$contains": attack}})] {
            assert_eq!(
                query(&mut *session, "t", json!({"where": filter})).await.unwrap().rows.len(),
                0,
                "{filter}"
            );
        }
        let error = query(&mut *session, attack, json!({})).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidTarget);
        let error = read(&mut *session, "t", json!({"cursor": attack})).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidJob, "{error}");
        let error =
            read(&mut *session, "t", json!({"changedSince": 0, "changeTrackingColumn": attack})).await;
        assert_eq!(error.unwrap_err().code(), ErrorCode::InvalidJob);
    }
    let left: i64 = server.admin.query_one("SELECT count(*) FROM t", &[]).await.unwrap().get(0);
    assert_eq!(left, 2);
}

#[tokio::test]
async fn nul_long_lists_and_large_cells() {
    let server = Server::start().await;
    server
        .run(
            "CREATE TABLE t (id int PRIMARY KEY, v text);
             INSERT INTO t VALUES (1, 'one'), (49999, 'x');
             CREATE VIEW large AS SELECT repeat('x', 9 * 1024 * 1024) AS cell;
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO app",
        )
        .await;
    let mut session = server.session().await;
    for filter in [json!({"v": "o\u{0}ne"}), json!({"v": {"$contains": "\u{0}"}}), json!({"v": ["\u{0}"]})] {
        assert_eq!(
            query(&mut *session, "t", json!({"where": filter})).await.unwrap().rows.len(),
            0,
            "{filter}"
        );
    }
    let ids: Vec<u32> = (0..50_000).collect();
    assert_eq!(query(&mut *session, "t", json!({"where": {"id": ids}})).await.unwrap().rows.len(), 2);
    let error = query(&mut *session, "large", json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ResultTooLarge);
    assert!(session.reusable());
    assert_eq!(query(&mut *session, "t", json!({})).await.unwrap().rows.len(), 2);
}

#[tokio::test]
async fn numbers_beyond_sixty_four_bits_compare_exactly() {
    let server = Server::start().await;
    server
        .run(
            "CREATE TABLE t (id bigint PRIMARY KEY, n numeric);
             INSERT INTO t VALUES (1, 9223372036854775808), (9223372036854775807, -1);
             GRANT SELECT ON t TO app",
        )
        .await;
    let mut session = server.session().await;
    let rows = query(&mut *session, "t", json!({"where": {"id": 1}})).await.unwrap().rows;
    assert_eq!(rows, [json!({"id": "1", "n": "9223372036854775808"})]);
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
    ] {
        assert_eq!(
            query(&mut *session, "t", json!({"where": filter})).await.unwrap().rows.len(),
            found,
            "{filter}"
        );
    }
}
