//! Answers other than rows: lists that fill memory, errors that fill logs, and what the configuration holds in secret.

use std::time::Duration;

use connector_api::CallContext;
use connector_model::error::ErrorCode;

use crate::asked::{breaks, fails, peaceful, presentable};
use crate::beside::Beside;

const PASSWORD: &str = "correct-horse-battery";

fn call() -> CallContext {
    CallContext::within(Duration::from_secs(60))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_of_millions_are_refused_and_so_are_small_ones_that_point_to_one_text_a_million_times() {
    let beside = Beside::begin().await;
    for mode in ["targets-million", "targets-aliased"] {
        let mut session = beside.open(&[("mode", mode)]).await.unwrap();
        let error = presentable(session.list_targets(&call()).await.unwrap_err());
        assert_eq!(error.code(), ErrorCode::ConnectorFailed, "{mode}: {error}");
        assert!(!session.reusable());
        peaceful(beside.session().await.as_mut()).await;
    }
    let mut session = beside.session().await;
    let error = presentable(session.introspect(&call(), "columns-million").await.unwrap_err());
    assert_eq!(error.code(), ErrorCode::ConnectorFailed, "{error}");
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_a_hundred_megabytes_and_one_that_is_no_text_are_failures_of_the_module() {
    let beside = Beside::begin().await;
    for target in ["long-error", "no-string"] {
        let mut session = beside.session().await;
        let error = fails(session.as_mut(), target).await;
        assert_eq!(error.code(), ErrorCode::ConnectorFailed, "{target}: {error}");
        assert!(error.message().len() < 2_000, "{error}");
        peaceful(beside.session().await.as_mut()).await;
    }
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_with_the_password_in_it_is_not_shown_either() {
    let beside = Beside::begin().await;
    let mut session = beside.open(&[("password", PASSWORD)]).await.unwrap();
    let error = breaks(session.as_mut(), "panics-loudly", "panic").await;
    assert!(!error.message().contains(PASSWORD) && !error.loggable().contains(PASSWORD), "{error}");
    beside.end().await;
}
