//! What a session leaves behind, how it is stopped, what it survives.

use std::time::{Duration, Instant};

use connector_api::{CallContext, Session};
use connector_model::error::ErrorCode;
use connector_model::request::Kind;
use connector_postgres::Postgres as Driver;
use driver_tests::{LIMIT, job, open_context, source};
use serde_json::json;
use test_servers::{PgBouncer, PgBouncerOptions};
use tokio::time::Instant as Clock;

use crate::{Server, query, read};

async fn slow_server() -> Server {
    let server = Server::start().await;
    server
        .run(
            "CREATE TABLE small (id int PRIMARY KEY, v text);
             INSERT INTO small SELECT i, 'v' || i FROM generate_series(1, 100) i;
             CREATE VIEW endless AS SELECT i FROM generate_series(1, 1000000000000) i;
             CREATE VIEW asleep AS SELECT 1 AS i FROM pg_sleep(60);
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO app",
        )
        .await;
    server
}

async fn busy(server: &Server) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app' AND state = 'active'";
    server.admin.query_one(sql, &[]).await.unwrap().get(0)
}

/// What the server is doing, for a message.
async fn activity(server: &Server) -> String {
    let sql = "SELECT string_agg(state || ' ' || coalesce(wait_event, '-') || ' ' || query, '; ') \
               FROM pg_stat_activity WHERE usename = 'app'";
    server.admin.query_one(sql, &[]).await.unwrap().get(0)
}

async fn cancelled_while_running(server: &Server, session: &mut dyn Session, target: &str) {
    let cx = CallContext::within(LIMIT);
    let cancel = cx.cancel.clone();
    let watch = async {
        while busy(server).await == 0 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
        let asked = Instant::now();
        while busy(server).await > 0 {
            assert!(
                asked.elapsed() < Duration::from_secs(5),
                "the server works on: {}",
                activity(server).await
            );
            tokio::task::yield_now().await;
        }
    };
    let options = json!({});
    let (answer, ()) = tokio::join!(job(session, Kind::Query, target, &options, &cx), watch);
    assert_eq!(answer.unwrap_err().code(), ErrorCode::Cancelled);
    assert!(session.reusable());
    assert_eq!(query(session, "small", json!({"limit": 3})).await.unwrap().rows.len(), 3);
}

#[tokio::test]
async fn a_cancel_stops_the_server_and_the_session_serves_again() {
    let server = slow_server().await;
    let mut session = server.session().await;
    for target in ["asleep", "endless"] {
        cancelled_while_running(&server, &mut *session, target).await;
    }
}

#[tokio::test]
async fn a_cancel_works_through_a_pooler_too() {
    let server = slow_server().await;
    let bouncer = PgBouncer::start(&server.postgres, &PgBouncerOptions::default()).await.unwrap();
    let source = source(&Driver::new(), &[("url", &bouncer.url())]).unwrap();
    let mut session = source.open(&open_context().unwrap()).await.unwrap();
    cancelled_while_running(&server, &mut *session, "asleep").await;
}

#[tokio::test]
async fn the_deadline_stops_the_server_with_its_own_code() {
    let server = slow_server().await;
    let mut session = server.session().await;
    for kind in [Kind::Query, Kind::Count] {
        let cx =
            CallContext { deadline: Clock::now() + Duration::from_millis(150), ..CallContext::within(LIMIT) };
        let error = job(&mut *session, kind, "asleep", &json!({}), &cx).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::QueryTimeout);
        assert_eq!(busy(&server).await, 0);
    }
    assert!(session.reusable());
}

#[tokio::test]
async fn a_session_is_read_only_and_in_utc_whatever_the_server_says() {
    let server = slow_server().await;
    server
        .run(
            "CREATE FUNCTION touch() RETURNS int LANGUAGE sql AS 'INSERT INTO small VALUES (1000) RETURNING 1';
             ALTER FUNCTION touch() SECURITY DEFINER;
             CREATE VIEW writes AS SELECT touch() AS t;
             CREATE VIEW shown AS SELECT now()::text AS moment, '1 day 2 hours'::interval::text AS span;
             GRANT SELECT ON writes, shown TO app;
             ALTER ROLE app SET TimeZone = 'Asia/Tokyo'; ALTER ROLE app SET IntervalStyle = 'iso_8601';
             ALTER ROLE app SET DateStyle = 'German'",
        )
        .await;
    let bouncer = PgBouncer::start(&server.postgres, &PgBouncerOptions::default()).await.unwrap();
    for url in [server.postgres.url(), bouncer.url()] {
        let source = source(&Driver::new(), &[("url", &url)]).unwrap();
        let mut session = source.open(&open_context().unwrap()).await.unwrap();
        let error = query(&mut *session, "writes", json!({})).await.unwrap_err();
        assert_eq!(error.detail().get("nativeCode"), Some(&json!("25006")), "{error}");
    }
    let mut session = server.session().await;
    let shown = query(&mut *session, "shown", json!({})).await.unwrap();
    assert!(shown.rows[0]["moment"].as_str().unwrap().ends_with("+00"), "{}", shown.rows[0]);
    assert_eq!(shown.rows[0]["span"], json!("1 day 02:00:00"));
}

