//! A server that dies, hangs, or is none.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use component_tests::job::{job, job_into, job_within};
use connector_api::{CallContext, Chunks};
use connector_model::error::{Error, ErrorCode};
use connector_model::json::Envelope;
use connector_model::request::Kind;
use serde_json::json;
use test_servers::{Redis, RedisOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{Fixture, run};

#[tokio::test]
async fn a_server_killed_between_and_within_jobs_is_unreachable_and_heals() {
    let mut fixture = Fixture::plain().await;
    run(&mut fixture.admin().await, &["SET t:1 {}"]).await;
    let mut session = fixture.session().await;
    job(&mut *session, Kind::Read, "t", &json!({})).await.unwrap();
    fixture.server.kill().await.unwrap();
    let error = job(&mut *session, Kind::Read, "t", &json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
    assert!(error.retryable());
    let error = fixture.session_with(&[]).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
    fixture.server.restart().await.unwrap();
    run(&mut fixture.admin().await, &["SET t:2 {}"]).await;
    let mut session = fixture.session().await;
    assert_eq!(job(&mut *session, Kind::Read, "t", &json!({})).await.unwrap().rows.len(), 1);
}

/// Kills the server when the first rows have come.
struct Killing<'s> {
    server: &'s Redis,
    chunks: usize,
}

#[async_trait]
impl Chunks for Killing<'_> {
    fn envelope(&self) -> Envelope {
        Envelope::default()
    }

    async fn send(&mut self, _chunk: Vec<u8>) -> connector_model::Result<()> {
        if self.chunks == 0 {
            self.server.kill().await.map_err(|error| Error::internal(error.to_string()))?;
        }
        self.chunks += 1;
        Ok(())
    }
}

#[tokio::test]
async fn a_server_killed_while_it_answers_ends_the_job_at_once() {
    let fixture = Fixture::plain().await;
    let mut admin = fixture.admin().await;
    // Far more than connections and buffers hold.
    let set = |n: u32| vec![b"SET".to_vec(), format!("t:{n}").into_bytes(), vec![b'x'; 2_000]];
    admin.ask_all(&(0..20_000).map(set).collect::<Vec<_>>()).await.unwrap();
    let mut session = fixture.session().await;
    let mut killing = Killing { server: &fixture.server, chunks: 0 };
    let began = Instant::now();
    let cx = CallContext::within(component_tests::open::LIMIT);
    let killed = job_into(&mut *session, Kind::Query, "t", &json!({}), &cx, &mut killing).await;
    let error = killed.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
    assert!(killing.chunks > 0 && error.retryable(), "{error}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_server_that_hangs_does_not_outlast_the_deadline() {
    let fixture = Fixture::plain().await;
    run(&mut fixture.admin().await, &["SET t:1 {}"]).await;
    let mut session = fixture.session().await;
    fixture.server.freeze().unwrap();
    let cx = CallContext::within(Duration::from_millis(300));
    let began = Instant::now();
    let error = job_within(&mut *session, Kind::Read, "t", &json!({}), &cx).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::QueryTimeout, "{error}");
    assert!(began.elapsed() < Duration::from_secs(10) && !session.reusable());
    fixture.server.thaw().unwrap();
    let mut session = fixture.session().await;
    assert_eq!(job(&mut *session, Kind::Read, "t", &json!({})).await.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn a_full_server_says_so() {
    let fixture = Fixture::start(RedisOptions::default().setting("maxclients", "1")).await;
    let _admin = fixture.admin().await;
    let error = fixture.session_with(&[]).await.err().unwrap();
    assert!(matches!(error.code(), ErrorCode::SourceQueryFailed | ErrorCode::SourceUnreachable), "{error}");
    assert!(error.retryable(), "{error}");
}

#[tokio::test]
async fn what_is_no_redis_is_not_taken_for_one() {
    let fixture = Fixture::plain().await;
    for answer in
        ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-x\r\n", "*999999999\r\n*999999999\r\n", "$17000000\r\n"]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 64];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            // It says no more, and waits for the other side to go.
            while matches!(stream.read(&mut asked).await, Ok(read) if read > 0) {}
        });
        let settings = [("host", "127.0.0.1"), ("port", port.as_str())];
        let opening = fixture.opening.session(&*fixture.module.connector, &settings);
        let bounded = tokio::time::timeout(Duration::from_secs(30), opening);
        let error = bounded.await.expect("it waits for ever").err().unwrap();
        let codes = [ErrorCode::SourceQueryFailed, ErrorCode::ResultTooLarge, ErrorCode::SourceUnreachable];
        assert!(codes.contains(&error.code()), "{answer:?}: {error}");
        serving.abort();
    }
}

#[tokio::test]
async fn a_value_beyond_all_bounds_is_refused_and_the_session_goes_on() {
    let fixture = Fixture::plain().await;
    let mut admin = fixture.admin().await;
    run(&mut admin, &["SET small:1 {}"]).await;
    admin.run(&[b"SET", b"huge:1", &vec![b'x'; 20 * 1024 * 1024]]).await.unwrap();
    let mut session = fixture.session().await;
    let error = job(&mut *session, Kind::Read, "huge", &json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ResultTooLarge, "{error}");
    assert_eq!(job(&mut *session, Kind::Read, "small", &json!({})).await.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn a_row_beyond_the_limit_is_too_large_and_no_fault_of_the_connector() {
    const MIB: usize = 1024 * 1024;

    let fixture = Fixture::plain().await;
    let mut admin = fixture.admin().await;
    run(&mut admin, &["SET small:1 {}"]).await;
    for (key, value) in [
        ("ten:1", vec![b'x'; 10 * MIB]),
        // With what is around it, it is no row any more.
        ("near:1", vec![b'x'; 8 * MIB - 5]),
        // Each of these is six characters of JSON.
        ("grows:1", vec![1_u8; 5 * MIB]),
        ("fits:1", vec![b'x'; 8 * MIB - 100]),
    ] {
        admin.run(&[b"SET", key.as_bytes(), &value]).await.unwrap();
    }
    admin.run(&[b"HSET", b"hash:1", b"a", &vec![1_u8; 5 * MIB], b"b", b"2"]).await.unwrap();
    let mut session = fixture.session().await;
    // More often than a module may fail.
    for _ in 0..3 {
        for target in ["ten", "near", "grows", "hash"] {
            let error = job(&mut *session, Kind::Query, target, &json!({})).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::ResultTooLarge, "{target}: {error}");
            let words = error.message();
            assert!(words.contains("8388608") && words.contains("leave"), "{target}: {error}");
            // What came of the result before the error was on its way already: the next job has another session.
            session = fixture.session().await;
            let rows = job(&mut *session, Kind::Read, "small", &json!({})).await.unwrap().rows;
            assert_eq!(rows.len(), 1, "behind {target}");
        }
    }
    let fits = job(&mut *session, Kind::Read, "fits", &json!({})).await.unwrap().rows;
    assert_eq!(fits[0]["value"].as_str().map(str::len), Some(8 * MIB - 100));
    // What is left out, or only looked at, is in nobody's way.
    let rest = json!({"select": ["b"], "where": {"a": {"$exists": true}}});
    assert_eq!(job(&mut *session, Kind::Query, "hash", &rest).await.unwrap().rows, [json!({"b": "2"})]);
    let key = json!({"select": ["_key"], "where": {"value": {"$contains": "\u{1}"}}});
    assert_eq!(job(&mut *session, Kind::Query, "grows", &key).await.unwrap().rows.len(), 1);
}
