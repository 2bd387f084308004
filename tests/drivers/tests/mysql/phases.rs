//! A connection that ends, or falls silent, inside each phase.

use std::time::{Duration, Instant};

use connector_model::error::{Error, ErrorCode};
use connector_mysql::MySql as Driver;
use driver_tests::{open_context, source};
use serde_json::json;
use test_servers::{APP_PASSWORD, APP_USER};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{Server, query};

/// Passes connections on to `port`, and ends each of them behind so many bytes of the server's.
async fn cut_after(port: u16, bytes: u64) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let (mut from_near, mut to_near) = near.split();
                let (from_far, mut to_far) = far.split();
                let mut from_far = from_far.take(bytes);
                tokio::select! {
                    _ = tokio::io::copy(&mut from_far, &mut to_near) => {}
                    _ = tokio::io::copy(&mut from_near, &mut to_far) => {}
                }
            });
        }
    });
    own
}

async fn all_rows(port: u16, mode: &str) -> Result<usize, Error> {
    let port = port.to_string();
    let settings = [
        ("host", "127.0.0.1"),
        ("port", port.as_str()),
        ("user", APP_USER),
        ("password", APP_PASSWORD),
        ("database", "app"),
        ("sslmode", mode),
    ];
    let mut session = source(&Driver::new(), &settings)?.open(&open_context()?).await?;
    let answer = query(&mut *session, "t", json!({})).await;
    assert_eq!(session.reusable(), answer.is_ok());
    Ok(answer?.rows.len())
}

#[tokio::test]
async fn a_server_that_ends_the_connection_in_any_phase_is_unreachable_and_nothing_hangs() {
    let server = Server::start().await;
    server.run("CREATE TABLE t (id int PRIMARY KEY, v varchar(100));\nINSERT INTO t SELECT seq, REPEAT('x', 90) FROM seq_1_to_3000;").await;
    for mode in ["disable", "require"] {
        for bytes in [0, 3, 4, 40, 90, 110, 125, 300, 700, 1_200, 2_000, 2_600, 20_000, 200_000] {
            let started = Instant::now();
            let port = cut_after(server.mariadb.port(), bytes).await;
            let error = all_rows(port, mode).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{mode} {bytes}: {error}");
            assert!(error.retryable() && error.detail().contains_key("stage"), "{mode} {bytes}: {error}");
            assert!(started.elapsed() < Duration::from_secs(8), "{mode} {bytes}: {:?}", started.elapsed());
        }
        let whole = cut_after(server.mariadb.port(), u64::MAX).await;
        assert_eq!(all_rows(whole, mode).await.unwrap(), 3_000);
    }
}

/// Takes one connection, says `words`, and holds it.
async fn peer(words: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            socket.write_all(words).await.unwrap();
            held.push(socket);
        }
    });
    port
}

#[tokio::test]
async fn a_port_where_nothing_listens_a_peer_that_is_no_database_and_a_silent_one_are_told_apart() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let free = test_servers::free_port().unwrap();
    let open = async |port: u16| {
        let url = format!("mysql://a:b@127.0.0.1:{port}/d");
        let settings = [("url", url.as_str()), ("connectionTimeoutMillis", "300")];
        source(&Driver::new(), &settings).unwrap().open(&open_context().unwrap()).await.err().unwrap()
    };
    for (port, kind) in [
        (free, "refused"),
        (peer(b"HTTP/1.1 400 Bad Request\r\n\r\n").await, "not_mysql"),
        (peer(b"\x0a\x00\x00\x00\x0aNo such thing").await, "not_mysql"),
        (peer(b"").await, "timed_out"),
    ] {
        let error = open(port).await;
        let found = (error.code(), &error.detail()["kind"]);
        assert_eq!(found, (ErrorCode::SourceUnreachable, &json!(kind)), "{error}");
    }
    let error = open(peer(b"\x17\x00\x00\x00\xff\x10\x04Too many connections").await).await;
    let found = (error.code(), error.retryable(), &error.detail()["nativeCode"]);
    assert_eq!(found, (ErrorCode::SourceUnreachable, true, &json!("1040")), "{error}");
}
