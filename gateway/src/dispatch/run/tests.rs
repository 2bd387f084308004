use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::directory::{Route, assigned};
use crate::sessions::fixture::Live;
use crate::store::sqlite::SqliteStore;
use crate::store::{CredentialsLocation, Moment, SourceRecord};

const BRIDGE: &str = "postgres";

/// A dispatcher whose jobs last `deadline` of a clock that stands still while anything runs.
struct Scene {
    dispatcher: Dispatcher,
    request: JobRequest,
    runner: Uuid,
    _directory: TempDir,
}

impl Scene {
    async fn new(deadline: Duration) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = SqliteStore::open(&directory.path().join("gateway.db")).await.expect("a store");
        let (recorder, _record) = Recorder::new(Arc::new(store), CancellationToken::new());
        tokio::time::pause();
        let runner = Uuid::now_v7();
        let source = SourceRecord {
            id: Uuid::now_v7(),
            environment_id: Uuid::now_v7(),
            name: "primary".to_owned(),
            bridge: BRIDGE.to_owned(),
            credentials_location: CredentialsLocation::RunnerLocal,
            timeout_ms: 1_000,
            created_at: Moment(0),
            updated_at: Moment(0),
        };
        let route = Route {
            assigned: assigned(&source),
            source,
            runners: vec![runner],
            runner_names: vec!["edge".to_owned()],
        };
        let request =
            JobRequest { route: Arc::new(route), kind: "query", target: None, options: None, deadline };
        let registry = Arc::new(Registry::new());
        let dispatcher = Dispatcher::new(registry, recorder, Duration::ZERO);
        Self { dispatcher, request, runner, _directory: directory }
    }

    fn live(&self, load: u64) -> Live {
        Live::new(&self.dispatcher.registry, self.runner, BRIDGE, load)
    }

    async fn code(&self) -> String {
        match self.dispatcher.run(&self.request).await {
            Ok(_) => panic!("the job was answered"),
            Err(unanswered) => unanswered.failure.code.into_owned(),
        }
    }
}

#[tokio::test]
async fn a_queue_that_stays_full_until_the_deadline_is_a_timeout() {
    let scene = Scene::new(Duration::from_secs(5)).await;
    let stalled = scene.live(0);
    stalled.fill().await;
    // Not tried: the time was up before its turn came.
    let mut idle = scene.live(1);
    assert_eq!(scene.code().await, codes::QUERY_TIMEOUT);
    assert_eq!(idle.drain(), 0);
    assert_eq!(stalled.session.in_flight(), 0);
}

#[tokio::test]
async fn a_second_attempt_that_nobody_takes_keeps_the_first_failure() {
    let scene = Scene::new(Duration::from_secs(5)).await;
    let mut first = scene.live(0);
    let gone = scene.live(1);
    drop(gone);
    let (code, ()) = tokio::join!(scene.code(), first.fail_next_job(codes::SOURCE_UNREACHABLE));
    assert_eq!(code, codes::SOURCE_UNREACHABLE);
}

#[tokio::test]
async fn a_second_attempt_that_waits_until_the_deadline_is_a_timeout() {
    let scene = Scene::new(Duration::from_secs(5)).await;
    let mut first = scene.live(0);
    let stalled = scene.live(1);
    stalled.fill().await;
    let (code, ()) = tokio::join!(scene.code(), first.fail_next_job(codes::SOURCE_UNREACHABLE));
    assert_eq!(code, codes::QUERY_TIMEOUT);
}

#[tokio::test]
async fn a_job_that_does_not_fit_goes_to_another_runner_or_is_busy() {
    let mut scene = Scene::new(Duration::from_secs(5)).await;
    // The frame holds more than this; four of it are the whole budget.
    scene.request.target = Some("x".repeat(16 << 20));
    let mut stalled = scene.live(0);
    for _ in 0..3 {
        let (attempt, deadline) = (Attempt { id: Uuid::now_v7(), request: None, number: 1 }, Instant::now());
        let taken = scene.dispatcher.hand_over(&scene.request, &stalled.session, &attempt, deadline).await;
        // Its answer is not waited for; the cancel that follows is no job.
        drop(taken.expect("room"));
    }
    let unanswered = scene.dispatcher.run(&scene.request).await.err().expect("no room");
    assert_eq!(unanswered.failure.code, codes::RUNNER_BUSY);
    assert!(unanswered.failure.retryable, "its caller is told to try again");

    let mut other = scene.live(1_000);
    let (code, ()) = tokio::join!(scene.code(), other.fail_next_job(codes::INVALID_JOB));
    assert_eq!(code, codes::INVALID_JOB);

    // What has been sent gives its room back.
    stalled.drain();
    drop(other);
    let (code, ()) = tokio::join!(scene.code(), stalled.fail_next_job(codes::INVALID_JOB));
    assert_eq!(code, codes::INVALID_JOB);
}
