//! One request over HTTP/1.0: its answer ends with the connection.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest a statement of a test may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Sends a statement and returns the body of the answer.
pub(super) async fn ask(
    port: u16,
    (user, password): (&str, &str),
    database: &str,
    statement: &str,
) -> Result<String> {
    let login = STANDARD.encode(format!("{user}:{password}"));
    let request = format!(
        "POST /?database={database} HTTP/1.0\r\nAuthorization: Basic {login}\r\nContent-Length: {}\r\n\r\n{statement}",
        statement.len()
    );
    let exchange = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        anyhow::Ok(answer)
    };
    let answer = timeout(LIMIT, exchange).await.context("ClickHouse does not answer")??;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is not HTTP")?;
    if head.split(' ').nth(1) != Some("200") {
        bail!("{statement:.200}: {body}");
    }
    Ok(body.to_owned())
}
