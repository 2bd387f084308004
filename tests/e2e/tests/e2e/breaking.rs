//! Parts that die, hang, go away and come back.

use std::time::{Duration, Instant};

use e2e_tests::{LIMIT, Runner};
use reqwest::StatusCode;
use serde_json::json;
use test_servers::{Exit, Signal};

use crate::Stack;

#[tokio::test]
async fn a_killed_runner_is_told_to_the_caller_at_once_and_its_restart_serves_again() {
    let stack = Stack::start().await;
    let body = json!({"target": "asleep"});
    let waiting = stack.caller.ask("direct", "query", &body);
    let kill = async {
        stack.until_busy(true).await;
        stack.runner.process().kill9().await.unwrap();
        Instant::now()
    };
    let (answer, killed) = tokio::join!(async { (waiting.await.unwrap(), Instant::now()) }, kill);
    let (answer, answered) = answer;
    assert!(answered.duration_since(killed) < Duration::from_secs(2));
    assert!(
        matches!(answer.status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE),
        "{} {}",
        answer.status,
        answer.body
    );
    let nobody = stack.caller.ask("direct", "test", &json!({})).await.unwrap();
    assert_eq!((nobody.status, nobody.code()), (StatusCode::SERVICE_UNAVAILABLE, "no_runners_online"));
    let _again = Runner::start(&stack.gateway, &stack.identity, &stack.options).await.unwrap();
    stack.gateway.serving(&stack.caller, "direct").await.unwrap();
}

#[tokio::test]
async fn a_caller_that_goes_away_stops_the_database() {
    let stack = Stack::start().await;
    for source in ["direct", "pooled"] {
        let body = json!({"target": "asleep"});
        let gone = tokio::time::timeout(Duration::from_millis(500), stack.caller.ask(source, "query", &body));
        let (gone, ()) = tokio::join!(gone, stack.until_busy(true));
        assert!(gone.is_err(), "it answered");
        stack.until_busy(false).await;
    }
}

#[tokio::test]
async fn a_deadline_is_504_and_the_database_is_idle() {
    let stack = Stack::start().await;
    let body = json!({"target": "asleep", "deadlineMs": 300});
    let answer = stack.caller.ask("direct", "query", &body).await.unwrap();
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::GATEWAY_TIMEOUT, "QUERY_TIMEOUT"),
        "{}",
        answer.body
    );
    stack.until_busy(false).await;
}

#[tokio::test]
async fn a_database_that_goes_away_is_an_error_with_a_code_and_heals_by_itself() {
    let mut stack = Stack::start().await;
    stack.postgres.kill().await.unwrap();
    let answer = stack.caller.ask("direct", "query", &json!({"target": "small"})).await.unwrap();
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::BAD_GATEWAY, "SOURCE_UNREACHABLE"),
        "{}",
        answer.body
    );
    stack.postgres.restart().await.unwrap();
    stack.gateway.serving(&stack.caller, "direct").await.unwrap();
}

#[tokio::test]
async fn a_database_that_hangs_ends_at_the_deadline() {
    let stack = Stack::start().await;
    stack.postgres.freeze().unwrap();
    let body = json!({"target": "small", "deadlineMs": 1_000});
    let answer = stack.caller.ask("direct", "query", &body).await.unwrap();
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::GATEWAY_TIMEOUT, "QUERY_TIMEOUT"),
        "{}",
        answer.body
    );
    stack.postgres.thaw().unwrap();
    stack.gateway.serving(&stack.caller, "direct").await.unwrap();
}

#[tokio::test]
async fn a_gateway_that_crashes_is_found_again_without_a_person() {
    let mut stack = Stack::start().await;
    stack.gateway.crash_and_restart().await.unwrap();
    stack.gateway.serving(&stack.caller, "direct").await.unwrap();
    stack.runner.process().wait_for_line("disconnected", LIMIT).await.unwrap();
}

#[tokio::test]
async fn a_runner_told_to_stop_finishes_its_job_and_ends_with_0() {
    let stack = Stack::start().await;
    stack
        .admin
        .batch_execute("CREATE VIEW nap AS SELECT 1 AS i FROM pg_sleep(2); GRANT SELECT ON nap TO app")
        .await
        .unwrap();
    let body = json!({"target": "nap"});
    let job = stack.caller.ask("direct", "query", &body);
    let stop = async {
        stack.until_busy(true).await;
        stack.runner.process().signal(Signal::TERM).unwrap();
        stack.runner.process().wait_for_line("SIGTERM received, stopping runner", LIMIT).await.unwrap();
        // Whoever asks now is told at once.
        let late = stack.caller.ask("direct", "test", &json!({})).await.unwrap();
        assert_eq!(late.status, StatusCode::SERVICE_UNAVAILABLE, "{}", late.body);
    };
    let (answer, ()) = tokio::join!(job, stop);
    assert_eq!(answer.unwrap().rows().len(), 1);
    assert_eq!(stack.runner.process().wait(LIMIT).await.unwrap(), Exit::Code(0));
}

#[tokio::test]
async fn a_database_that_dies_in_the_middle_of_a_result_ends_the_lines_with_an_error() {
    let stack = Stack::start().await;
    let body = json!({"target": "million", "deadlineMs": 60_000});
    let mut lines = stack.caller.lines("direct", "query", &body).await.unwrap();
    assert_eq!(lines.status(), StatusCode::OK);
    let (first, _) = lines.piece().await.unwrap().unwrap();
    stack.postgres.kill().await.unwrap();
    let (rest, end) = lines.finish().await.unwrap();
    assert!(first + rest < 1_000_000, "{first} {rest}");
    assert_eq!(end["error"]["code"], json!("SOURCE_UNREACHABLE"), "{end}");
}
