//! Time, memory, stack, handles: as much as there is, which is what the operator allows.

use std::time::{Duration, Instant};

use connector_model::config::Origin;
use connector_model::error::ErrorCode;

use crate::asked::{ask, breaks, fails, peaceful, presentable, reported};
use crate::beside::{Beside, LONG, context, open};

/// A job's deadline that a guest sleeps through.
const DEADLINE: Duration = Duration::from_millis(400);

/// When a job with that deadline has to be over at the latest, its interrupt included (2 s).
const OVER: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_loops_end_with_their_running_time() {
    let beside = Beside::begin().await;
    // As many at once as there are threads that run them, and more.
    let attacks = (0..4).map(|_| async {
        let mut session = beside.session().await;
        breaks(session.as_mut(), "endless", "running_time").await
    });
    let errors = futures_util::future::join_all(attacks).await;
    assert!(errors.iter().all(|error| error.message().contains("running_ms_per_call")), "{errors:?}");
    beside.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_allocation_ends_with_what_the_module_may_have() {
    let beside = Beside::begin().await;
    for _ in 0..3 {
        let mut session = beside.session().await;
        let error = breaks(session.as_mut(), "grows", "memory").await;
        assert!(error.message().contains("64 MiB"), "{error}");
        peaceful(beside.session().await.as_mut()).await;
    }
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_recursion_ends_with_the_stack() {
    let beside = Beside::begin().await;
    // The stack of its calls is the host's; the one with its arrays is in its own memory, and ends below zero.
    for (target, trap) in [("recurses-bare", "stack"), ("recurses", "trap"), ("recurses-bare", "stack")] {
        let mut session = beside.session().await;
        breaks(session.as_mut(), target, trap).await;
        peaceful(beside.session().await.as_mut()).await;
    }
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_gives_up_says_why_and_takes_nobody_with_it() {
    let beside = Beside::begin().await;
    for target in ["panics", "exits", "aborts"] {
        let mut session = beside.session().await;
        let error = breaks(session.as_mut(), target, "panic").await;
        if target == "panics" {
            assert!(error.message().contains("the shelf of row 4711 is empty"), "{error}");
            assert!(!error.loggable().contains("4711"), "{}", error.loggable());
        }
        peaceful(beside.session().await.as_mut()).await;
    }
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sleeping_past_the_deadline_ends_at_the_deadline() {
    let beside = Beside::begin().await;
    let mut session = beside.session().await;
    let begun = Instant::now();
    let error = ask(session.as_mut(), "sleeps", DEADLINE).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::QueryTimeout, "{error}");
    assert!(begun.elapsed() < OVER, "{:?}", begun.elapsed());
    assert!(!session.reusable());
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_that_does_not_end_is_ended_too() {
    let beside = Beside::begin().await;
    let mut session = beside.open(&[("mode", "interrupt-endless")]).await.unwrap();
    let begun = Instant::now();
    let error = ask(session.as_mut(), "sleeps", DEADLINE).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::QueryTimeout, "{error}");
    assert!(begun.elapsed() < OVER, "{:?}", begun.elapsed());
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_has_the_same_bounds() {
    let beside = Beside::begin().await;
    for (mode, limit, codes) in [
        ("open-endless", LONG, &[ErrorCode::ConnectorFailed][..]),
        ("open-panics", LONG, &[ErrorCode::ConnectorFailed]),
        ("open-sleeps", DEADLINE, &[ErrorCode::QueryTimeout, ErrorCode::SourceUnreachable]),
        ("ping-floods", LONG, &[ErrorCode::ConnectorFailed]),
    ] {
        let begun = Instant::now();
        let opened = open(&beside.hostile(), Origin::Local, &[("mode", mode)], &context(limit)).await;
        let error = presentable(opened.err().unwrap_or_else(|| panic!("{mode} opened")));
        assert!(codes.contains(&error.code()), "{mode}: {error}");
        assert!(begun.elapsed() < OVER, "{mode}: {:?}", begun.elapsed());
        peaceful(beside.session().await.as_mut()).await;
    }
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handles_and_random_bytes_have_bounds() {
    let beside = Beside::begin().await;
    for target in ["waits", "randomness"] {
        let mut session = beside.session().await;
        let error = fails(session.as_mut(), target).await;
        assert_eq!(error.code(), ErrorCode::ConnectorFailed, "{target}: {error}");
        assert!(!session.reusable());
        peaceful(beside.session().await.as_mut()).await;
    }
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_never_sent_keep_little_of_the_hosts_memory() {
    let beside = Beside::begin().await;
    // As many as there can be, in several sessions at once, all of which hold what they have until the last one ends.
    let target = ["unsent-bodies", "unsent-fields", "unsent-bodies", "unsent-names"];
    let attacks = target.map(|target| {
        let beside = &beside;
        async move {
            let mut session = beside.session().await;
            let error = fails(session.as_mut(), target).await;
            assert_eq!(error.code(), ErrorCode::ConnectorFailed, "{target}: {error}");
            assert!(!session.reusable());
        }
    });
    futures_util::future::join_all(attacks).await;
    // And fewer than that, which the host has no reason to refuse: what each of them may keep.
    let (word, kept) = reported(beside.session().await.as_mut(), "unsent-bodies>50").await;
    let kept: u64 = kept.parse().unwrap();
    assert!(word == "kept" && (1..=50 * 64 * 1024).contains(&kept), "{kept} bytes");
    // One field too many ends the instance, and what it held goes with it.
    let error = fails(beside.session().await.as_mut(), "unsent-fields>1").await;
    assert_eq!(error.code(), ErrorCode::ConnectorFailed, "{error}");
    let (word, taken) = reported(beside.session().await.as_mut(), "unsent-names>20").await;
    assert_eq!((word.as_str(), taken.as_str()), ("kept", "0"), "methods, paths and hosts of megabytes");
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_that_always_fails_is_left_alone_for_a_while() {
    let beside = Beside::begin().await;
    let mut refused = None;
    for _ in 0..20 {
        match beside.open(&[]).await {
            Ok(mut session) => drop(breaks(session.as_mut(), "panics", "panic").await),
            Err(error) => refused = Some(presentable(error)),
        }
    }
    let error = refused.expect("it is asked again and again");
    assert_eq!(error.code(), ErrorCode::ConnectorFailed);
    assert!(error.message().contains("left alone"), "{error}");
    beside.unharmed().await;
}
