//! Calls that nobody waits for any more: what they hold is freed, and the database is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_model::error::ErrorCode;
use support::{Host, all, minute, rows};
use tokio::time::timeout;
use tracing_subscriber::fmt::MakeWriter;

/// The log of a test.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn capture(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt().with_writer(self.clone()).with_ansi(false).finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Lines;

    fn make_writer(&'w self) -> Lines {
        self.clone()
    }
}

#[tokio::test]
async fn a_cancelled_call_is_interrupted_in_a_second_instance_before_it_returns() {
    let lines = Lines::default();
    let _captured = lines.capture();
    let host = Host::new();
    let mut session = host.session(1).await;
    let cx = minute();
    let query = all("sleeps");
    let (outcome, ()) = tokio::join!(rows(async |out| session.query(&cx, &query, out).await), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        cx.cancel.cancel();
    });
    assert_eq!(outcome.unwrap_err().code(), ErrorCode::Cancelled);
    assert_eq!(lines.text().matches("interrupted sl-").count(), 1, "{}", lines.text());
    assert_eq!(host.instances(), 0);
}

#[tokio::test]
async fn a_call_whose_future_is_dropped_frees_its_instance_and_is_interrupted_too() {
    let lines = Lines::default();
    let _captured = lines.capture();
    let host = Host::new();
    for target in ["sleeps", "endless"] {
        let mut session = host.session(1).await;
        let (cx, query) = (minute(), all(target));
        let call = rows(async |out| session.query(&cx, &query, out).await);
        timeout(Duration::from_millis(100), call).await.unwrap_err();
        assert!(!session.reusable(), "{target}");
    }
    let ended = async {
        while host.instances() > 0 || lines.text().matches("interrupted sl-").count() < 2 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), ended).await.unwrap();
}

#[tokio::test]
async fn a_call_that_is_over_before_it_begins_leaves_its_session_as_it_was() {
    let host = Host::new();
    let mut session = host.session(3).await;
    let cx = minute();
    cx.cancel.cancel();
    let error = rows(async |out| session.query(&cx, &all("numbers"), out).await).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
    assert!(session.reusable());
    assert_eq!(session.ping(&minute()).await.unwrap().product, "Plain");
}
