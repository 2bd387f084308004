//! Exceptions among rows, servers that die, queries that are stopped.

use std::time::{Duration, Instant};

use component_tests::job::job_within;
use connector_api::CallContext;
use connector_model::error::ErrorCode;
use connector_model::request::Kind;
use serde_json::json;
use test_servers::ClickHouseOptions;

use crate::{Fixture, query};

/// A view whose rows come slowly, and one whose rows end with an exception.
const VIEWS: [&str; 4] = [
    "CREATE VIEW whole AS SELECT number AS n FROM numbers(3)",
    "CREATE VIEW slow AS SELECT number AS n, sleepEachRow(0.05) AS z FROM system.numbers LIMIT 1000",
    "CREATE VIEW broken AS SELECT toInt32(number) AS n, throwIf(number = 1000000, 'stop here') AS z FROM numbers(2000000)",
    "CREATE VIEW late AS SELECT sleepEachRow(1) AS z FROM numbers(60) SETTINGS max_block_size = 1",
];

/// How long a server may need to stop a query that it was told to.
const STOPPED: Duration = Duration::from_secs(10);

async fn running(fixture: &Fixture) -> u64 {
    let text = fixture
        .server
        .execute("SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow%' OR query LIKE '%late%' OR query LIKE '%slow%'")
        .await
        .unwrap();
    // The question itself is one of them.
    text.trim().parse::<u64>().unwrap() - 1
}

async fn until_running(fixture: &Fixture, wanted: bool) {
    let begun = Instant::now();
    while (running(fixture).await > 0) != wanted {
        assert!(begun.elapsed() < STOPPED, "a query is {}", if wanted { "not there" } else { "still there" });
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_exception_among_rows_is_an_error_and_never_a_row() {
    for tagged_exceptions in [false, true] {
        let fixture = Fixture::start(ClickHouseOptions { tagged_exceptions }).await;
        fixture.run(&VIEWS).await;
        let mut session = fixture.session().await;
        let error = query(&mut *session, "broken", json!({})).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::SourceQueryFailed, "{error}");
        assert_eq!(error.detail()["nativeCode"], json!("395"), "{error}");
        assert!(
            error.message().contains("stop here") && !error.message().contains("__exception__"),
            "{error}"
        );
        // The rest of the result may still be under way: another session goes on.
        assert!(!session.reusable());
        let mut session = fixture.session().await;
        assert_eq!(query(&mut *session, "whole", json!({})).await.unwrap().rows.len(), 3);
    }
}

#[tokio::test]
async fn a_server_killed_in_the_middle_of_a_query_is_unreachable_until_it_is_back() {
    let mut fixture = Fixture::with(&VIEWS).await;
    let mut session = fixture.session().await;
    query(&mut *session, "slow", json!({"limit": 0})).await.unwrap();
    let begun = Instant::now();
    let asked = tokio::spawn(async move { query(&mut *session, "late", json!({})).await });
    until_running(&fixture, true).await;
    fixture.server.kill().await.unwrap();
    let error = asked.await.unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
    assert!(error.retryable() && begun.elapsed() < Duration::from_secs(20));
    let error = fixture.session_with(&[]).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
    fixture.server.restart().await.unwrap();
    let mut session = fixture.session().await;
    query(&mut *session, "slow", json!({"limit": 0})).await.unwrap();
}

#[tokio::test]
async fn a_cancelled_query_stops_in_the_server() {
    let fixture = Fixture::with(&VIEWS).await;
    let mut session = fixture.session().await;
    let cx = CallContext::within(Duration::from_secs(60));
    let cancel = cx.cancel.clone();
    let begun = Instant::now();
    let stop = async {
        until_running(&fixture, true).await;
        cancel.cancel();
    };
    let options = json!({});
    let (answer, ()) = tokio::join!(job_within(&mut *session, Kind::Query, "late", &options, &cx), stop);
    assert_eq!(answer.unwrap_err().code(), ErrorCode::Cancelled);
    assert!(begun.elapsed() < STOPPED && !session.reusable());
    until_running(&fixture, false).await;
}

#[tokio::test]
async fn a_query_without_time_ends_at_its_deadline_and_in_the_server_too() {
    let fixture = Fixture::with(&VIEWS).await;
    let mut session = fixture.session().await;
    query(&mut *session, "late", json!({"limit": 0})).await.unwrap();
    let cx = CallContext::within(Duration::from_millis(700));
    let begun = Instant::now();
    let error = job_within(&mut *session, Kind::Query, "late", &json!({}), &cx).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::QueryTimeout, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    drop(session);
    until_running(&fixture, false).await;
}

#[tokio::test]
async fn rows_that_come_slowly_are_handed_on_as_they_come() {
    let fixture = Fixture::with(&[
        "CREATE VIEW dripping AS SELECT number AS n, sleepEachRow(0.2) AS z FROM system.numbers LIMIT 8 SETTINGS max_block_size = 1",
    ])
    .await;
    let mut session = fixture.session().await;
    let answer = query(&mut *session, "dripping", json!({"limit": 3})).await.unwrap();
    assert_eq!(answer.rows.len(), 3);
}

#[tokio::test]
async fn a_table_that_changes_is_described_anew() {
    let fixture = Fixture::with(&[
        "CREATE TABLE t (id Int64, a Int32) ENGINE = MergeTree ORDER BY id",
        "INSERT INTO t VALUES (1, 1)",
    ])
    .await;
    let mut session = fixture.session().await;
    assert_eq!(query(&mut *session, "t", json!({})).await.unwrap().rows, [json!({"id": "1", "a": 1})]);
    fixture.run(&["ALTER TABLE t RENAME COLUMN a TO b"]).await;
    assert_eq!(query(&mut *session, "t", json!({})).await.unwrap().rows, [json!({"id": "1", "b": 1})]);
    fixture.run(&["DROP TABLE t"]).await;
    let error = query(&mut *session, "t", json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTarget, "{error}");
}