#[tokio::test]
async fn nothing_of_ours_is_left_in_a_poolers_server_and_another_clients_writes_never_fail() {
    let server = slow_server().await;
    server.run("CREATE TABLE log (n int); GRANT ALL ON log TO app").await;
    let options = PgBouncerOptions { pool_size: 1, ..PgBouncerOptions::default() };
    let bouncer = PgBouncer::start(&server.postgres, &options).await.unwrap();
    let other = bouncer.client().await.unwrap();
    let settings = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings \
                    WHERE name IN ('statement_timeout', 'TimeZone', 'DateStyle', 'default_transaction_read_only', \
                    'IntervalStyle', 'bytea_output', 'extra_float_digits')";
    let text = async || match &other.simple_query(settings).await.unwrap()[1] {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).unwrap().to_owned(),
        _ => panic!("a row"),
    };
    let before = text().await;
    let source = source(&Driver::new(), &[("url", &bouncer.url())]).unwrap();
    let mut session = source.open(&open_context().unwrap()).await.unwrap();
    for n in 0..50 {
        let jobs = [json!({"limit": 2}), json!({}), json!({"limit": 5, "includeTotal": false})];
        query(&mut *session, "small", jobs[n % 3].clone()).await.unwrap();
        read(&mut *session, "small", json!({"limit": 7})).await.unwrap();
        let _ = query(&mut *session, "small", json!({"where": {"id": {"$gt": "x"}}})).await.unwrap_err();
        other.simple_query(&format!("INSERT INTO log VALUES ({n})")).await.unwrap();
        assert_eq!(text().await, before);
    }
    let prepared = other.simple_query("SELECT count(*) FROM pg_prepared_statements").await.unwrap();
    match &prepared[1] {
        tokio_postgres::SimpleQueryMessage::Row(row) => assert_eq!(row.get(0), Some("0")),
        _ => panic!("a row"),
    }
}

#[tokio::test]
async fn a_total_sees_what_the_rows_saw_and_is_not_counted_when_the_result_shows_it() {
    let server = slow_server().await;
    let mut session = server.session().await;
    for (options, rows, total) in [
        (json!({"limit": 10}), 10, Some(100)),
        (json!({}), 100, Some(100)),
        (json!({"limit": 200}), 100, Some(100)),
        (json!({"limit": 10, "offset": 95}), 5, Some(100)),
        (json!({"limit": 10, "offset": 500}), 0, Some(100)),
        (json!({"limit": 0}), 0, Some(100)),
        (json!({"limit": 10, "includeTotal": false}), 10, None),
        (json!({"limit": 10, "where": {"id": {"$lte": 42}}}), 10, Some(42)),
    ] {
        let answer = query(&mut *session, "small", options.clone()).await.unwrap();
        assert_eq!((answer.rows.len(), answer.page.total), (rows, total), "{options}");
    }
    let first = read(&mut *session, "small", json!({"limit": 60})).await.unwrap();
    assert_eq!((first.page.total, first.page.next_cursor.as_deref()), (Some(100), Some("60")));
    let second = read(&mut *session, "small", json!({"limit": 60, "cursor": "60"})).await.unwrap();
    assert_eq!((second.page.total, second.page.next_cursor, second.rows.len()), (None, None, 40));
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_of_a_result_is_an_error_with_a_code() {
    let server = slow_server().await;
    let mut session = server.session().await;
    let cx = CallContext::within(LIMIT);
    let options = json!({});
    let death = async {
        while busy(&server).await == 0 {
            tokio::task::yield_now().await;
        }
        server.postgres.kill().await.unwrap();
    };
    let (answer, ()) = tokio::join!(job(&mut *session, Kind::Query, "asleep", &options, &cx), death);
    let error = answer.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
    assert!(error.retryable() && !session.reusable());
}

#[tokio::test]
async fn a_hundred_thousand_rows_of_types_that_are_not_built_in_come_on_a_cold_connection() {
    let server = Server::start().await;
    server
        .run(
            "CREATE TYPE mood AS ENUM ('sad', 'happy');
             CREATE TYPE pair AS (a int, b text);
             CREATE DOMAIN email AS text;
             CREATE TABLE t (id int PRIMARY KEY, e mood, p pair, d email, a mood[]);
             INSERT INTO t SELECT i, 'happy', ROW(i, 'x')::pair, 'a@b', ARRAY['sad'::mood] FROM generate_series(1, 100000) i;
             GRANT SELECT ON t TO app",
        )
        .await;
    let bouncer = PgBouncer::start(&server.postgres, &PgBouncerOptions::default()).await.unwrap();
    for url in [server.postgres.url(), bouncer.url()] {
        let source = source(&Driver::new(), &[("url", &url)]).unwrap();
        let mut session = source.open(&open_context().unwrap()).await.unwrap();
        let answer = query(&mut *session, "t", json!({})).await.unwrap();
        assert_eq!(answer.rows.len(), 100_000);
        let row = answer.rows.iter().find(|row| row["id"] == 7).unwrap();
        assert_eq!(*row, json!({"id": 7, "e": "happy", "p": "(7,x)", "d": "a@b", "a": ["sad"]}));
    }
}
