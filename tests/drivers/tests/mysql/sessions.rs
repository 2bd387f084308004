//! What a session may do, how it is stopped, what it survives.

use std::time::{Duration, Instant};

use connector_api::{CallContext, RowSink, Session, SinkLimits};
use connector_model::error::ErrorCode;
use connector_model::request::{Kind, Request, parse};
use connector_mysql::MySql as Driver;
use driver_tests::{LIMIT, job, open_context, source};
use serde_json::json;
use test_servers::MariaDbOptions;
use tokio::time::Instant as Clock;

use crate::{Server, query, read};

const TABLES: &str = "CREATE TABLE small (id int PRIMARY KEY, v varchar(20));
INSERT INTO small SELECT seq, CONCAT('v', seq) FROM seq_1_to_100;
CREATE VIEW endless AS SELECT seq AS i FROM seq_1_to_1000000000000;
CREATE VIEW asleep AS SELECT SLEEP(60) AS i;
";

async fn server() -> Server {
    let server = Server::start().await;
    server.run(TABLES).await;
    server
}

async fn busy(server: &Server) -> i64 {
    let sql = "SELECT COUNT(*) FROM information_schema.PROCESSLIST \
               WHERE USER = 'app' AND COMMAND NOT IN ('Sleep', 'Killed', 'Quit')";
    server.number(sql).await
}

async fn becomes_idle(server: &Server) {
    let asked = Instant::now();
    while busy(server).await > 0 {
        assert!(asked.elapsed() < Duration::from_secs(5), "the server works on");
        tokio::task::yield_now().await;
    }
}

async fn cancelled_while_running(server: &Server, session: &mut dyn Session, target: &str) {
    let cx = CallContext::within(LIMIT);
    let cancel = cx.cancel.clone();
    let watch = async {
        while busy(server).await == 0 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
        becomes_idle(server).await;
    };
    let options = json!({});
    let (answer, ()) = tokio::join!(job(session, Kind::Query, target, &options, &cx), watch);
    assert_eq!(answer.unwrap_err().code(), ErrorCode::Cancelled);
    assert!(session.reusable());
    // Whatever the request to stop left behind, it does not meet what comes next.
    for _ in 0..3 {
        assert_eq!(query(session, "small", json!({"limit": 3})).await.unwrap().rows.len(), 3);
    }
}

#[tokio::test]
async fn a_cancel_stops_the_server_and_the_session_serves_again() {
    let server = server().await;
    let mut session = server.session().await;
    for target in ["asleep", "endless", "asleep"] {
        cancelled_while_running(&server, &mut *session, target).await;
    }
}

#[tokio::test]
async fn a_cancel_that_meets_the_end_of_its_statement_hits_no_other() {
    let server = server().await;
    let mut session = server.session().await;
    for turn in 0..60_u64 {
        let cx = CallContext::within(LIMIT);
        let cancel = cx.cancel.clone();
        let late = async {
            tokio::time::sleep(Duration::from_micros(turn * 40)).await;
            cancel.cancel();
        };
        let options = json!({});
        let (answer, ()) = tokio::join!(job(&mut *session, Kind::Query, "small", &options, &cx), late);
        if let Err(error) = answer {
            assert_eq!(error.code(), ErrorCode::Cancelled, "turn {turn}: {error}");
        }
        if !session.reusable() {
            session = server.session().await;
        }
        let next = query(&mut *session, "small", json!({"limit": 5})).await;
        assert_eq!(next.unwrap_or_else(|error| panic!("turn {turn}: {error}")).rows.len(), 5);
    }
}

#[tokio::test]
async fn the_deadline_stops_the_server_with_its_own_code() {
    let server = server().await;
    let mut session = server.session().await;
    for kind in [Kind::Query, Kind::Read] {
        session.introspect(&CallContext::within(LIMIT), "asleep").await.unwrap();
        let cx =
            CallContext { deadline: Clock::now() + Duration::from_millis(150), ..CallContext::within(LIMIT) };
        let error = job(&mut *session, kind, "asleep", &json!({}), &cx).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::QueryTimeout, "{error}");
        // The connection that stopped it may be on its way out still.
        becomes_idle(&server).await;
    }
    assert!(session.reusable());
}

