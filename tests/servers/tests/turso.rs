//! The Turso server with its front.

use std::time::Duration;

use test_servers::{Turso, TursoFault, TursoOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn post(server: &Turso, token: &str, body: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await?;
    let request = format!(
        "POST /v2/pipeline HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

const SELECT: &str = r#"{"baton":null,"requests":[{"type":"execute","stmt":{"sql":"SELECT a FROM t"}}]}"#;
const CLOSING: &str =
    r#"{"baton":null,"requests":[{"type":"execute","stmt":{"sql":"SELECT a FROM t"}},{"type":"close"}]}"#;

#[tokio::test]
async fn the_front_checks_tokens_and_keeps_streams() {
    let options = TursoOptions { token: Some("good".into()), keeps_streams: true, ..TursoOptions::default() };
    let server = Turso::start(options).await.unwrap();
    server.execute(&["CREATE TABLE t (a)", "INSERT INTO t VALUES ('here')"]).await.unwrap();
    assert!(server.execute(&["SELECT nothing"]).await.unwrap_err().to_string().contains("nothing"));
    assert!(post(&server, "bad", SELECT).await.unwrap().starts_with("HTTP/1.1 401"));
    let open = post(&server, "good", SELECT).await.unwrap();
    assert!(open.contains("\"here\"") && open.contains("\"baton\":\"kept\""), "{open}");
    let closed = post(&server, "good", CLOSING).await.unwrap();
    assert!(closed.contains("\"baton\":null") && closed.contains("\"type\":\"close\""), "{closed}");
    assert_eq!(server.requests().len(), 3);
    assert_eq!(server.requests()[0].authorization.as_deref(), Some("Bearer bad"));
}

#[tokio::test]
async fn faults_come_and_go_and_a_killed_server_is_gone() {
    let mut server = Turso::start(TursoOptions::default()).await.unwrap();
    server.execute(&["CREATE TABLE t (a)", "INSERT INTO t VALUES ('here')"]).await.unwrap();
    // What tursodb says of a request that it does not know.
    assert!(post(&server, "", CLOSING).await.unwrap().starts_with("HTTP/1.1 500"));
    server.set_fault(Some(TursoFault::Status(503, "gone".into())));
    assert!(post(&server, "", SELECT).await.unwrap().starts_with("HTTP/1.1 503"));
    server.set_fault(Some(TursoFault::BreakOff));
    let broken = post(&server, "", SELECT).await.unwrap();
    assert!(broken.starts_with("HTTP/1.1 200") && !broken.contains("query_duration_ms"), "{broken}");
    server.set_fault(None);
    assert!(post(&server, "", SELECT).await.unwrap().contains("\"here\""));
    server.kill().await.unwrap();
    let refused =
        tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(("127.0.0.1", server.port())));
    assert!(refused.await.unwrap().is_err());
}
