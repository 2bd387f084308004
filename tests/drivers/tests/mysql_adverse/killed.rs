//! Statements and sessions that are ended from beside.

use std::time::{Duration, Instant};

use connector_api::CallContext;
use connector_model::error::ErrorCode;
use connector_model::request::Kind;
use driver_tests::{LIMIT, job};
use serde_json::json;

use crate::{Server, query};

pub(crate) async fn slow_server() -> Server {
    let server = Server::start().await;
    server
        .run(
            "CREATE TABLE small (id int PRIMARY KEY, v varchar(20));
             INSERT INTO small SELECT seq, CONCAT('v', seq) FROM seq_1_to_100;
             CREATE VIEW endless AS SELECT seq AS i FROM seq_1_to_1000000000000;
             CREATE VIEW asleep AS SELECT SLEEP(60) AS i",
        )
        .await;
    server
}

/// Statements of the driver that are under way.
async fn busy(server: &Server) -> i64 {
    let sql = "SELECT COUNT(*) FROM information_schema.PROCESSLIST \
               WHERE USER = 'app' AND COMMAND IN ('Query', 'Execute') AND INFO IS NOT NULL";
    server.row(sql).await
}

async fn until_busy(server: &Server) {
    while busy(server).await == 0 {}
}

/// The connection that runs a statement over `target`, once it does.
async fn connection_on(server: &Server, target: &str) -> u64 {
    let sql = format!(
        "SELECT COALESCE(MAX(ID), 0) FROM information_schema.PROCESSLIST \
         WHERE USER = 'app' AND COMMAND = 'Execute' AND INFO LIKE '%`{target}`%'"
    );
    loop {
        match server.row(&sql).await {
            0 => {}
            id => return id,
        }
    }
}

async fn until_quiet(server: &Server) {
    let asked = Instant::now();
    while busy(server).await > 0 {
        assert!(asked.elapsed() < Duration::from_secs(5), "the server works on");
    }
}

#[tokio::test]
async fn counts_and_groups_are_stopped_as_rows_are() {
    let server = slow_server().await;
    let mut session = server.session().await;
    let groups = json!({"measures": {"n": {"agg": "sum", "column": "i"}}});
    for (kind, options) in [(Kind::Count, json!({"where": {"i": {"$gt": 5}}})), (Kind::Aggregate, groups)] {
        let cx = CallContext::within(LIMIT);
        let cancel = cx.cancel.clone();
        let stop = async {
            until_busy(&server).await;
            cancel.cancel();
            until_quiet(&server).await;
        };
        let (answer, ()) = tokio::join!(job(&mut *session, kind, "endless", &options, &cx), stop);
        assert_eq!(answer.unwrap_err().code(), ErrorCode::Cancelled, "{kind:?}");
        assert_eq!(query(&mut *session, "small", json!({"limit": 3})).await.unwrap().rows.len(), 3);
    }
    // The connections that asked for it are gone as well.
    let sql = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'app'";
    let gone = async { while server.row::<i64>(sql).await > 1 {} };
    tokio::time::timeout(Duration::from_secs(5), gone)
        .await
        .expect("a connection that asked for a stop is left");
}

#[tokio::test]
async fn a_late_kill_never_hits_the_next_statement() {
    let server = slow_server().await;
    let mut session = server.session().await;
    query(&mut *session, "small", json!({})).await.unwrap();
    let mut cancelled = 0;
    for turn in 0..150_u32 {
        let cx = CallContext::within(LIMIT);
        let cancel = cx.cancel.clone();
        let options = json!({"limit": 50, "where": {"v": {"$contains": "v"}}});
        let late = async {
            for _ in 0..turn % 50 {
                tokio::task::yield_now().await;
            }
            cancel.cancel();
        };
        let (answer, ()) = tokio::join!(job(&mut *session, Kind::Query, "small", &options, &cx), late);
        if let Err(error) = answer {
            assert_eq!(error.code(), ErrorCode::Cancelled, "turn {turn}: {error}");
            cancelled += 1;
        }
        if !session.reusable() {
            session = server.session().await;
        }
        let next = query(&mut *session, "small", json!({"limit": 10})).await;
        assert_eq!(next.unwrap_or_else(|error| panic!("turn {turn}: {error}")).rows.len(), 10);
    }
    assert!(cancelled > 10, "{cancelled} of 150 were cancelled");
}

#[tokio::test]
async fn a_session_killed_by_an_administrator_is_unreachable_and_not_reused() {
    let server = slow_server().await;
    let mut session = server.session().await;
    let cx = CallContext::within(LIMIT);
    let options = json!({});
    let kill = async {
        let id = connection_on(&server, "asleep").await;
        server.run(&format!("KILL {id}")).await;
    };
    let (answer, ()) = tokio::join!(job(&mut *session, Kind::Query, "asleep", &options, &cx), kill);
    let error = answer.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
    assert!(!session.reusable());
    assert!(query(&mut *session, "small", json!({})).await.is_err());
}

#[tokio::test]
async fn a_statement_killed_by_an_administrator_fails_and_the_session_goes_on() {
    let server = slow_server().await;
    let mut session = server.session().await;
    let cx = CallContext::within(LIMIT);
    let options = json!({});
    let kill = async {
        let id = connection_on(&server, "endless").await;
        server.run(&format!("KILL QUERY {id}")).await;
    };
    let (answer, ()) = tokio::join!(job(&mut *session, Kind::Query, "endless", &options, &cx), kill);
    let error = answer.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceQueryFailed, "{error}");
    assert_eq!(error.detail()["nativeCode"], json!("1317"));
    assert!(session.reusable());
    assert_eq!(query(&mut *session, "small", json!({})).await.unwrap().rows.len(), 100);
}