#[tokio::test]
async fn a_session_that_is_dropped_in_the_middle_leaves_nothing_running() {
    let server = server().await;
    let mut session = server.session().await;
    {
        let options = json!({});
        let cx = CallContext::within(LIMIT);
        let running = job(&mut *session, Kind::Query, "asleep", &options, &cx);
        tokio::pin!(running);
        while busy(&server).await == 0 {
            assert!(for_a_moment(running.as_mut()).await.is_none(), "the view sleeps");
        }
    }
    drop(session);
    becomes_idle(&server).await;
}

/// Polls once, with a little time for what it waits for.
async fn for_a_moment<F: Future + Unpin>(future: F) -> Option<F::Output> {
    tokio::time::timeout(Duration::from_millis(5), future).await.ok()
}

#[tokio::test]
async fn a_session_is_read_only_and_in_utc_whatever_the_server_says() {
    let options = MariaDbOptions::with_tls()
        .setting("default-time-zone", "+09:00")
        .setting("completion-type", "CHAIN")
        .setting("init-connect", "SET sql_select_limit = 2")
        .setting("autocommit", "0")
        .setting("transaction-isolation", "READ-UNCOMMITTED");
    let server = Server::with(options).await;
    server
        .run(
            "SET autocommit = 1;
CREATE TABLE small (id int PRIMARY KEY);
INSERT INTO small SELECT seq FROM seq_1_to_100;
CREATE FUNCTION touch() RETURNS int BEGIN INSERT INTO small VALUES (1000); RETURN 1; END;
CREATE VIEW writes AS SELECT touch() AS t;
CREATE VIEW shown AS SELECT CAST(FROM_UNIXTIME(0) AS CHAR(30)) AS moment",
        )
        .await;
    let mut session = server.session().await;
    let error = query(&mut *session, "writes", json!({})).await.unwrap_err();
    // Read-only, such a view cannot even be described.
    let refused = error.detail().get("nativeCode") == Some(&json!("1792"));
    assert!(refused || error.code() == ErrorCode::InvalidTarget, "{error}");
    assert_eq!(server.number("SELECT COUNT(*) FROM small").await, 100);
    let shown = query(&mut *session, "shown", json!({})).await.unwrap();
    assert!(shown.rows[0]["moment"].as_str().unwrap().starts_with("1970-01-01 00:00:00"), "{:?}", shown.rows);
    assert_eq!(query(&mut *session, "small", json!({})).await.unwrap().rows.len(), 100);
    // A row that somebody else puts in is seen at once: no transaction stays open.
    assert_eq!(query(&mut *session, "small", json!({"limit": 10})).await.unwrap().page.total, Some(100));
    server.run("INSERT INTO small VALUES (101)").await;
    assert_eq!(query(&mut *session, "small", json!({"limit": 10})).await.unwrap().page.total, Some(101));
}

#[tokio::test]
async fn a_total_is_counted_only_where_the_result_does_not_show_it() {
    let server = server().await;
    let mut session = server.session().await;
    for (options, rows, total) in [
        (json!({"limit": 10}), 10, Some(100)),
        (json!({}), 100, Some(100)),
        (json!({"limit": 200}), 100, Some(100)),
        (json!({"limit": 10, "offset": 95}), 5, Some(100)),
        (json!({"limit": 10, "offset": 500}), 0, Some(100)),
        (json!({"offset": 40}), 60, Some(100)),
        (json!({"limit": 0}), 0, Some(100)),
        (json!({"limit": 10, "includeTotal": false}), 10, None),
        (json!({"limit": 10, "where": {"id": {"$lte": 42}}}), 10, Some(42)),
    ] {
        let answer = query(&mut *session, "small", options.clone()).await.unwrap();
        assert_eq!((answer.rows.len(), answer.page.total), (rows, total), "{options}");
    }
    let first = read(&mut *session, "small", json!({"limit": 60})).await.unwrap();
    assert_eq!((first.page.total, first.page.next_cursor.as_deref()), (Some(100), Some("60")));
    let second = read(&mut *session, "small", json!({"limit": 60, "cursor": "60"})).await.unwrap();
    assert_eq!((second.page.total, second.page.next_cursor, second.rows.len()), (None, None, 40));
}

