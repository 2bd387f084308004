//! Aggregates that the engine computes itself: of a session's rows, in bounded memory, and stopped like any other job.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fake;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use connector_model::error::ErrorCode;
use fake::{Answer, Server, engine, job, local, submit};
use runner_engine::{Engine, JobRequest, Limits};
use serde_json::{Value, json, value::to_raw_value};

fn aggregate(target: &str, options: &Value) -> JobRequest {
    JobRequest {
        kind: "aggregate".to_owned(),
        options: Some(to_raw_value(options).unwrap()),
        ..job("1", local("main"), target)
    }
}

async fn ask(engine: &Engine, target: &str, options: Value) -> Answer {
    submit(engine, aggregate(target, &options)).await.unwrap()
}

fn fresh() -> (Engine, Arc<Server>) {
    engine(Limits::default())
}

#[tokio::test(start_paused = true)]
async fn what_a_session_does_not_compute_is_computed_of_its_rows() {
    let (engine, server) = fresh();
    let options = json!({
        "dimensions": [{"field": "id", "bucket": {"type": "numeric", "step": 40_000}, "as": "range"}],
        "measures": {
            "middle": {"agg": "percentile", "column": "id", "p": 0.5},
            "total": {"agg": "sum", "column": "id"},
        },
        "sort": [{"key": "count", "dir": "desc"}],
        "limit": 2,
    });
    let answer = ask(&engine, "rows:100000", options).await;
    let expected = [
        r#"{"dims":{"range":"0..40000"},"measures":{"middle":19999.5,"total":799980000},"count":40000}"#,
        r#"{"dims":{"range":"40000..80000"},"measures":{"middle":59999.5,"total":2399980000},"count":40000}"#,
    ];
    assert_eq!(answer.chunks, [format!("groups[{}]", expected.join(","))]);
    assert_eq!(answer.done.unwrap().rows, 2);
    assert_eq!(server.queries.load(SeqCst), 1, "one scan");
}

#[tokio::test(start_paused = true)]
async fn many_groups_come_in_several_chunks() {
    let (engine, _) = fresh();
    let answer = ask(&engine, "rows:20000", json!({"dimensions": [{"field": "id"}]})).await;
    assert!(answer.chunks.len() > 5 && answer.chunks.iter().all(|chunk| chunk.starts_with("groups[{")));
    assert_eq!(answer.done.unwrap().rows, 20_000);
}

#[tokio::test(start_paused = true)]
async fn groups_beyond_the_memory_are_refused_with_advice() {
    let (engine, _) = fresh();
    let answer = ask(&engine, "rows:2000000", json!({"dimensions": [{"field": "id"}]})).await;
    let error = answer.error.unwrap();
    assert_eq!(error.code(), ErrorCode::ResultTooLarge);
    assert_eq!(error.detail()["limitBytes"], json!(64 * 1024 * 1024));
    assert!(error.message().contains("`candidatesWhere`"), "{error}");
    assert!(answer.chunks.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_group_is_no_larger_than_a_row_may_be() {
    let (engine, _) = fresh();
    let list = json!({"agg": "top_k", "column": "id", "k": 10_000});
    let measures: serde_json::Map<_, _> = (0..40).map(|at| (format!("m{at}"), list.clone())).collect();
    let error = ask(&engine, "rows:10000", json!({"measures": measures})).await.error.unwrap();
    assert_eq!(error.code(), ErrorCode::ResultTooLarge);
    assert_eq!(error.detail()["limitBytes"], json!(8 * 1024 * 1024), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_computed_is_refused_by_the_options_name_and_never_scanned() {
    let (engine, server) = fresh();
    let on = json!({"local": "id", "foreign": "id"});
    for (options, code, option) in [
        (json!({"dimensions": [{"field": "ad"}]}), ErrorCode::InvalidJob, "dimensions[0].field"),
        (
            json!({"measures": {"m": {"agg": "sum", "column": "x"}}}),
            ErrorCode::InvalidJob,
            "measures.m.column",
        ),
        (json!({"candidatesWhere": {"x": 1}}), ErrorCode::InvalidJob, "candidatesWhere"),
        (json!({"changeTrackingColumn": "x"}), ErrorCode::InvalidJob, "changeTrackingColumn"),
        (json!({"joins": [{"target": "u", "alias": "u", "on": on}]}), ErrorCode::UnsupportedJob, "joins"),
    ] {
        let answer = ask(&engine, "rows:3", options.clone()).await;
        assert_eq!((answer.code(), answer.detail("option")), (Some(code), Some(option)), "{options}");
    }
    assert_eq!(server.queries.load(SeqCst), 0);
    let answer = ask(&engine, "missing", json!({})).await;
    assert_eq!(answer.code(), Some(ErrorCode::InvalidTarget));
}

#[tokio::test(start_paused = true)]
async fn a_scan_ends_with_its_job() {
    let (engine, server) = fresh();
    let ended = submit(&engine, aggregate("slow:60000", &json!({})));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(engine.cancel("1"));
    assert_eq!(ended.await.unwrap().code(), Some(ErrorCode::Cancelled));
    let slow = JobRequest { deadline_ms: 100, ..aggregate("slow:60000", &json!({})) };
    assert_eq!(submit(&engine, slow).await.unwrap().code(), Some(ErrorCode::QueryTimeout));
    assert_eq!((server.sessions(), engine.stats().active_jobs), (1, 0), "the session serves on");
}
