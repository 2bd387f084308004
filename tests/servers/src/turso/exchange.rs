//! As much of HTTP/1.1 as one request a connection takes.

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The largest head that is taken, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// A request or a response.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// The first line and the headers, without the empty line behind them.
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Message {
    pub(super) fn request(body: &str) -> Self {
        let head = format!(
            "POST /v2/pipeline HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Connection: close\r\nContent-Length: {}",
            body.len()
        );
        Self { head, body: body.as_bytes().to_vec() }
    }

    pub(super) fn response(status: u16, body: Vec<u8>) -> Self {
        let head = format!(
            "HTTP/1.1 {status} Whatever\r\nContent-Type: application/json\r\nConnection: close\r\n\
             Content-Length: {}",
            body.len()
        );
        Self { head, body }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n").skip(1);
        let mut headers = lines.filter_map(|line| line.split_once(':'));
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The second word of the first line.
    pub(super) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    pub(super) fn status(&self) -> Option<u16> {
        self.path().parse().ok()
    }

    pub(super) fn text(&self) -> String {
        format!("{}: {}", self.head.lines().next().unwrap_or_default(), String::from_utf8_lossy(&self.body))
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{}\r\n\r\n", self.head).into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// Reads a message whose length its head tells.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Message> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if bytes.len() > MAX_HEAD {
            bail!("a head without an end");
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            bail!("the other side ended within a head");
        }
    };
    let head = String::from_utf8(bytes.get(..end).unwrap_or_default().to_vec()).context("a head in UTF-8")?;
    let mut message = Message { head, body: bytes.split_off(end + 4) };
    let length: usize = match message.header("content-length") {
        Some(length) => length.parse().context("a length")?,
        None => 0,
    };
    while message.body.len() < length {
        if stream.read_buf(&mut message.body).await? == 0 {
            bail!("the other side ended within a body");
        }
    }
    Ok(message)
}

/// Sends a message.
pub(super) async fn write(stream: &mut (impl AsyncWrite + Unpin), message: &Message) -> Result<()> {
    stream.write_all(&message.bytes()).await?;
    stream.flush().await?;
    Ok(())
}

/// Sends a request and reads what is answered.
pub(super) async fn ask(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &Message,
) -> Result<Message> {
    write(stream, request).await?;
    read(stream).await
}
