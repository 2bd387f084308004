//! ClickHouse's engine behind its door, and the server of Debian.

#![allow(clippy::unwrap_used, reason = "what a test's helper cannot do fails the test")]

use test_servers::{ClickHouse, ClickHouseOptions, OldClickHouse};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The whole answer to a request, as it comes.
async fn answer(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// `app` with a password that is not its own.
const WRONG: &str = "Authorization: Basic YXBwOndyb25n\r\n";

#[tokio::test]
async fn the_engine_keeps_its_data_over_a_restart() {
    let mut server = ClickHouse::start(ClickHouseOptions::default()).await.unwrap();
    server.execute("CREATE TABLE t (id Int64, s String) ENGINE = MergeTree ORDER BY id").await.unwrap();
    server.execute("INSERT INTO t VALUES (1, 'ü'), (2, '')").await.unwrap();
    assert_eq!(server.execute("SELECT id, s FROM t ORDER BY id").await.unwrap(), "1\tü\n2\t\n");
    let port = server.port();
    server.restart().await.unwrap();
    assert_eq!(
        (server.port(), server.execute("SELECT count() FROM app.t").await.unwrap().as_str()),
        (port, "2\n")
    );
    assert_eq!(server.execute("SELECT timezone()").await.unwrap(), "America/St_Johns\n");
}

#[tokio::test]
async fn the_door_lets_nobody_in_with_a_wrong_password() {
    let server = ClickHouse::start(ClickHouseOptions::default()).await.unwrap();
    let refused = answer(server.port(), &format!("GET /?query=SELECT+1 HTTP/1.0\r\n{WRONG}\r\n")).await;
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
    assert!(refused.contains("X-ClickHouse-Exception-Code: 516\r\n"), "{refused}");
    let failed = server.execute("SELECT nothing").await.unwrap_err().to_string();
    assert!(failed.contains("Code: 47. DB::Exception: "), "{failed}");
}

#[tokio::test]
async fn exceptions_among_rows_are_marked_as_they_are_asked_for() {
    for tagged_exceptions in [false, true] {
        let server = ClickHouse::start(ClickHouseOptions { tagged_exceptions }).await.unwrap();
        let text =
            server.execute("SELECT number, throwIf(number = 1000000) FROM numbers(2000000)").await.unwrap();
        assert!(text.starts_with("0\t0\n1\t0\n") && text.contains("Code: 395."), "{:.200}", text);
    }
}

#[tokio::test]
async fn the_old_server_answers_and_refuses() {
    let server = OldClickHouse::start().await.unwrap();
    assert!(server.url().contains("@127.0.0.1:"));
    let refused = answer(server.port(), &format!("GET /?query=SELECT+1 HTTP/1.0\r\n{WRONG}\r\n")).await;
    assert!(refused.contains(" 401 ") && refused.contains("Code: 193,"), "{refused}");
    server.kill().await.unwrap();
    assert!(TcpStream::connect(("127.0.0.1", server.port())).await.is_err());
}
