//! Answers other than rows: lists that fill memory, errors that fill logs, and what the configuration holds in secret.

use std::time::Duration;

use connector_api::CallContext;
use connector_model::error::ErrorCode;

use crate::asked::{breaks, fails, peaceful, presentable, reported};
use crate::beside::Beside;
use crate::log::Written;

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

/// Nothing of it shows the password, in whatever form, and all of it shows that something was hidden.
fn hides(what: &str, texts: &[&str]) {
    for text in texts {
        assert!(text.contains("***"), "{what}: {text}");
        for part in [PASSWORD, "horse", "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5"] {
            assert!(!text.contains(part), "{what}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_with_the_configuration_in_it_shows_nothing_of_its_secrets() {
    let written = Written::capture();
    let beside = Beside::begin().await;
    let mut session = beside.open(&[("password", PASSWORD)]).await.unwrap();
    let queried = fails(session.as_mut(), "strange-error").await;
    let opened = beside.open(&[("password", PASSWORD), ("mode", "open-fails")]).await;
    let opened = presentable(opened.err().expect("it opened"));
    assert_eq!(opened.detail()["stage"], "auth");
    for error in [&queried, &opened] {
        let detail = serde_json::Value::Object(error.detail().clone()).to_string();
        hides("an error", &[error.message(), &detail]);
        for text in [error.loggable(), format!("{error:?}"), error.to_string()] {
            assert!(!text.contains("horse"), "{text}");
        }
    }
    let (word, said) = reported(session.as_mut(), "tells").await;
    assert_eq!(word, "told");
    hides("an error of its own words", &[&said]);
    drop(session);
    let log = written.text();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("***")).collect();
    // The message, both streams, and the line that did not end.
    assert_eq!(lines.len(), 4, "{log}");
    hides("the log", &lines);
    assert!(!log.contains("horse"), "{log}");
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_is_said_to_be_shows_no_secret_either() {
    let beside = Beside::begin().await;
    let mut session = beside.open(&[("password", PASSWORD), ("mode", "ping-tells")]).await.unwrap();
    let info = session.ping(&call()).await.unwrap();
    hides("the server", &[&info.product, &info.version]);
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
