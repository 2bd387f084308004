//! Runners that are replaced one after the other while callers ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use e2e_tests::{LIMIT, Runner};
use reqwest::StatusCode;
use serde_json::json;
use test_servers::{Exit, Signal};

use crate::Stack;

/// Callers that ask all the while.
const CALLERS: usize = 6;
/// Jobs that each generation of runners has to answer.
const JOBS: usize = 60;

/// Waits until so many more jobs were answered.
async fn more(answered: &AtomicUsize) {
    let wanted = answered.load(Ordering::Relaxed) + JOBS;
    let waiting = async {
        while answered.load(Ordering::Relaxed) < wanted {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.expect("nobody answers any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runners_rolled_one_after_the_other_under_load_lose_no_job() {
    let stack = Stack::start().await;
    let second = stack.gateway.runner("second").await.unwrap();
    let path = format!("/v1/runners/{}/assignments", second.id);
    let assigned = json!({ "source": "direct" });
    stack.gateway.admin(reqwest::Method::POST, &path, Some(assigned)).await.unwrap();
    let other = Runner::start(&stack.gateway, &second, &stack.options).await.unwrap();

    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (caller, stop, answered) = (stack.caller.clone(), stop.clone(), answered.clone());
            tokio::spawn(async move {
                let body = json!({ "target": "small", "options": { "where": { "id": { "$gt": 40 } } } });
                while !stop.load(Ordering::Relaxed) {
                    let answer = caller.ask("direct", "query", &body).await.unwrap();
                    assert_eq!((answer.status, answer.rows().len()), (StatusCode::OK, 60), "{}", answer.body);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    more(&answered).await;
    let mut running = [(stack.runner, stack.identity.clone()), (other, second)];
    for _ in 0..2 {
        for (runner, identity) in &mut running {
            runner.process().signal(Signal::TERM).unwrap();
            assert_eq!(runner.process().wait(LIMIT).await.unwrap(), Exit::Code(0));
            more(&answered).await;
            *runner = Runner::start(&stack.gateway, identity, &stack.options).await.unwrap();
            more(&answered).await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("no job was lost");
    }
}
