//! The Redis that tests start, and the double of Upstash before one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use test_servers::{Redis, RedisOptions, RedisReply, Upstash, UpstashFault, UpstashOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn the_user_reads_and_cannot_write() {
    for options in [RedisOptions::default(), RedisOptions::with_tls()] {
        let server = Redis::start(options).await.unwrap();
        let mut client = server.admin().await.unwrap();
        client.run(&[b"SET", b"k", b"v"]).await.unwrap();
        let password = test_servers::APP_PASSWORD.as_bytes();
        client.run(&[b"AUTH", test_servers::APP_USER.as_bytes(), password]).await.unwrap();
        assert_eq!(client.run(&[b"GET", b"k"]).await.unwrap(), RedisReply::Text(b"v".to_vec()));
        let refused = client.ask(&[b"SET", b"k", b"w"]).await.unwrap();
        assert!(matches!(refused, RedisReply::Error(text) if text.starts_with("NOPERM")));
    }
}

#[tokio::test]
async fn a_restarted_server_has_its_port_and_no_data() {
    let mut server = Redis::start(RedisOptions::default().setting("databases", "3")).await.unwrap();
    let port = server.port();
    server.admin().await.unwrap().run(&[b"SET", b"k", b"v"]).await.unwrap();
    server.restart().await.unwrap();
    assert_eq!(server.port(), port);
    let mut client = server.admin().await.unwrap();
    assert_eq!(client.run(&[b"GET", b"k"]).await.unwrap(), RedisReply::Nil);
    client.run(&[b"SELECT", b"2"]).await.unwrap();
    client.run(&[b"SELECT", b"3"]).await.unwrap_err();
}

#[tokio::test]
async fn nothing_is_left_after_drop() {
    let server = Redis::start(RedisOptions::default()).await.unwrap();
    let process = server.process().id();
    let runs = || std::fs::exists(format!("/proc/{process}")).unwrap();
    assert!(runs());
    drop(server);
    assert!(!runs());
}

async fn post(server: &Upstash, path: &str, token: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\nUpstash-Encoding: base64\r\n");
    let request = format!("{head}Content-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_double_answers_as_upstash_does() {
    let server = Upstash::start(UpstashOptions::default()).await.unwrap();
    let token = server.token().to_owned();
    let set = post(&server, "/", &token, r#"["SET", "k", "value"]"#).await;
    assert!(set.starts_with("HTTP/1.1 200") && set.ends_with(r#"{"result":"OK"}"#), "{set}");
    let many =
        post(&server, "/pipeline", &token, r#"[["GET", "k"], ["DBSIZE"], ["GET", "x"], ["HGET", "k", "f"]]"#)
            .await;
    let right = r#"[{"result":"dmFsdWU="},{"result":1},{"result":null},{"error":"WRONGTYPE "#;
    assert!(many.contains(right), "{many}");
    assert!(post(&server, "/", "wrong", "[]").await.ends_with(r#"{"error":"Unauthorized"}"#));
    assert!(post(&server, "/", "reading", r#"["SCAN", "0"]"#).await.contains("NOPERM"));
    server.set_fault(Some(UpstashFault::Answer(503, "busy".to_owned())));
    assert!(post(&server, "/", &token, r#"["PING"]"#).await.starts_with("HTTP/1.1 503"));
    server.set_fault(Some(UpstashFault::BreakOff));
    let broken = post(&server, "/", &token, r#"["GET", "k"]"#).await;
    assert!(!broken.is_empty() && !broken.ends_with('}'), "{broken}");
}
