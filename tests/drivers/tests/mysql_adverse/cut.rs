//! A connection that ends, or goes silent, at every point of its life.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use connector_api::{CallContext, Session};
use connector_model::error::{Error, ErrorCode};
use connector_model::request::Kind;
use connector_mysql::MySql as Driver;
use driver_tests::{LIMIT, job, open_context, source};
use serde_json::json;
use test_servers::{APP_PASSWORD, APP_USER};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Server;

/// What a proxy does when it has had enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Ends both connections.
    Close,
    /// Passes nothing on any more.
    Silence,
}

/// When it has had enough.
#[derive(Debug, Clone, Copy)]
enum After {
    /// So many bytes from the server.
    Server(usize),
    /// So many bytes from the client.
    Client(usize),
    /// The next bytes once the flag is up.
    Flag,
}

/// A proxy before the server; all its connections end alike.
async fn proxy(port: u16, after: After, then: Then, flag: Arc<AtomicBool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            tokio::spawn(between(client, port, after, then, flag.clone()));
        }
    });
    address
}

async fn between(mut client: TcpStream, port: u16, after: After, then: Then, flag: Arc<AtomicBool>) {
    let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut from_server, mut from_client) = (0, 0);
    let (mut down, mut up) = ([0; 4096], [0; 4096]);
    loop {
        let left = |limit: usize, so_far: usize, came: usize| came.min(limit - so_far);
        let (enough, passed) = tokio::select! {
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                let (enough, pass) = match after {
                    After::Server(limit) => (from_server + count >= limit, left(limit, from_server, count)),
                    After::Flag => (flag.load(Ordering::Relaxed), count),
                    After::Client(_) => (false, count),
                };
                from_server += pass;
                (enough, client.write_all(&down[..pass]).await)
            }
            read = client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                let (enough, pass) = match after {
                    After::Client(limit) => (from_client + count >= limit, left(limit, from_client, count)),
                    _ => (false, count),
                };
                from_client += pass;
                (enough, server.write_all(&up[..pass]).await)
            }
        };
        if passed.is_err() {
            return;
        }
        if enough {
            match then {
                Then::Close => return,
                Then::Silence => std::future::pending::<()>().await,
            }
        }
    }
}

async fn open(address: SocketAddr, mode: &str) -> Result<Box<dyn Session>, Error> {
    let port = address.port().to_string();
    let settings = [
        ("host", "127.0.0.1"),
        ("port", port.as_str()),
        ("user", APP_USER),
        ("password", APP_PASSWORD),
        ("database", "app"),
        ("sslmode", mode),
        ("connectionTimeoutMillis", "400"),
    ];
    source(&Driver::mariadb(), &settings)?.open(&open_context()?).await
}

/// The greeting of this server is about a hundred bytes long; a request for TLS is 36.
#[tokio::test]
async fn an_end_in_each_phase_is_told_with_its_stage() {
    let server = Server::start().await;
    for (mode, after, stage) in [
        ("disable", After::Server(0), "auth"),
        ("disable", After::Server(30), "auth"),
        ("require", After::Client(10), "tls"),
        ("require", After::Client(36), "tls"),
        ("require", After::Client(100), "tls"),
        ("require", After::Server(400), "tls"),
        ("disable", After::Client(60), "auth"),
        ("disable", After::Client(4096), "auth"),
    ] {
        for then in [Then::Close, Then::Silence] {
            let flag = Arc::new(AtomicBool::new(false));
            let after = match after {
                // The whole login, whatever its length: nothing of what follows is passed on.
                After::Client(4096) => After::Client(1 + 36 + 60),
                other => other,
            };
            let address = proxy(server.mariadb.port(), after, then, flag).await;
            let started = Instant::now();
            let error = open(address, mode)
                .await
                .err()
                .unwrap_or_else(|| panic!("{mode} {after:?} {then:?}: it opened"));
            assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{mode} {after:?} {then:?}: {error}");
            assert_eq!(error.detail()["stage"], json!(stage), "{mode} {after:?} {then:?}: {error}");
            assert!(error.retryable() && error.detail().contains_key("kind"), "{error:?}");
            assert!(started.elapsed() < Duration::from_secs(5), "{mode} {after:?} {then:?}");
        }
    }
}

#[tokio::test]
async fn an_end_after_any_byte_is_an_error_and_never_a_hang() {
    let server = Server::start().await;
    let mut opened = 0;
    for limit in (0..1_500).step_by(23) {
        let flag = Arc::new(AtomicBool::new(false));
        let address = proxy(server.mariadb.port(), After::Server(limit), Then::Close, flag).await;
        let outcome = tokio::time::timeout(Duration::from_secs(5), open(address, "disable")).await;
        match outcome.unwrap_or_else(|_| panic!("after {limit} bytes it waits for ever")) {
            Ok(_) => opened += 1,
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::SourceUnreachable, "after {limit} bytes: {error}");
                let stage = error.detail()["stage"].as_str().unwrap().to_owned();
                assert!(["auth", "query"].contains(&stage.as_str()), "after {limit} bytes: {stage}");
            }
        }
    }
    assert!(opened > 0, "1,500 bytes are enough to log in");
}

#[tokio::test]
async fn an_end_while_rows_stream_is_told_and_costs_the_session() {
    let server = Server::start().await;
    server.run("CREATE VIEW endless AS SELECT seq AS i FROM seq_1_to_1000000000000").await;
    for (then, code) in
        [(Then::Close, ErrorCode::SourceUnreachable), (Then::Silence, ErrorCode::QueryTimeout)]
    {
        for mode in ["require", "disable"] {
            let flag = Arc::new(AtomicBool::new(false));
            let address = proxy(server.mariadb.port(), After::Flag, then, flag.clone()).await;
            let mut session = open(address, mode).await.unwrap();
            let raise = async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                flag.store(true, Ordering::Relaxed);
            };
            let deadline = tokio::time::Instant::now() + Duration::from_secs(2);
            let cx = CallContext { deadline, ..CallContext::within(LIMIT) };
            let options = json!({});
            let (answer, ()) = tokio::join!(job(&mut *session, Kind::Query, "endless", &options, &cx), raise);
            let error = answer.unwrap_err();
            assert_eq!(error.code(), code, "{then:?} {mode}: {error}");
            assert!(!session.reusable(), "{then:?} {mode}");
        }
    }
}
