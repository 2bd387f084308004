//! What the operator allows, over a database that does what it is told: kinds, sizes, times, shares, and what is written
//! down. What the rules for columns keep from whom is tried on real databases (tests/policy).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod fake;

use std::time::Duration;

use connector_model::error::ErrorCode;
use connector_model::request::Kind;
use fake::{Answer, ask, engine, job, local, submit};
use runner_engine::{Engine, JobRequest, Limits, Policies, PolicySection, PolicySettings, TargetRules};
use serde_json::Value;

fn policies(all: PolicySection, sources: &[(&str, PolicySection)]) -> Policies {
    let sources = sources.iter().map(|(name, section)| ((*name).to_owned(), section.clone())).collect();
    Policies::new(&PolicySettings { all, sources }, &Policies::default()).unwrap()
}

fn guarded(all: PolicySection) -> Engine {
    let (engine, _) = engine(Limits::default());
    engine.guard(policies(all, &[]));
    engine
}

fn rule(answer: &Answer) -> (Option<ErrorCode>, Option<&str>, Option<&str>) {
    (answer.code(), answer.detail("rule"), answer.detail("setting"))
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_not_allowed_is_refused_before_anything_is_opened() {
    let (engine, server) = engine(Limits::default());
    engine.guard(policies(PolicySection { kinds: Some(vec![Kind::Query]), ..PolicySection::default() }, &[]));
    let count = JobRequest { kind: "count".to_owned(), ..job("1", local("main"), "rows:1") };
    let answer = submit(&engine, count).await.unwrap();
    assert_eq!(rule(&answer), (Some(ErrorCode::PolicyDenied), Some("policy.kinds"), Some("[policy] kinds")));
    assert_eq!(server.sessions(), 0);
    assert_eq!(ask(&engine, "2", "rows:3").await.done.unwrap().rows, 3);
}

#[tokio::test(start_paused = true)]
async fn no_more_rows_leave_than_may_and_the_job_ends_with_the_setting() {
    let engine = guarded(PolicySection { max_rows: Some(10_000), ..PolicySection::default() });
    assert_eq!(ask(&engine, "1", "rows:10000").await.done.unwrap().rows, 10_000);
    let answer = ask(&engine, "2", "rows:10001").await;
    assert_eq!(
        (answer.code(), answer.detail("setting")),
        (Some(ErrorCode::ResultTooLarge), Some("[policy] max_rows"))
    );
    let rows: usize = answer.chunks.iter().map(|chunk| chunk.matches("{\"id\"").count()).sum();
    assert!((1..=10_000).contains(&rows), "{rows}");
    // The session is whole: it serves the next job.
    assert_eq!(ask(&engine, "3", "rows:1").await.done.unwrap().rows, 1);
}

#[tokio::test(start_paused = true)]
async fn no_more_bytes_leave_than_may() {
    let engine = guarded(PolicySection { max_bytes: Some(200_000), ..PolicySection::default() });
    let answer = ask(&engine, "1", "rows:100000").await;
    assert_eq!(
        (answer.code(), answer.detail("setting")),
        (Some(ErrorCode::ResultTooLarge), Some("[policy] max_bytes"))
    );
    let bytes: usize = answer.chunks.iter().map(String::len).sum();
    assert!((1..=200_000).contains(&bytes), "{bytes}");
    let list = JobRequest { kind: "listTargets".to_owned(), target: None, ..job("2", local("main"), "") };
    assert!(submit(&engine, list).await.unwrap().done.is_some());
}

#[tokio::test(start_paused = true)]
async fn the_statement_timeout_shortens_a_deadline_and_never_lengthens_one() {
    let engine = guarded(PolicySection {
        statement_timeout: Some(Duration::from_secs(5)),
        ..PolicySection::default()
    });
    let answer = ask(&engine, "1", "slow:20000").await;
    assert_eq!(answer.code(), Some(ErrorCode::QueryTimeout));
    assert_eq!(answer.detail("setting"), Some("[policy] statement_timeout"));
    assert!(answer.error.unwrap().message().contains("allows 5s"));
    let own = JobRequest { deadline_ms: 1_000, ..job("2", local("main"), "slow:20000") };
    let began = tokio::time::Instant::now();
    let answer = submit(&engine, own).await.unwrap();
    assert_eq!((answer.code(), answer.detail("setting")), (Some(ErrorCode::QueryTimeout), None));
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_source_has_no_more_jobs_at_once_than_its_own_table_says_whatever_it_is_called() {
    let (engine, server) = engine(Limits::default());
    let own = PolicySection { max_concurrent: Some(1), ..PolicySection::default() };
    engine.guard(policies(PolicySection::default(), &[("MAIN", own)]));
    // Another id, and another spelling of the same variables.
    let mut other = local("Main");
    other.id = "another".to_owned();
    let began = tokio::time::Instant::now();
    let (first, second) = (
        submit(&engine, job("1", local("main"), "slow:1000")),
        submit(&engine, job("2", other, "slow:1000")),
    );
    let free = submit(&engine, job("3", local("other"), "slow:1000")).await.unwrap();
    assert!(free.done.is_some() && began.elapsed() < Duration::from_millis(1_500));
    assert!(first.await.unwrap().done.is_some() && second.await.unwrap().done.is_some());
    assert!(began.elapsed() >= Duration::from_secs(2), "one after the other");
    assert!(server.sessions() >= 2);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_read_again_acts_on_jobs_that_wait() {
    let engine = guarded(PolicySection { max_concurrent: Some(1), ..PolicySection::default() });
    let running = submit(&engine, job("1", local("main"), "slow:1000"));
    let waiting = submit(&engine, job("2", local("main"), "rows:1"));
    tokio::task::yield_now().await;
    let targets = Some(TargetRules::parse(["!rows*"]).unwrap());
    engine.guard(policies(PolicySection { targets, ..PolicySection::default() }, &[]));
    assert!(running.await.unwrap().done.is_some());
    let answer = waiting.await.unwrap();
    assert_eq!(
        rule(&answer),
        (Some(ErrorCode::PolicyDenied), Some("policy.targets"), Some("[policy] targets"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_refusal_says_of_a_source_is_nothing() {
    let targets = Some(TargetRules::parse(["!rows*"]).unwrap());
    let engine = guarded(PolicySection { targets, ..PolicySection::default() });
    assert_eq!(ask(&engine, "1", "rows:1").await.code(), Some(ErrorCode::PolicyDenied));
    let stats = engine.stats();
    assert!(stats.sources.iter().all(|source| source.code.is_none()), "{stats:?}");
}

#[tokio::test]
async fn every_job_is_one_line_and_a_refused_one_names_its_rule() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let section = PolicySection {
        audit: Some(path.clone()),
        targets: Some(TargetRules::parse(["rows*", "fail*"]).unwrap()),
        ..PolicySection::default()
    };
    let engine = guarded(section);
    let select =
        serde_json::value::to_raw_value(&serde_json::json!({"select": ["id"], "where": {"name": "secret"}}));
    let query = JobRequest { options: Some(select.unwrap()), ..job("1", local("main"), "rows:2") };
    assert!(submit(&engine, query).await.unwrap().done.is_some());
    assert_eq!(ask(&engine, "2", "panic").await.code(), Some(ErrorCode::PolicyDenied));
    assert_eq!(ask(&engine, "3", "fail").await.code(), Some(ErrorCode::SourceQueryFailed));
    let long = "x".repeat(100_000);
    assert!(ask(&engine, "4", &long).await.error.is_some());
    engine.drain(Duration::from_secs(5)).await;
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("secret") && text.len() < 4_000, "{text}");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let field = |key: &str| lines.iter().map(|line| line[key].clone()).collect::<Vec<_>>();
    assert_eq!(field("job"), ["1", "2", "3", "4"]);
    assert_eq!(field("outcome"), ["DONE", "POLICY_DENIED", "SOURCE_QUERY_FAILED", "POLICY_DENIED"]);
    assert_eq!(field("rows"), [2, 0, 0, 0]);
    assert_eq!(lines[0]["columns"], serde_json::json!(["id", "name"]));
    assert_eq!((&lines[0]["source"], &lines[0]["kind"]), (&Value::from("main"), &Value::from("query")));
    assert!(lines[0]["bytes"].as_u64() > Some(0) && lines[0]["ms"].is_u64());
    assert!(lines[0]["time"].as_str().unwrap().ends_with('Z'));
    assert_eq!(lines[1]["setting"], "[policy] targets");
}

#[tokio::test]
async fn no_job_runs_that_could_not_be_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let path = std::path::PathBuf::from("/dev/full");
    let engine = guarded(PolicySection { audit: Some(path), ..PolicySection::default() });
    // The first line shows that the disk is full.
    assert!(ask(&engine, "1", "rows:1").await.done.is_some());
    let mut refused = ask(&engine, "2", "rows:1").await;
    for number in 3..1_000 {
        if refused.error.is_some() {
            break;
        }
        tokio::task::yield_now().await;
        refused = ask(&engine, &number.to_string(), "rows:1").await;
    }
    assert_eq!(
        (refused.code(), refused.detail("rule")),
        (Some(ErrorCode::PolicyDenied), Some("policy.audit"))
    );
    assert!(refused.error.unwrap().retryable());
    let usable = PolicySection { audit: Some(folder.path().join("audit")), ..PolicySection::default() };
    engine.guard(
        Policies::new(&PolicySettings { all: usable, ..PolicySettings::default() }, &engine.policies())
            .unwrap(),
    );
    assert!(ask(&engine, "last", "rows:1").await.done.is_some());
}

#[test]
fn two_tables_of_one_source_and_a_hash_without_a_key_are_faults() {
    let empty = PolicySection::default();
    let sources = [("primary-db", empty.clone()), ("PRIMARY.DB", empty)];
    let sources = sources.map(|(name, section)| (name.to_owned(), section)).into_iter().collect();
    let settings = PolicySettings { sources, ..PolicySettings::default() };
    let fault = Policies::new(&settings, &Policies::default()).unwrap_err().to_string();
    assert!(fault.contains("primary-db") && fault.contains("PRIMARY.DB"), "{fault}");
    let mask = vec![("email".parse().unwrap(), runner_engine::Mask::Hash)];
    let settings = PolicySettings {
        all: PolicySection { mask, ..PolicySection::default() },
        ..PolicySettings::default()
    };
    let fault = Policies::new(&settings, &Policies::default()).unwrap_err().to_string();
    assert!(fault.starts_with("[policy] mask: ") && fault.contains("SEMILAYER_MASK_KEY"), "{fault}");
}
