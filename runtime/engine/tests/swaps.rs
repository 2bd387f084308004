//! Connectors that are replaced while jobs run.

mod fake;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use connector_api::Connector;
use connector_model::error::ErrorCode;
use fake::{Fake, Server, ask, engine, engine_with, job, local, managed, served, submit};
use runner_engine::{Limits, Served};

fn opened(server: &Server) -> usize {
    server.opened.load(SeqCst)
}

#[tokio::test(start_paused = true)]
async fn the_next_job_takes_the_new_connector_and_the_one_under_way_keeps_the_old() {
    let (engine, old) = engine(Limits::default());
    let new = Arc::new(Server::default());
    let running = submit(&engine, job("running", local("main"), "slow:5000"));
    tokio::time::sleep(Duration::from_millis(20)).await;
    engine.serve(served(&new)).unwrap();
    assert!(ask(&engine, "next", "rows:3").await.done.is_some());
    assert_eq!((opened(&old), opened(&new)), (1, 1));
    assert!(running.await.unwrap().done.is_some());
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(
        (old.sessions(), new.sessions()),
        (0, 1),
        "the old connector's session is closed when it comes back"
    );
}

#[tokio::test(start_paused = true)]
async fn jobs_that_wait_for_a_session_of_the_old_connector_get_it() {
    let (engine, old) = engine_with(&[
        ("SEMILAYER_SOURCE_MAIN_URL", "fake://main"),
        ("SEMILAYER_SOURCE_MAIN_POOL__MAX", "1"),
    ]);
    let new = Arc::new(Server::default());
    let jobs: Vec<_> =
        (0..5).map(|n| submit(&engine, job(&n.to_string(), local("main"), "slow:100"))).collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    engine.serve(served(&new)).unwrap();
    for ended in jobs {
        assert!(ended.await.unwrap().done.is_some());
    }
    assert_eq!((opened(&old), old.queries.load(SeqCst), opened(&new)), (1, 5, 0));
}

#[tokio::test(start_paused = true)]
async fn a_managed_source_follows_too_with_the_config_it_was_assigned() {
    let (engine, old) = engine_with(&[]);
    let new = Arc::new(Server::default());
    let assignment = || managed("shop", r#"{"url":"fake://shop"}"#);
    engine.assign(vec![assignment()]);
    assert!(submit(&engine, job("1", assignment(), "rows:1")).await.unwrap().done.is_some());
    engine.serve(served(&new)).unwrap();
    assert_eq!(old.sessions(), 0, "an idle session is closed at once");
    assert!(submit(&engine, job("2", assignment(), "rows:1")).await.unwrap().done.is_some());
    assert_eq!(*new.urls.lock().unwrap(), ["fake://shop"]);
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_stays_keeps_its_sessions() {
    let stays = Arc::new(Server::default());
    let connector: Arc<dyn Connector> = Arc::new(Fake::new("@semilayer/bridge-fake", stays.clone()));
    let another = || -> Served {
        (Arc::new(Fake::new("@acme/bridge-tape", Arc::default())) as Arc<dyn Connector>).into()
    };
    let (engine, _) = engine(Limits::default());
    engine.serve(vec![connector.clone().into()]).unwrap();
    assert!(ask(&engine, "1", "rows:1").await.done.is_some());
    engine.serve(vec![another(), connector.clone().into()]).unwrap();
    assert!(ask(&engine, "2", "rows:1").await.done.is_some());
    assert_eq!(opened(&stays), 1);
    assert_eq!(engine.bridges().names().collect::<Vec<_>>(), ["@acme/bridge-tape", "@semilayer/bridge-fake"]);
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_is_gone_is_unknown_and_a_name_twice_changes_nothing() {
    let (engine, server) = engine(Limits::default());
    assert!(ask(&engine, "1", "rows:1").await.done.is_some());
    let twice = [served(&server), served(&server)].concat();
    assert_eq!(engine.serve(twice).unwrap_err().name, "fake");
    assert!(ask(&engine, "2", "rows:1").await.done.is_some());
    engine.serve(Vec::new()).unwrap();
    assert_eq!(server.sessions(), 0);
    assert_eq!(ask(&engine, "3", "rows:1").await.code(), Some(ErrorCode::UnknownBridge));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_job_fails_however_often_connectors_are_replaced() {
    const JOBS: usize = 400;
    let (engine, _) = engine(Limits::default());
    let swapping = {
        let engine = engine.clone();
        tokio::spawn(async move {
            let mut swaps = 0_u32;
            loop {
                engine.serve(served(&Arc::default())).unwrap();
                swaps += 1;
                tokio::task::yield_now().await;
                if swaps.is_multiple_of(16) {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        })
    };
    for round in 0..JOBS / 20 {
        let jobs: Vec<_> =
            (0..20).map(|n| submit(&engine, job(&format!("{round}-{n}"), local("main"), "rows:2"))).collect();
        for ended in jobs {
            let answer = ended.await.unwrap();
            assert!(answer.done.is_some(), "{:?}", answer.error);
        }
    }
    swapping.abort();
}
