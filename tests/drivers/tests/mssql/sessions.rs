//! Cancel, deadline, a server that dies, two sources at once, totals.

use std::time::Duration;

use connector_api::{CallContext, Session};
use connector_model::error::ErrorCode;
use connector_model::request::Kind;
use driver_tests::{LIMIT, job, open_context};
use serde_json::json;
use test_servers::{SqlServerError, SqlServerFault, SqlServerOptions};

use crate::{Server, query, read};

async fn filled() -> Server {
    let server = Server::start().await;
    server.run("CREATE TABLE small (id int PRIMARY KEY, v nvarchar(60))").await;
    let rows: Vec<String> = (1..=100).map(|n| format!("({n}, 'value {n}')")).collect();
    server.run(&format!("INSERT INTO small VALUES {}", rows.join(", "))).await;
    server.run("CREATE TABLE hung (id int PRIMARY KEY)").await;
    server.run("INSERT INTO hung VALUES (1)").await;
    server
}

fn hanging(matching: &str) -> Vec<SqlServerFault> {
    vec![SqlServerFault::HangUntilAttention { matching: matching.to_owned() }]
}

/// Waits until the server works on a statement with this text.
async fn busy(server: &Server, text: &str) {
    while !server.mssql.statements().iter().any(|statement| statement.text.contains(text)) {
        tokio::task::yield_now().await;
    }
}

async fn serves(session: &mut dyn Session) {
    assert!(session.reusable());
    assert_eq!(query(session, "small", json!({"limit": 3})).await.unwrap().rows.len(), 3);
}

#[tokio::test]
async fn a_cancel_stops_the_server_and_the_session_serves_again() {
    let server = filled().await;
    let mut session = server.session().await;
    server.mssql.set_faults(hanging("[hung]"));
    for kind in [Kind::Query, Kind::Count, Kind::Read] {
        server.mssql.clear_statements();
        let cx = CallContext::within(LIMIT);
        let cancel = cx.cancel.clone();
        let options = json!({});
        let watch = async {
            busy(&server, "[hung]").await;
            cancel.cancel();
        };
        let (answer, ()) = tokio::join!(job(&mut *session, kind, "hung", &options, &cx), watch);
        assert_eq!(answer.unwrap_err().code(), ErrorCode::Cancelled);
        let statements = server.mssql.statements();
        let stopped = statements.iter().find(|statement| statement.text.contains("[hung]")).unwrap();
        assert!(stopped.called_off, "{stopped:?}");
        serves(&mut *session).await;
    }
    assert_eq!(server.mssql.sessions().len(), 1, "one connection did it all");
}

#[tokio::test]
async fn the_deadline_stops_the_server_with_its_own_code() {
    let server = filled().await;
    let mut session = server.session().await;
    server.mssql.set_faults(hanging("[hung]"));
    for kind in [Kind::Query, Kind::Count] {
        let cx = CallContext::within(Duration::from_millis(150));
        let error = job(&mut *session, kind, "hung", &json!({}), &cx).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::QueryTimeout);
        serves(&mut *session).await;
    }
}

