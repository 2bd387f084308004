//! What one call may take of everybody's time and memory, and how it ends when it takes more.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::time::{Duration, Instant};

use connector_api::{CallContext, RowSink, Session, SinkLimits};
use connector_host::ModulePolicy;
use connector_model::error::{Error, ErrorCode};
use support::{Caller, Host, all, minute, rows};

async fn fails(session: &mut Box<dyn Session>, target: &str) -> Error {
    rows(async |out| session.query(&minute(), &all(target), out).await).await.unwrap_err()
}

#[tokio::test]
async fn a_loop_without_end_is_stopped_after_its_running_time() {
    let host = Host::with(ModulePolicy { running: Duration::from_millis(200), ..ModulePolicy::default() });
    let mut session = host.session(1).await;
    let begun = Instant::now();
    let error = fails(&mut session, "endless").await;
    assert_eq!((error.code(), &error.detail()["trap"]), (ErrorCode::ConnectorFailed, &"running_time".into()));
    assert!(error.message().contains("200 ms") && error.message().contains("running_ms_per_call"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(!session.reusable());
    let again = session.ping(&minute()).await.unwrap_err();
    assert_eq!(again.code(), ErrorCode::Internal);
    assert_eq!(host.instances(), 0);
}

/// One thread serves all: it would never come to the second session if the first did not let it.
#[tokio::test]
async fn a_guest_that_computes_lets_others_have_their_turn() {
    let host = Host::new();
    let mut busy = host.session(1).await;
    let mut other = host.session(3_000).await;
    let cx = minute();
    let cancel = cx.cancel.clone();
    let (endless, served) = tokio::join!(
        async { rows(async |out| busy.query(&cx, &all("endless"), out).await).await.unwrap_err() },
        async {
            let served = rows(async |out| other.query(&minute(), &all("numbers"), out).await).await;
            cancel.cancel();
            served.unwrap()
        },
    );
    assert_eq!(endless.code(), ErrorCode::Cancelled);
    assert_eq!(served.1.len(), 3_000);
    assert!(other.reusable() && !busy.reusable());
}

#[tokio::test]
async fn sleeping_is_not_running_and_ends_with_the_deadline() {
    let host = Host::with(ModulePolicy { running: Duration::from_millis(100), ..ModulePolicy::default() });
    let mut session = host.session(1).await;
    let cx = CallContext::within(Duration::from_millis(400));
    let error = rows(async |out| session.query(&cx, &all("sleeps"), out).await).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::QueryTimeout);
    assert!(!session.reusable());
    assert_eq!(host.instances(), 0);
}

#[tokio::test]
async fn a_panic_says_what_it_said_and_the_log_does_not() {
    let host = Host::new();
    let mut session = host.session(1).await;
    let error = fails(&mut session, "panics").await;
    assert_eq!((error.code(), &error.detail()["trap"]), (ErrorCode::ConnectorFailed, &"panic".into()));
    assert!(error.message().contains("the shelf of row 4711 is empty"), "{error}");
    assert!(!error.loggable().contains("4711"), "{}", error.loggable());
    assert!(!session.reusable());
}

#[tokio::test]
async fn recursion_without_end_is_a_used_up_stack() {
    let host = Host::new();
    let mut session = host.session(1).await;
    let error = fails(&mut session, "recurses").await;
    assert_eq!((error.code(), &error.detail()["trap"]), (ErrorCode::ConnectorFailed, &"stack".into()));
}

#[tokio::test]
async fn memory_ends_where_the_policy_says() {
    let host = Host::with(ModulePolicy { memory: 32 << 20, ..ModulePolicy::default() });
    let mut session = host.session(1).await;
    let error = fails(&mut session, "grows").await;
    assert_eq!((error.code(), &error.detail()["trap"]), (ErrorCode::ConnectorFailed, &"memory".into()));
    assert!(error.message().contains("32 MiB"), "{error}");
    assert_eq!(host.session(1).await.ping(&minute()).await.unwrap().product, "Plain");
}

#[tokio::test]
async fn a_first_row_does_not_wait_for_the_second() {
    let host = Host::new();
    let mut session = host.session(5).await;
    let (mut caller, mut taken) = Caller::new();
    let mut out = RowSink::new(&mut caller, SinkLimits::default());
    let cx = minute();
    let query = all("slow");
    let (outcome, first) = tokio::join!(session.query(&cx, &query, &mut out), async {
        let first = taken.recv().await.unwrap();
        cx.cancel.cancel();
        first
    });
    assert_eq!(outcome.unwrap_err().code(), ErrorCode::Cancelled);
    let first: Vec<serde_json::Value> = serde_json::from_slice(&first).unwrap();
    assert_eq!(first.len(), 1);
}
