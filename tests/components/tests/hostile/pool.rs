//! A module that takes as many sessions as it can get.

use std::time::Duration;

use connector_host::ModulePolicy;
use connector_model::config::Origin;
use connector_model::error::ErrorCode;

use crate::asked::{ask, peaceful, presentable};
use crate::beside::{Beside, LONG, context, loaded, open};
use crate::log::Written;

/// Longer than the time that an open waits for a place, which ends in the refusal that the test is about.
const SHORT: Duration = Duration::from_millis(400);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_greedy_module_leaves_others_sessions_and_interrupts() {
    let written = Written::capture();
    let greedy = ModulePolicy { max_sessions: 10_000, ..ModulePolicy::default() };
    let beside = Beside::allowing(greedy).await;
    let mut taken = Vec::new();
    let error = loop {
        match beside.open(&[]).await {
            Ok(session) => taken.push(session),
            Err(error) => break presentable(error),
        }
        assert!(taken.len() < 256, "nothing keeps it from taking the whole pool");
    };
    assert_eq!(error.code(), ErrorCode::RunnerBusy, "{error}");
    assert!(error.message().contains("of hostile") && error.message().contains("max_sessions"), "{error}");
    assert!(taken.len() >= 100, "it had {}", taken.len());

    // Another module opens as many as it may have, while the honest job goes on beside them.
    let plain = loaded(&beside.modules, "plain");
    let mut others = Vec::new();
    for _ in 0..8 {
        others.push(open(&plain, Origin::Local, &[], &context(LONG)).await.unwrap());
    }
    // What it gives up is interrupted in the database, in an instance of its own.
    let error = ask(others[0].as_mut(), "sleeps", SHORT).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::QueryTimeout, "{error}");
    assert_eq!(written.text().matches("interrupted sl-").count(), 1);
    // So is what the greedy one gives up.
    let error = ask(taken[0].as_mut(), "sleeps", SHORT).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::QueryTimeout, "{error}");
    // A place that becomes free is found.
    drop(taken);
    peaceful(beside.session().await.as_mut()).await;
    drop(others);
    beside.end().await;
}
