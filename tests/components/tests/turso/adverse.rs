//! Servers that break off, hang, answer nonsense.

use std::time::{Duration, Instant};

use component_tests::job::job_within;
use connector_api::CallContext;
use connector_model::error::ErrorCode;
use connector_model::request::Kind;
use serde_json::json;
use test_servers::TursoFault;

use crate::{Fixture, query, warm_session};

const TABLE: [&str; 2] = ["CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)"];

#[tokio::test]
async fn a_server_killed_in_the_middle_of_a_query_is_unreachable_and_stays_so() {
    let mut fixture = Fixture::with(&TABLE).await;
    let mut session = warm_session(&fixture, "t").await;
    fixture.server.set_fault(Some(TursoFault::Silence));
    let begun = Instant::now();
    let asked = tokio::spawn(async move { query(&mut *session, "t", json!({"where": {"id": 2}})).await });
    fixture.server.until_asked("WHERE").await;
    fixture.server.kill().await.unwrap();
    let error = asked.await.unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
    assert!(error.retryable() && begun.elapsed() < Duration::from_secs(10));
    let error = fixture.session_with(&[]).await.err().unwrap();
    let found = (error.code(), &error.detail()["stage"], &error.detail()["kind"]);
    assert_eq!(found, (ErrorCode::SourceUnreachable, &json!("tcp"), &json!("refused")), "{error}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_shorter_result() {
    let fixture = Fixture::with(&TABLE).await;
    let mut session = warm_session(&fixture, "t").await;
    fixture.server.set_fault(Some(TursoFault::BreakOff));
    let error = query(&mut *session, "t", json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
}

#[tokio::test]
async fn what_is_no_answer_of_hrana_is_never_rows() {
    let fixture = Fixture::with(&TABLE).await;
    let rows = |rows: &str| {
        format!(
            r#"{{"results":[{{"type":"ok","response":{{"type":"execute","result":{{"cols":[],"rows":{rows}}}}}}}]}}"#
        )
    };
    for (body, code) in [
        ("<html>".to_owned(), ErrorCode::ConnectorFailed),
        ("{}".to_owned(), ErrorCode::ConnectorFailed),
        (r#"{"results":[]}"#.to_owned(), ErrorCode::ConnectorFailed),
        (rows(r#"[[{"type":"integer","value":"hunter2"}]]"#), ErrorCode::ConnectorFailed),
        (rows(r#"[[{"type":"integer","value":"1"},{"type":"null"}]]"#), ErrorCode::ConnectorFailed),
        (rows("[[]]"), ErrorCode::ConnectorFailed),
        (
            r#"{"results":[{"type":"error","error":{"message":"reads are blocked","code":"BLOCKED"}}]}"#
                .to_owned(),
            ErrorCode::SourceQueryFailed,
        ),
    ] {
        fixture.server.set_fault(None);
        let mut session = warm_session(&fixture, "t").await;
        fixture.server.set_fault(Some(TursoFault::Body(body.clone())));
        let error = query(&mut *session, "t", json!({})).await.unwrap_err();
        assert_eq!(error.code(), code, "{body}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_status_is_a_code() {
    let fixture = Fixture::with(&TABLE).await;
    for (status, code, retryable) in [
        (404, ErrorCode::SourceNotConfigured, false),
        (307, ErrorCode::SourceNotConfigured, false),
        (429, ErrorCode::SourceQueryFailed, true),
        (500, ErrorCode::SourceQueryFailed, true),
        (503, ErrorCode::SourceUnreachable, true),
    ] {
        fixture.server.set_fault(None);
        let mut session = warm_session(&fixture, "t").await;
        fixture.server.set_fault(Some(TursoFault::Status(status, "{}".into())));
        let error = query(&mut *session, "t", json!({})).await.unwrap_err();
        assert_eq!((error.code(), error.retryable()), (code, retryable), "{status}: {error}");
    }
}

#[tokio::test]
async fn a_cancelled_job_ends_at_once_and_one_without_time_at_its_deadline() {
    let fixture = Fixture::with(&TABLE).await;
    let mut session = warm_session(&fixture, "t").await;
    fixture.server.set_fault(Some(TursoFault::Silence));
    let cx = CallContext::within(Duration::from_secs(60));
    let cancel = cx.cancel.clone();
    let begun = Instant::now();
    let options = json!({"where": {"id": 2}});
    let stop = async {
        fixture.server.until_asked("WHERE").await;
        cancel.cancel();
    };
    let (answer, ()) = tokio::join!(job_within(&mut *session, Kind::Query, "t", &options, &cx), stop);
    assert_eq!(answer.unwrap_err().code(), ErrorCode::Cancelled);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(!session.reusable());

    fixture.server.set_fault(None);
    let mut session = fixture.session().await;
    fixture.server.set_fault(Some(TursoFault::Silence));
    let cx = CallContext::within(Duration::from_millis(300));
    let error = job_within(&mut *session, Kind::Query, "t", &json!({}), &cx).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::QueryTimeout, "{error}");
}