#[tokio::test]
async fn a_cancel_in_the_middle_of_rows_leaves_nothing_of_them_behind() {
    let server = Server::start().await;
    server.run("CREATE TABLE wide (id int PRIMARY KEY, v nvarchar(max))").await;
    let text = "x".repeat(3_000);
    for hundred in 0..5 {
        let rows: Vec<String> = (0..100).map(|n| format!("({}, '{text}')", hundred * 100 + n)).collect();
        server.run(&format!("INSERT INTO wide VALUES {}", rows.join(", "))).await;
    }
    server.run("CREATE TABLE small (id int PRIMARY KEY)").await;
    server.run("INSERT INTO small VALUES (1), (2), (3)").await;
    let mut session = server.session().await;
    for pause in 0..20 {
        let cx = CallContext::within(LIMIT);
        let cancel = cx.cancel.clone();
        let options = json!({});
        server.mssql.clear_statements();
        let watch = async {
            busy(&server, "[wide]").await;
            tokio::time::sleep(Duration::from_micros(pause * 150)).await;
            cancel.cancel();
        };
        let (answer, ()) = tokio::join!(job(&mut *session, Kind::Query, "wide", &options, &cx), watch);
        match answer {
            Ok(answer) => assert_eq!(answer.rows.len(), 500),
            Err(error) => assert_eq!(error.code(), ErrorCode::Cancelled),
        }
        serves(&mut *session).await;
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_a_cancel_costs_the_session_and_not_the_job() {
    let server = filled().await;
    let mut session = server.session().await;
    server.mssql.set_faults(vec![SqlServerFault::HangForever { matching: "[hung]".to_owned() }]);
    let cx = CallContext::within(Duration::from_millis(100));
    let started = std::time::Instant::now();
    let error = job(&mut *session, Kind::Query, "hung", &json!({}), &cx).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::QueryTimeout);
    assert!(started.elapsed() < Duration::from_secs(2) && !session.reusable());
}

#[tokio::test]
async fn a_server_that_dies_is_an_error_with_a_code() {
    let server = filled().await;
    let mut session = server.session().await;
    let fault = SqlServerFault::CloseAfterRows { matching: "[small]".to_owned(), rows: 10 };
    server.mssql.set_faults(vec![fault]);
    let error = query(&mut *session, "small", json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
    assert!(error.retryable() && !session.reusable());
    server.mssql.set_faults(Vec::new());
    let mut session = server.session().await;
    server.mssql.disconnect_all();
    let error = query(&mut *session, "small", json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
    assert!(!session.reusable());
    let mut session = server.session().await;
    serves(&mut *session).await;
}

#[tokio::test]
async fn what_the_server_refuses_has_its_number_and_the_session_serves_again() {
    let server = filled().await;
    let mut session = server.session().await;
    for (number, retryable) in [(229, false), (1_205, true), (1_222, true), (8_134, false)] {
        let error = SqlServerError::numbered(number);
        for fault in [
            SqlServerFault::FailStatement { matching: "[small]".to_owned(), error: error.clone() },
            SqlServerFault::FailAfterRows { matching: "[small]".to_owned(), rows: 5, error: error.clone() },
        ] {
            server.mssql.set_faults(vec![fault]);
            let error = query(&mut *session, "small", json!({})).await.unwrap_err();
            assert_eq!(
                (error.code(), error.retryable()),
                (ErrorCode::SourceQueryFailed, retryable),
                "{error}"
            );
            assert_eq!(error.detail()["nativeCode"], json!(number.to_string()));
            server.mssql.set_faults(Vec::new());
            serves(&mut *session).await;
        }
    }
}

#[tokio::test]
async fn a_total_is_not_counted_when_the_result_shows_it() {
    let server = filled().await;
    let mut session = server.session().await;
    for (options, rows, total, counts) in [
        (json!({"limit": 10}), 10, Some(100), 1),
        (json!({}), 100, Some(100), 0),
        (json!({"limit": 200}), 100, Some(100), 0),
        (json!({"limit": 10, "offset": 95}), 5, Some(100), 0),
        (json!({"limit": 10, "offset": 500}), 0, Some(100), 1),
        (json!({"limit": 0}), 0, Some(100), 1),
        (json!({"limit": 10, "includeTotal": false}), 10, None, 0),
        (json!({"limit": 10, "where": {"id": {"$lte": 42}}}), 10, Some(42), 1),
    ] {
        server.mssql.clear_statements();
        let answer = query(&mut *session, "small", options.clone()).await.unwrap();
        assert_eq!((answer.rows.len(), answer.page.total), (rows, total), "{options}");
        let statements = server.mssql.statements();
        let counted = statements.iter().filter(|statement| statement.text.contains("COUNT_BIG")).count();
        assert_eq!(counted, counts, "{options}");
    }
    let first = read(&mut *session, "small", json!({"limit": 60})).await.unwrap();
    assert_eq!((first.page.total, first.page.next_cursor.as_deref()), (Some(100), Some("60")));
    let second = read(&mut *session, "small", json!({"limit": 60, "cursor": "60"})).await.unwrap();
    assert_eq!((second.page.total, second.page.next_cursor, second.rows.len()), (None, None, 40));
}

#[tokio::test]
async fn two_sources_at_once_never_mix() {
    let (one, other) = (Server::start().await, Server::start().await);
    for (server, name) in [(&one, "one"), (&other, "other")] {
        server.run("CREATE TABLE t (id int PRIMARY KEY, v nvarchar(20))").await;
        let rows: Vec<String> = (1..=500).map(|n| format!("({n}, '{name}')")).collect();
        server.run(&format!("INSERT INTO t VALUES {}", rows.join(", "))).await;
    }
    let (source_one, source_other) = (one.source(), other.source());
    let ask = async |source: &dyn connector_api::Source, name: &str| {
        for _ in 0..10 {
            let mut session = source.open(&open_context().unwrap()).await.unwrap();
            let answer = query(&mut *session, "t", json!({})).await.unwrap();
            assert_eq!(answer.rows.len(), 500);
            assert!(answer.rows.iter().all(|row| row["v"] == name));
        }
    };
    tokio::join!(
        ask(&*source_one, "one"),
        ask(&*source_other, "other"),
        ask(&*source_one, "one"),
        ask(&*source_other, "other"),
    );
}

#[tokio::test]
async fn only_select_is_ever_sent() {
    let server = filled().await;
    let mut session = server.session().await;
    query(&mut *session, "small", json!({"limit": 2})).await.unwrap();
    read(&mut *session, "small", json!({"limit": 2})).await.unwrap();
    session.list_targets(&CallContext::within(LIMIT)).await.unwrap();
    for statement in server.mssql.statements() {
        let word = statement.text.split_whitespace().next().unwrap();
        assert!(matches!(word, "SELECT" | "SET" | "IF"), "{}", statement.text);
    }
}

#[tokio::test]
async fn a_page_and_its_total_see_one_snapshot_where_the_database_keeps_any() {
    let server =
        Server::with(SqlServerOptions { snapshot_isolation: true, ..SqlServerOptions::default() }).await;
    server.run("CREATE TABLE small (id int PRIMARY KEY)").await;
    server.run("INSERT INTO small VALUES (1), (2), (3), (4), (5)").await;
    let mut session = server.session().await;
    server.mssql.clear_statements();
    let page = query(&mut *session, "small", json!({"limit": 2})).await.unwrap();
    assert_eq!((page.rows.len(), page.page.total), (2, Some(5)));
    let texts: Vec<String> = server.mssql.statements().into_iter().map(|statement| statement.text).collect();
    let at = |part: &str| {
        texts.iter().position(|text| text.contains(part)).unwrap_or_else(|| panic!("{part}: {texts:?}"))
    };
    assert!(at("BEGIN TRANSACTION") < at("[id] FROM") && at("[id] FROM") < at("COUNT_BIG"), "{texts:?}");
    assert!(at("COUNT_BIG") < at("ROLLBACK"), "{texts:?}");
    // Without a total there is nothing to agree with.
    server.mssql.clear_statements();
    query(&mut *session, "small", json!({"limit": 2, "includeTotal": false})).await.unwrap();
    query(&mut *session, "small", json!({})).await.unwrap();
    assert!(server.mssql.statements().iter().all(|statement| !statement.text.contains("TRANSACTION")));
    // A cancelled page leaves no transaction open.
    server.mssql.set_faults(hanging("COUNT_BIG"));
    let cx = CallContext::within(Duration::from_millis(150));
    let error = job(&mut *session, Kind::Query, "small", &json!({"limit": 2}), &cx).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::QueryTimeout);
    server.mssql.set_faults(Vec::new());
    serves(&mut *session).await;
}

#[tokio::test]
async fn a_job_stopped_around_its_snapshot_leaves_no_old_state_to_the_next() {
    let server =
        Server::with(SqlServerOptions { snapshot_isolation: true, ..SqlServerOptions::default() }).await;
    server.run("CREATE TABLE small (id int PRIMARY KEY)").await;
    server.run("INSERT INTO small VALUES (0)").await;
    let mut session = server.session().await;
    let mut rows = 1;
    for stopped in ["BEGIN TRANSACTION", "[id] FROM", "COUNT_BIG"] {
        for fault in [
            SqlServerFault::HoldAnswer { matching: stopped.to_owned() },
            SqlServerFault::HangUntilAttention { matching: stopped.to_owned() },
        ] {
            server.mssql.clear_statements();
            server.mssql.set_faults(vec![fault.clone()]);
            let cx = CallContext::within(LIMIT);
            let (cancel, options) = (cx.cancel.clone(), json!({"limit": 0}));
            let watch = async {
                busy(&server, stopped).await;
                cancel.cancel();
            };
            let (answer, ()) = tokio::join!(job(&mut *session, Kind::Query, "small", &options, &cx), watch);
            assert_eq!(answer.unwrap_err().code(), ErrorCode::Cancelled, "{fault:?}");
            server.mssql.set_faults(Vec::new());
            assert!(session.reusable(), "{fault:?}");
            server.run(&format!("INSERT INTO small VALUES ({rows})")).await;
            rows += 1;
            let options = json!({"limit": 100, "includeTotal": false});
            let answer = query(&mut *session, "small", options).await.unwrap();
            assert_eq!(answer.rows.len(), rows, "{fault:?}: the next job sees what is there now");
        }
    }
    // Where the end of the transaction does not come in time, nobody else gets the session.
    server.mssql.set_faults(vec![SqlServerFault::HangForever { matching: "ROLLBACK".to_owned() }]);
    let answer = query(&mut *session, "small", json!({"limit": 2})).await.unwrap();
    assert_eq!((answer.rows.len(), answer.page.total), (2, Some(rows as u64)));
    assert!(!session.reusable());
}

#[tokio::test]
async fn what_cannot_run_in_a_snapshot_runs_without_one() {
    let server =
        Server::with(SqlServerOptions { snapshot_isolation: true, ..SqlServerOptions::default() }).await;
    server.run("CREATE TABLE small (id int PRIMARY KEY)").await;
    server.run("INSERT INTO small VALUES (1), (2), (3), (4), (5)").await;
    let mut session = server.session().await;
    let error = SqlServerError::numbered(41_332);
    server.mssql.set_faults(vec![SqlServerFault::FailStatement { matching: "[id] FROM".to_owned(), error }]);
    let refused = query(&mut *session, "small", json!({"limit": 2})).await.unwrap_err();
    assert_eq!(refused.detail()["nativeCode"], json!("41332"));
    let texts: Vec<String> = server.mssql.statements().into_iter().map(|statement| statement.text).collect();
    assert_eq!(texts.iter().filter(|text| text.contains("[id] FROM")).count(), 2, "once more, without");
    assert_eq!(texts.iter().filter(|text| text.contains("BEGIN TRANSACTION")).count(), 1);
    server.mssql.set_faults(Vec::new());
    serves(&mut *session).await;
}
