//! A job's life: what it answers, and that it ends exactly once however it ends.

mod fake;

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use connector_model::error::ErrorCode;
use fake::{ask, engine, job, local, recorder, submit};
use proptest::prelude::*;
use runner_engine::{JobRequest, Limits, SourceState, Submitted};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn every_kind_is_answered_in_its_own_way() {
    let (engine, server) = engine(Limits::default());
    let kind = |kind: &str, target: Option<&str>| JobRequest {
        kind: kind.to_owned(),
        target: target.map(str::to_owned),
        ..job(kind, local("main"), "")
    };
    let answer = submit(&engine, kind("query", Some("rows:3"))).await.unwrap();
    assert_eq!(answer.chunks, [r#"[{"id":0},{"id":1},{"id":2}]"#]);
    let done = answer.done.unwrap();
    assert_eq!((done.rows, done.total), (3, Some(3)));
    assert_eq!(submit(&engine, kind("read", Some("rows:1"))).await.unwrap().done.unwrap().rows, 1);
    assert_eq!(submit(&engine, kind("batchRead", Some("rows:0"))).await.unwrap().done.unwrap().rows, 0);
    let answer = submit(&engine, kind("count", Some("t"))).await.unwrap();
    assert_eq!(answer.counted.unwrap().total, 42);
    assert!(answer.chunks.is_empty() && answer.done.is_some());
    let answer = submit(&engine, kind("listTargets", None)).await.unwrap();
    assert_eq!(
        answer.chunks,
        [
            r#"[{"name":"a","kind":"table","estimatedRows":7},{"name":"b\"","kind":"table","estimatedRows":7}]"#
        ]
    );
    let answer = submit(&engine, kind("introspectTarget", Some("t"))).await.unwrap();
    assert_eq!(
        answer.chunks,
        [
            r#"[{"name":"t","kind":"table","columns":[{"name":"id","type":"bigint","nullable":false,"primaryKey":true}],"primaryKey":["id"]}]"#
        ]
    );
    assert!(submit(&engine, kind("test", None)).await.unwrap().done.is_some());
    assert_eq!(server.pings.load(SeqCst), 1);
    let answer = submit(&engine, kind("aggregate", Some("rows:3"))).await.unwrap();
    assert_eq!(answer.chunks, [r#"groups[{"dims":{},"measures":{},"count":3}]"#]);
    let done = answer.done.unwrap();
    assert_eq!((done.rows, done.total), (1, None));
    assert_eq!(submit(&engine, kind("dance", Some("t"))).await.unwrap().code(), Some(ErrorCode::InvalidJob));
    assert_eq!(server.sessions(), 1, "one session served them all");
    assert_eq!(engine.stats().active_jobs, 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_bug_with_an_id_and_costs_only_its_session() {
    let (engine, server) = engine(Limits::default());
    let answer = ask(&engine, "1", "panic").await;
    assert_eq!(answer.code(), Some(ErrorCode::Internal));
    let incident = answer.detail("incident").unwrap().to_owned();
    assert!(answer.error.unwrap().message().contains(&incident));
    assert_eq!((server.sessions(), engine.stats().active_jobs), (0, 0));
    assert!(ask(&engine, "1", "rows:1").await.done.is_some());
}

#[tokio::test(start_paused = true)]
async fn cancel_and_deadline_end_a_job_and_its_session_serves_on() {
    let (engine, server) = engine(Limits::default());
    let ended = submit(&engine, job("1", local("main"), "slow:60000"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(engine.cancel("1") && !engine.cancel("unknown"));
    assert_eq!(ended.await.unwrap().code(), Some(ErrorCode::Cancelled));
    let began = Instant::now();
    let slow = JobRequest { deadline_ms: 1_500, ..job("2", local("main"), "slow:60000") };
    assert_eq!(submit(&engine, slow).await.unwrap().code(), Some(ErrorCode::QueryTimeout));
    assert_eq!(began.elapsed().as_millis(), 1_500);
    let ended = submit(&engine, job("3", local("main"), "slow:60000"));
    assert_eq!(ended.await.unwrap().code(), Some(ErrorCode::QueryTimeout), "30 s is the default");
    assert_eq!(began.elapsed().as_millis(), 31_500);
    assert_eq!(server.opened.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ignores_its_cancel_is_closed_after_a_second() {
    let (engine, server) = engine(Limits::default());
    let ended = submit(&engine, job("1", local("main"), "hang"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let cancelled = Instant::now();
    engine.cancel("1");
    let answer = ended.await.unwrap();
    assert_eq!((answer.code(), answer.detail("stage")), (Some(ErrorCode::Cancelled), Some("session")));
    assert_eq!(cancelled.elapsed().as_millis(), 1_000);
    assert_eq!(server.sessions(), 0);
    let hang = JobRequest { deadline_ms: 100, ..job("2", local("main"), "hang") };
    assert_eq!(submit(&engine, hang).await.unwrap().code(), Some(ErrorCode::QueryTimeout));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_takes_nothing_holds_a_job_no_longer_than_its_cancel() {
    let (engine, server) = engine(Limits::default());
    let (mut reply, ended) = recorder();
    reply.is_stuck = true;
    engine.submit(job("1", local("main"), "rows:5"), reply);
    tokio::time::sleep(Duration::from_millis(50)).await;
    engine.cancel_all();
    assert_eq!(ended.await.unwrap().code(), Some(ErrorCode::Cancelled));
    assert_eq!(engine.stats().active_jobs, 0);
    assert!(server.sessions() <= 1);
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_running_is_not_answered_twice() {
    let (engine, _) = engine(Limits::default());
    let first = submit(&engine, job("1", local("main"), "slow:100"));
    let (reply, second) = recorder();
    assert_eq!(engine.submit(job("1", local("main"), "rows:1"), reply), Submitted::Duplicate);
    assert!(second.await.is_err(), "dropped without a word");
    assert!(first.await.unwrap().done.is_some());
    assert!(ask(&engine, "1", "rows:1").await.done.is_some(), "the id is free again");
}

#[tokio::test(start_paused = true)]
async fn jobs_beyond_the_slots_wait_and_beyond_the_queue_are_refused() {
    let limits = Limits { jobs: 2, jobs_per_source: 2, queued: 2, ..Limits::default() };
    let (engine, server) = engine(limits);
    let running: Vec<_> =
        (0..2).map(|n| submit(&engine, job(&format!("r{n}"), local("main"), "slow:1000"))).collect();
    let short = JobRequest { deadline_ms: 200, ..job("w0", local("main"), "rows:1") };
    let began = Instant::now();
    let times_out = submit(&engine, short);
    let waits = submit(&engine, job("w1", local("main"), "rows:1"));
    let (reply, refused) = recorder();
    assert_eq!(
        engine.submit(job("x", local("other"), "rows:1"), reply),
        Submitted::Refused(ErrorCode::RunnerBusy)
    );
    assert_eq!(refused.await.unwrap().code(), Some(ErrorCode::RunnerBusy));
    assert_eq!(engine.stats().queued_jobs, 2);
    let answer = times_out.await.unwrap();
    assert_eq!((answer.code(), answer.detail("stage")), (Some(ErrorCode::QueryTimeout), Some("queue")));
    assert_eq!(began.elapsed().as_millis(), 200);
    assert!(waits.await.unwrap().done.is_some());
    for ended in running {
        assert!(ended.await.unwrap().done.is_some());
    }
    assert_eq!(server.queries.load(SeqCst), 3, "a job that left the queue never reached the database");
}

#[tokio::test(start_paused = true)]
async fn jobs_with_large_options_are_refused_before_the_queue_is_full() {
    let (engine, _) = engine(Limits { jobs: 1, jobs_per_source: 1, ..Limits::default() });
    let running = submit(&engine, job("r", local("main"), "slow:1000"));
    let large = |id: &str| {
        let text = format!(r#"{{"where":{{"name":"{}"}}}}"#, "x".repeat(15 * 1024 * 1024));
        let options = serde_json::value::RawValue::from_string(text).unwrap();
        JobRequest { options: Some(options), deadline_ms: 200, ..job(id, local("main"), "rows:1") }
    };
    let waiting: Vec<_> = (0..4).map(|n| submit(&engine, large(&n.to_string()))).collect();
    assert_eq!(submit(&engine, large("x")).await.unwrap().code(), Some(ErrorCode::RunnerBusy));
    let small = submit(&engine, job("small", local("main"), "rows:1"));
    for ended in waiting {
        assert_eq!(ended.await.unwrap().code(), Some(ErrorCode::QueryTimeout));
    }
    let room = submit(&engine, large("y"));
    assert_eq!(room.await.unwrap().code(), Some(ErrorCode::QueryTimeout), "those that left made room");
    assert!(running.await.unwrap().done.is_some() && small.await.unwrap().done.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_what_it_can_and_leaves_the_rest_to_another_runner() {
    let (engine, server) = engine(Limits::default());
    let short = submit(&engine, job("1", local("main"), "slow:500"));
    let long = submit(&engine, job("2", local("main"), "slow:20000"));
    let hung = submit(&engine, job("3", local("main"), "hang"));
    let unwanted = submit(&engine, job("5", local("main"), "hang"));
    tokio::time::sleep(Duration::from_millis(20)).await;
    let draining = tokio::spawn({
        let engine = engine.clone();
        async move { engine.drain(Duration::from_secs(2)).await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(ask(&engine, "4", "rows:1").await.code(), Some(ErrorCode::RunnerDraining));
    // Stopped by its caller a moment before the time is over, and still under way when it is.
    tokio::time::sleep(Duration::from_millis(1_900)).await;
    assert!(engine.cancel("5"));
    let drained = draining.await.unwrap();
    assert_eq!((drained.in_flight, drained.cancelled), (4, 3));
    assert!(short.await.unwrap().done.is_some());
    for ended in [long, hung] {
        let error = ended.await.unwrap().error.unwrap();
        assert_eq!((error.code(), error.retryable()), (ErrorCode::RunnerDraining, true));
    }
    assert_eq!(unwanted.await.unwrap().code(), Some(ErrorCode::Cancelled), "the caller's own cancel");
    assert_eq!(server.sessions(), 0, "the pools are closed");
}

#[tokio::test(start_paused = true)]
async fn a_source_is_failing_when_it_cannot_be_reached_and_only_then() {
    let (engine, server) = engine(Limits::default());
    engine.assign(vec![local("main"), local("other")]);
    let state = |engine: &runner_engine::Engine| {
        let health = engine.stats().sources.into_iter().find(|health| health.name == "main").unwrap();
        (health.state, health.code)
    };
    assert_eq!(state(&engine), (SourceState::Unknown, None));
    ask(&engine, "1", "nothing").await;
    assert_eq!(state(&engine), (SourceState::Unknown, None), "a typo says nothing of the database");
    ask(&engine, "2", "rows:1").await;
    assert_eq!(state(&engine), (SourceState::Ok, None));
    server.is_down.store(true, SeqCst);
    ask(&engine, "3", "gone").await;
    assert_eq!(state(&engine), (SourceState::Failing, Some(ErrorCode::SourceUnreachable)));
    server.is_down.store(false, SeqCst);
    ask(&engine, "4", "rows:1").await;
    assert_eq!(state(&engine), (SourceState::Ok, None));
    engine.assign(vec![local("other")]);
    assert_eq!(engine.stats().sources.len(), 1);
    assert_eq!(server.sessions(), 0, "what is no longer assigned is closed");
}

#[tokio::test]
async fn ten_thousand_cancelled_jobs_leave_nothing_behind() {
    let (engine, server) = engine(Limits { queued: 20_000, ..Limits::default() });
    for round in 0..10 {
        let jobs: Vec<_> = (0..1_000)
            .map(|n| submit(&engine, job(&format!("{round}-{n}"), local("main"), "slow:60000")))
            .collect();
        for n in 0..1_000 {
            if n % 50 == 0 {
                tokio::task::yield_now().await;
            }
            engine.cancel(&format!("{round}-{n}"));
        }
        for ended in jobs {
            assert_eq!(ended.await.unwrap().code(), Some(ErrorCode::Cancelled));
        }
    }
    assert_eq!(engine.stats().active_jobs, 0);
    assert_eq!(engine.drain(Duration::from_secs(5)).await.in_flight, 0);
    assert_eq!(server.sessions(), 0);
    drop(engine);
    // What is left is this test: the trimmers have ended with their pools.
    let runtime = tokio::runtime::Handle::current();
    for _ in 0..1_000 {
        if runtime.metrics().num_alive_tasks() == 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(runtime.metrics().num_alive_tasks(), 0);
}

#[test]
fn a_runtime_that_is_shut_down_ends_the_jobs_it_drops() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut ended, server) = runtime.block_on(async {
        let (engine, server) = engine(Limits::default());
        let ended = submit(&engine, job("1", local("main"), "slow:60000"));
        while server.queries.load(SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        (ended, server)
    });
    drop(runtime);
    assert_eq!(ended.try_recv().unwrap().code(), Some(ErrorCode::Internal));
    assert_eq!(server.sessions(), 0);
}

#[derive(Debug, Clone)]
enum Step {
    Submit { id: u8, target: usize, deadline_ms: u64 },
    Cancel { id: u8 },
    Lost,
    Wait { millis: u64 },
    Down(bool),
}

const TARGETS: [&str; 8] = ["rows:3", "slow:40", "slow:90000", "fail", "panic", "hang", "gone", "dirty"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..12u8, 0..TARGETS.len(), 1..3_000u64)
            .prop_map(|(id, target, deadline_ms)| Step::Submit { id, target, deadline_ms }),
        3 => (0..12u8).prop_map(|id| Step::Cancel { id }),
        1 => Just(Step::Lost),
        3 => (0..400u64).prop_map(|millis| Step::Wait { millis }),
        1 => any::<bool>().prop_map(Step::Down),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_job_ends_exactly_once_in_every_interleaving(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let limits = Limits { jobs: 4, jobs_per_source: 3, queued: 4, ..Limits::default() };
            let (engine, server) = engine(limits);
            let mut started = Vec::new();
            for step in steps {
                match step {
                    Step::Submit { id, target, deadline_ms } => {
                        let source = local(if id % 2 == 0 { "main" } else { "other" });
                        let request = JobRequest { deadline_ms, ..job(&id.to_string(), source, TARGETS[target]) };
                        let (reply, ended) = recorder();
                        match engine.submit(request, reply) {
                            // The recorder panics on a second end; a missing one is a dropped sender.
                            Submitted::Duplicate => assert!(ended.await.is_err()),
                            Submitted::Started | Submitted::Refused(_) => started.push(ended),
                        }
                    }
                    Step::Cancel { id } => drop(engine.cancel(&id.to_string())),
                    Step::Lost => drop(engine.cancel_all()),
                    Step::Wait { millis } => tokio::time::sleep(Duration::from_millis(millis)).await,
                    Step::Down(is_down) => server.is_down.store(is_down, SeqCst),
                }
            }
            engine.drain(Duration::from_millis(500)).await;
            for ended in started {
                let answer = ended.await.unwrap();
                assert!(answer.done.is_some() != answer.error.is_some());
            }
            assert_eq!((engine.stats().active_jobs, engine.stats().queued_jobs), (0, 0));
            assert_eq!(server.sessions(), 0);
        });
    }
}
