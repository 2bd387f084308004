//! Cancel, deadline, locks, and the end of a session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use connector_api::{CallContext, Chunks, RowSink, SinkLimits};
use connector_model::json::Envelope;
use connector_model::request::{Kind, Request, parse};
use connector_model::{ErrorCode, Result};
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::subject::{Database, LONG, count, job, job_within};

/// A view that never ends and never gives a row, one that gives rows for ever, and a table.
const ENDLESS: &str = "
    CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);
    CREATE VIEW silent AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0;
    CREATE VIEW slow AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i = 1;
    CREATE VIEW loud AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n;";

/// Says when a chunk came, and may take none.
struct Gate {
    came: Arc<Notify>,
    open: bool,
}

#[async_trait]
impl Chunks for Gate {
    fn envelope(&self) -> Envelope {
        Envelope::default()
    }

    async fn send(&mut self, _: Vec<u8>) -> Result<()> {
        self.came.notify_one();
        if !self.open {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

fn cancellable() -> (CallContext, CancellationToken) {
    let call = CallContext::within(LONG);
    let cancel = call.cancel.clone();
    (call, cancel)
}

#[tokio::test]
async fn a_cancel_ends_an_endless_query_within_a_tenth_of_a_second_and_the_session_serves_again() {
    let database = Database::new(ENDLESS);
    let mut session = database.session().await;
    for options in [json!({}), json!({"limit": 5}), json!({"orderBy": {"i": "asc"}})] {
        let (call, cancel) = cancellable();
        let canceller = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(30)).await;
            cancel.cancel();
            Instant::now()
        });
        let error = job_within(&mut *session, Kind::Query, "silent", &options, &call).await.unwrap_err();
        let took = canceller.await.unwrap().elapsed();
        assert_eq!(error.code(), ErrorCode::Cancelled, "{error}");
        assert!(took < Duration::from_millis(100), "{took:?}");
        assert!(session.reusable());
        assert_eq!(count(&mut *session, "t", &json!({})).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_deadline_ends_it_as_a_timeout() {
    let database = Database::new(ENDLESS);
    let mut session = database.session().await;
    let call = CallContext::within(Duration::from_millis(50));
    let error = job_within(&mut *session, Kind::Query, "silent", &json!({}), &call).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::QueryTimeout, "{error}");
    assert!(session.reusable());
    let error = job_within(&mut *session, Kind::Query, "t", &json!({}), &call).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::QueryTimeout);
    assert_eq!(count(&mut *session, "t", &json!({})).await.unwrap(), 1);
}

#[tokio::test]
async fn a_row_is_sent_while_the_next_one_is_still_searched_for() {
    let database = Database::new(ENDLESS);
    let mut session = database.session().await;
    let (call, cancel) = cancellable();
    let came = Arc::new(Notify::new());
    let mut gate = Gate { came: Arc::clone(&came), open: true };
    let mut out = RowSink::new(&mut gate, SinkLimits::default());
    let Request::Query(query) = parse(Kind::Query, Some("slow"), None, "sqlite").unwrap() else { panic!() };
    let (done, ()) = tokio::join!(session.query(&call, &query, &mut out), async {
        came.notified().await;
        cancel.cancel();
    });
    assert_eq!(done.unwrap_err().code(), ErrorCode::Cancelled);
    assert_eq!(out.rows(), 1);
}

#[tokio::test]
async fn a_receiver_that_takes_nothing_stops_the_thread_and_a_dropped_call_ends_it() {
    let database = Database::new(ENDLESS);
    let mut session = database.session().await;
    let came = Arc::new(Notify::new());
    let mut gate = Gate { came: Arc::clone(&came), open: false };
    let mut out = RowSink::new(&mut gate, SinkLimits::default());
    let Request::Query(query) = parse(Kind::Query, Some("loud"), None, "sqlite").unwrap() else { panic!() };
    let call = CallContext::within(LONG);
    tokio::select! {
        done = session.query(&call, &query, &mut out) => panic!("it ended: {done:?}"),
        () = came.notified() => {}
    }
    assert!(!session.reusable(), "what became of the call is not known");
}

#[tokio::test]
async fn an_endless_result_flows_in_bounded_memory() {
    let database = Database::new(ENDLESS);
    let mut session = database.session().await;
    let options = json!({"limit": 2_000_000, "includeTotal": false});
    let Request::Query(query) =
        parse(Kind::Query, Some("loud"), Some(&options.to_string()), "sqlite").unwrap()
    else {
        panic!()
    };
    let resident = || {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    };
    let mut gate = Gate { came: Arc::new(Notify::new()), open: true };
    let mut out = RowSink::new(&mut gate, SinkLimits::default());
    let before = resident();
    let page = session.query(&CallContext::within(LONG), &query, &mut out).await.unwrap();
    let grown = resident().saturating_sub(before);
    assert_eq!(out.rows(), 2_000_000);
    assert!(page.next_cursor.is_some());
    assert!(out.bytes() > 20_000_000);
    assert!(grown < 10_000_000, "{grown} bytes more");
}

#[tokio::test]
async fn a_lock_is_waited_for_and_the_wait_ends_with_the_call() {
    let database = Database::new(ENDLESS);
    let mut session = database.session().await;
    let writer = database.writer();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let call = CallContext::within(Duration::from_millis(60));
    let error = job_within(&mut *session, Kind::Query, "t", &json!({}), &call).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::QueryTimeout, "{error}");
    let (call, cancel) = cancellable();
    cancel.cancel();
    let error = job_within(&mut *session, Kind::Query, "t", &json!({}), &call).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled, "{error}");
    assert!(session.reusable());
    let all = json!({});
    let (found, ()) = tokio::join!(job(&mut *session, Kind::Query, "t", &all), async {
        tokio::task::yield_now().await;
        writer.execute_batch("COMMIT").unwrap();
    });
    assert_eq!(found.unwrap().0.len(), 1);
}

#[tokio::test]
async fn five_hundred_cancelled_calls_leave_one_session_that_serves() {
    let database = Database::new(ENDLESS);
    let mut session = database.session().await;
    for round in 0..500 {
        let (call, cancel) = cancellable();
        let options = json!({"limit": 1000});
        let view = if round % 2 == 0 { "loud" } else { "silent" };
        let (done, ()) = tokio::join!(job_within(&mut *session, Kind::Query, view, &options, &call), async {
            for _ in 0..round % 7 {
                tokio::task::yield_now().await;
            }
            cancel.cancel();
        });
        assert_eq!(done.unwrap_err().code(), ErrorCode::Cancelled);
        assert!(session.reusable(), "round {round}");
    }
    assert_eq!(count(&mut *session, "t", &json!({})).await.unwrap(), 1);
}