#[tokio::test]
async fn a_server_that_is_killed_in_the_middle_of_a_result_is_an_error_with_a_code() {
    let mut server = server().await;
    for target in ["asleep", "endless"] {
        let mut session = server.session().await;
        let cx = CallContext::within(LIMIT);
        let options = json!({});
        let death = async {
            while busy(&server).await == 0 {
                tokio::task::yield_now().await;
            }
            server.mariadb.kill().await.unwrap();
        };
        let (answer, ()) = tokio::join!(job(&mut *session, Kind::Query, target, &options, &cx), death);
        let error = answer.unwrap_err();
        assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{target}: {error}");
        assert!(error.retryable() && !session.reusable());
        server.mariadb.restart().await.unwrap();
        *server.admin.lock().await = server.mariadb.admin().await.unwrap();
        let source = source(&Driver::new(), &[("url", &server.mariadb.url())]).unwrap();
        let mut session = source.open(&open_context().unwrap()).await.unwrap();
        assert_eq!(query(&mut *session, "small", json!({})).await.unwrap().rows.len(), 100);
    }
}

#[tokio::test]
async fn lists_of_fifty_thousand_and_of_more_than_a_statement_has_room_for() {
    let server = server().await;
    let mut session = server.session().await;
    for length in [50_000, 70_000] {
        let ids: Vec<i64> = (1..=length).collect();
        let texts: Vec<String> = ids.iter().map(|id| format!("v{id}")).collect();
        for filter in [json!({"id": ids}), json!({"v": texts})] {
            let found = query(&mut *session, "small", json!({"where": filter})).await.unwrap();
            assert_eq!(found.rows.len(), 100, "{length}");
        }
        let none = json!({"where": {"id": {"$nin": ids}}});
        assert_eq!(query(&mut *session, "small", none).await.unwrap().rows.len(), 0);
    }
}

/// Throws chunks away, and counts them.
#[derive(Default)]
struct Counter(u64);

#[async_trait::async_trait]
impl connector_api::Chunks for Counter {
    fn envelope(&self) -> connector_model::json::Envelope {
        connector_model::json::Envelope::default()
    }

    async fn send(&mut self, chunk: Vec<u8>) -> connector_model::error::Result<()> {
        self.0 += chunk.len() as u64;
        Ok(())
    }
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn a_hundred_thousand_wide_rows_stream_in_flat_memory() {
    let server = server().await;
    server.run("CREATE VIEW wide AS SELECT seq AS id, REPEAT('x', 1000) AS v FROM seq_1_to_100000").await;
    let mut session = server.session().await;
    let request = parse(Kind::Query, Some("wide"), Some("{}"), "b").unwrap();
    let Request::Query(request) = request else { panic!("a query") };
    let mut counter = Counter::default();
    let before = resident_bytes();
    let mut out = RowSink::new(&mut counter, SinkLimits::default());
    session.query(&CallContext::within(LIMIT), &request, &mut out).await.unwrap();
    out.flush().await.unwrap();
    assert_eq!(out.rows(), 100_000);
    let grown = resident_bytes().saturating_sub(before);
    assert!(counter.0 > 100_000_000 && grown < 24 << 20, "{grown} bytes more for {} sent", counter.0);
}

#[tokio::test]
async fn a_row_that_is_too_large_says_so_and_several_packets_make_a_row() {
    let server = Server::with(MariaDbOptions::with_tls().setting("max-allowed-packet", "256M")).await;
    server
        .run(
            "CREATE TABLE t (id int PRIMARY KEY, v longtext, w longtext);
INSERT INTO t VALUES (1, REPEAT('x', 7000000), ''), (2, REPEAT('y', 20000000), '')",
        )
        .await;
    let mut session = server.session().await;
    let fits = query(&mut *session, "t", json!({"where": {"id": 1}})).await.unwrap();
    assert_eq!(fits.rows[0]["v"].as_str().unwrap().len(), 7_000_000);
    let error = query(&mut *session, "t", json!({"where": {"id": 2}})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ResultTooLarge, "{error}");
    if session.reusable() {
        assert_eq!(query(&mut *session, "t", json!({"select": ["id"]})).await.unwrap().rows.len(), 2);
    }
}

#[tokio::test]
async fn two_sources_at_once_do_not_mix() {
    let (left, right) = tokio::join!(server(), server());
    left.run("UPDATE small SET v = 'left'").await;
    right.run("UPDATE small SET v = 'right'").await;
    let (mut near, mut far) = tokio::join!(left.session(), right.session());
    for _ in 0..20 {
        let (left, right) =
            tokio::join!(query(&mut *near, "small", json!({})), query(&mut *far, "small", json!({})));
        assert!(left.unwrap().rows.iter().all(|row| row["v"] == "left"));
        assert!(right.unwrap().rows.iter().all(|row| row["v"] == "right"));
    }
}
