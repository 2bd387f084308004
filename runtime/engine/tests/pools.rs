//! Pools: how many sessions there are, who waits for them, and what a dead server costs.

mod fake;

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_model::error::ErrorCode;
use fake::{
    Server, ask, engine, engine_with, environment, job, local, managed, recorder, served, settings, submit,
};
use runner_engine::{Engine, EngineSettings, FileSource, FileSources, JobRequest, Limits, SourceState};
use tokio::time::Instant;

fn small_pool(max: &str) -> (Engine, Arc<Server>) {
    engine_with(&[("SEMILAYER_SOURCE_MAIN_URL", "fake://main"), ("SEMILAYER_SOURCE_MAIN_POOL__MAX", max)])
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_session_ends_with_the_deadline_and_with_the_cancel() {
    let (engine, server) = small_pool("1");
    let busy = submit(&engine, job("busy", local("main"), "slow:5000"));
    tokio::time::sleep(Duration::from_millis(20)).await;
    let began = Instant::now();
    let late = JobRequest { deadline_ms: 300, ..job("late", local("main"), "rows:1") };
    let late = submit(&engine, late);
    let cancelled = submit(&engine, job("cancelled", local("main"), "rows:1"));
    let patient = submit(&engine, job("patient", local("main"), "rows:1"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    engine.cancel("cancelled");
    let answer = cancelled.await.unwrap();
    assert_eq!((answer.code(), answer.detail("stage")), (Some(ErrorCode::Cancelled), Some("pool")));
    assert_eq!(began.elapsed().as_millis(), 100);
    let answer = late.await.unwrap();
    assert_eq!((answer.code(), answer.detail("stage")), (Some(ErrorCode::QueryTimeout), Some("pool")));
    assert_eq!(began.elapsed().as_millis(), 300);
    assert!(busy.await.unwrap().done.is_some() && patient.await.unwrap().done.is_some());
    assert_eq!(server.opened.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pool_grows_to_its_size_and_no_further() {
    let (engine, server) = small_pool("3");
    let jobs: Vec<_> =
        (0..30).map(|n| submit(&engine, job(&n.to_string(), local("main"), "slow:10"))).collect();
    for ended in jobs {
        assert!(ended.await.unwrap().done.is_some());
    }
    assert_eq!((server.opened.load(SeqCst), server.sessions()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_dead_server_is_asked_by_one_at_a_time_and_found_again_when_it_is_back() {
    let (engine, server) = engine(Limits::default());
    server.is_down.store(true, SeqCst);
    assert_eq!(ask(&engine, "first", "rows:1").await.code(), Some(ErrorCode::SourceUnreachable));
    server.most_opening.store(0, SeqCst);
    let opened_before = server.opened.load(SeqCst);
    let began = Instant::now();
    let mut asked = 0;
    while began.elapsed() < Duration::from_secs(20) {
        let jobs: Vec<_> =
            (0..5).map(|n| submit(&engine, job(&format!("{asked}-{n}"), local("main"), "rows:1"))).collect();
        asked += 5;
        let sent = Instant::now();
        for ended in jobs {
            assert_eq!(ended.await.unwrap().code(), Some(ErrorCode::SourceUnreachable));
        }
        assert!(sent.elapsed() <= Duration::from_millis(6), "nobody waits for more than the probe");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.most_opening.load(SeqCst), 1);
    let probes = server.opened.load(SeqCst) - opened_before;
    assert!((6..=10).contains(&probes), "{probes} probes for {asked} jobs");
    server.is_down.store(false, SeqCst);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(ask(&engine, "back", "rows:1").await.done.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_back_is_found_without_a_job() {
    let (engine, server) = engine(Limits::default());
    let state = |engine: &Engine| engine.stats().sources.first().map(|health| health.state);
    server.is_down.store(true, SeqCst);
    ask(&engine, "1", "rows:1").await;
    assert_eq!(state(&engine), Some(SourceState::Failing));
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(state(&engine), Some(SourceState::Failing));
    server.is_down.store(false, SeqCst);
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(state(&engine), Some(SourceState::Ok));
    ask(&engine, "gone", "gone").await;
    assert_eq!(state(&engine), Some(SourceState::Failing));
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(state(&engine), Some(SourceState::Ok));

    server.refuses_login.store(true, SeqCst);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(ask(&engine, "2", "rows:1").await.code(), Some(ErrorCode::SourceAuthFailed));
    let opened = server.opened.load(SeqCst);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(server.opened.load(SeqCst), opened, "a refused login is not tried again without a job");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_unreachable_within_the_connect_timeout() {
    let (engine, server) = engine(Limits::default());
    server.is_silent.store(true, SeqCst);
    let began = Instant::now();
    let answer = ask(&engine, "1", "rows:1").await;
    assert_eq!((answer.code(), answer.detail("kind")), (Some(ErrorCode::SourceUnreachable), Some("timeout")));
    assert_eq!(began.elapsed().as_millis(), 10_000);
    // A probe that its job gave up does not keep the next one from trying.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let ended = submit(&engine, job("2", local("main"), "rows:1"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    engine.cancel("2");
    assert_eq!(ended.await.unwrap().code(), Some(ErrorCode::Cancelled));
    server.is_silent.store(false, SeqCst);
    assert!(ask(&engine, "3", "rows:1").await.done.is_some());
}

#[tokio::test(start_paused = true)]
async fn idle_sessions_are_checked_then_closed_and_old_ones_replaced() {
    let (engine, server) = engine(Limits::default());
    ask(&engine, "1", "rows:1").await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    ask(&engine, "2", "rows:1").await;
    assert_eq!(server.pings.load(SeqCst), 0, "used a moment ago");
    tokio::time::sleep(Duration::from_secs(31)).await;
    ask(&engine, "3", "rows:1").await;
    assert_eq!((server.pings.load(SeqCst), server.opened.load(SeqCst)), (1, 1));
    tokio::time::sleep(Duration::from_secs(5 * 60 + 30)).await;
    assert_eq!(server.sessions(), 0, "idle for five minutes");
    for n in 0..80 {
        ask(&engine, &format!("n{n}"), "rows:1").await;
        tokio::time::sleep(Duration::from_secs(25)).await;
    }
    assert_eq!(server.opened.load(SeqCst), 3, "half an hour is a session's life");
    server.is_down.store(true, SeqCst);
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert_eq!(ask(&engine, "down", "rows:1").await.code(), Some(ErrorCode::SourceUnreachable));
    assert_eq!(server.sessions(), 0, "a session that does not answer is not lent");
}

#[tokio::test(start_paused = true)]
async fn a_smallest_size_is_kept() {
    let (engine, server) = engine_with(&[
        ("SEMILAYER_SOURCE_MAIN_URL", "fake://main"),
        ("SEMILAYER_SOURCE_MAIN_POOL__MIN", "2"),
        ("SEMILAYER_SOURCE_MAIN_POOL__IDLE_TIMEOUT_MILLIS", "1000"),
    ]);
    let jobs: Vec<_> =
        (0..5).map(|n| submit(&engine, job(&n.to_string(), local("main"), "slow:10"))).collect();
    for ended in jobs {
        ended.await.unwrap();
    }
    assert_eq!(server.sessions(), 5);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(server.sessions(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_went_away_under_one_job_is_not_tried_on_the_others_old_sessions() {
    let (engine, server) = engine(Limits::default());
    let jobs: Vec<_> =
        (0..4).map(|n| submit(&engine, job(&n.to_string(), local("main"), "slow:10"))).collect();
    for ended in jobs {
        ended.await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(ask(&engine, "x", "gone").await.code(), Some(ErrorCode::SourceUnreachable));
    let opened = server.opened.load(SeqCst);
    assert!(ask(&engine, "y", "rows:1").await.done.is_some());
    assert_eq!(server.opened.load(SeqCst), opened + 1);
    assert_eq!(server.sessions(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_not_clean_is_not_lent_again() {
    let (engine, server) = engine(Limits::default());
    assert!(ask(&engine, "1", "dirty").await.done.is_some());
    assert_eq!(server.sessions(), 0);
    assert_eq!(ask(&engine, "2", "fail").await.code(), Some(ErrorCode::SourceQueryFailed));
    assert_eq!(server.sessions(), 1, "a refused query leaves a clean session");
}

#[tokio::test(start_paused = true)]
async fn a_changed_configuration_gets_a_new_pool_and_disturbs_nobody() {
    let (engine, server) = engine(Limits::default());
    let config = |host: &str| managed("m", &format!(r#"{{"url":"fake://{host}","pool":{{"max":1}}}}"#));
    engine.assign(vec![config("one")]);
    let running = submit(&engine, job("running", config("one"), "slow:1000"));
    let waiting = submit(&engine, job("waiting", config("one"), "rows:1"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(submit(&engine, job("new", config("two"), "rows:1")).await.unwrap().done.is_some());
    assert!(submit(&engine, job("same", config("two"), "rows:1")).await.unwrap().done.is_some());
    assert!(running.await.unwrap().done.is_some() && waiting.await.unwrap().done.is_some());
    assert_eq!(*server.urls.lock().unwrap(), ["fake://one", "fake://two"]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(server.sessions(), 1, "the old pool is gone with its last job");
    engine.assign(vec![config("two")]);
    assert_eq!(server.sessions(), 1);
    engine.assign(vec![config("three")]);
    assert_eq!(server.sessions(), 0, "a replaced configuration is wiped at once");
}

#[tokio::test(start_paused = true)]
async fn a_managed_source_that_is_removed_while_its_job_resolves_is_not_kept() {
    let (engine, server) = engine(Limits::default());
    let source = || managed("m", r#"{"url":"fake://m"}"#);
    engine.assign(vec![source(), local("main")]);
    // Not yet polled: the job resolves its source after the frame that takes it away.
    let ended = submit(&engine, job("1", source(), "rows:1"));
    engine.assign(vec![local("main")]);
    assert!(ended.await.unwrap().done.is_some(), "the job itself is served");
    assert_eq!(server.sessions(), 0, "the session and the credentials went with the job");

    engine.assign(vec![source()]);
    for id in ["2", "3"] {
        assert!(submit(&engine, job(id, source(), "rows:1")).await.unwrap().done.is_some());
    }
    assert_eq!((server.sessions(), server.opened.load(SeqCst)), (1, 2), "an assigned one is kept");
}

#[tokio::test(start_paused = true)]
async fn a_rotated_password_is_read_again_when_it_is_refused_and_at_reload() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("url");
    std::fs::write(&path, "fake://old\n").unwrap();
    let (engine, server) = engine_with(&[("SEMILAYER_SOURCE_MAIN_URL_FILE", path.to_str().unwrap())]);
    assert!(ask(&engine, "1", "dirty").await.done.is_some());
    std::fs::write(&path, "fake://new\n").unwrap();
    assert!(ask(&engine, "2", "dirty").await.done.is_some(), "nothing was refused, nothing is read again");
    server.refuses_login.store(true, SeqCst);
    assert_eq!(ask(&engine, "3", "rows:1").await.code(), Some(ErrorCode::SourceAuthFailed));
    server.refuses_login.store(false, SeqCst);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(ask(&engine, "4", "rows:1").await.done.is_some());
    assert_eq!(*server.urls.lock().unwrap(), ["fake://old", "fake://old", "fake://new"]);
    engine.reload(Default::default());
    assert!(ask(&engine, "5", "rows:1").await.done.is_some());
    assert_eq!(server.opened.load(SeqCst), 5, "an unchanged configuration keeps its pool");
    std::fs::write(&path, "fake://newest\n").unwrap();
    engine.reload(Default::default());
    assert!(ask(&engine, "6", "rows:1").await.done.is_some());
    assert_eq!(server.urls.lock().unwrap().last().unwrap(), "fake://newest");
}

#[tokio::test(start_paused = true)]
async fn the_file_is_read_again_when_credentials_are_refused_and_one_that_cannot_be_read_changes_nothing() {
    let file = |url: &str| {
        let entries = std::collections::BTreeMap::from([("url".to_owned(), url.into())]);
        FileSources::from([("main".to_owned(), FileSource { driver: None, entries })])
    };
    let on_disk: Arc<Mutex<Option<FileSources>>> = Arc::new(Mutex::new(Some(file("fake://old"))));
    let reading = on_disk.clone();
    let settings = EngineSettings {
        environment: environment(&[]),
        file: file("fake://old"),
        reread: Some(Arc::new(move || reading.lock().unwrap().clone())),
        ..settings(Limits::default())
    };
    let server = Arc::new(Server::default());
    let engine = Engine::new(settings, served(&server)).unwrap();
    server.refuses_login.store(true, SeqCst);
    for broken_or_same in [Some(file("fake://old")), None] {
        *on_disk.lock().unwrap() = broken_or_same;
        assert_eq!(ask(&engine, "1", "rows:1").await.code(), Some(ErrorCode::SourceAuthFailed));
    }
    *on_disk.lock().unwrap() = Some(file("fake://new"));
    server.refuses_login.store(false, SeqCst);
    // The first is still held back by the refusal before it, which is when the file is read again.
    assert!(ask(&engine, "2", "rows:1").await.done.is_some());
    assert_eq!(*server.urls.lock().unwrap().last().unwrap(), "fake://new");
}

#[tokio::test(start_paused = true)]
async fn a_source_without_variables_says_which_one_it_needs() {
    let (engine, _) = engine_with(&[]);
    let (reply, ended) = recorder();
    engine.submit(job("1", local("primary-db"), "rows:1"), reply);
    let answer = ended.await.unwrap();
    assert_eq!(answer.code(), Some(ErrorCode::SourceNotConfigured));
    assert_eq!(answer.detail("variable"), Some("SEMILAYER_SOURCE_PRIMARY_DB_URL"));
}

#[tokio::test(start_paused = true)]
async fn ever_new_sources_do_not_fill_the_memory() {
    let variables: Vec<String> = (0..1_000).map(|n| format!("SEMILAYER_SOURCE_S{n}_URL")).collect();
    let variables: Vec<_> = variables.iter().map(|variable| (variable.as_str(), "fake://x")).collect();
    let (engine, server) = engine_with(&variables);
    for n in 0..1_000 {
        for (id, source) in
            [("l", local(&format!("s{n}"))), ("m", managed(&format!("m{n}"), r#"{"url":"fake://x"}"#))]
        {
            let ended = submit(&engine, job(&format!("{id}{n}"), source, "rows:1"));
            assert!(ended.await.unwrap().done.is_some());
        }
    }
    assert!((1..=256).contains(&server.sessions()), "{} sessions", server.sessions());
}
