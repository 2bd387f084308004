//! As much of HTTP/1.1 as a connection with one request behind the other takes.

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The largest head and the largest body that are taken, in bytes.
const MAX_HEAD: usize = 64 * 1024;
const MAX_BODY: usize = 64 * 1024 * 1024;

/// A request.
#[derive(Debug)]
pub(super) struct Request {
    head: String,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    pub(super) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// The next request; `None` when the client has gone. What was read beyond it stays in `buffer`.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> Result<Option<Request>> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if buffer.len() > MAX_HEAD {
            bail!("a head without an end");
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head =
        String::from_utf8(buffer.get(..end).unwrap_or_default().to_vec()).context("a head in UTF-8")?;
    buffer.drain(..end + 4);
    let mut request = Request { head, body: Vec::new() };
    let is_chunked = request.header("transfer-encoding").is_some();
    let length = request.header("content-length").unwrap_or("0").parse().context("a length")?;
    request.body = match is_chunked {
        true => chunks(stream, buffer).await?,
        false => take(stream, buffer, length).await?,
    };
    Ok(Some(request))
}

async fn chunks(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.extend(take(stream, buffer, 1).await?);
        }
        let length = usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16).context("a length")?;
        let chunk = take(stream, buffer, length + 2).await?;
        if length == 0 {
            return Ok(body);
        }
        body.extend_from_slice(chunk.get(..length).unwrap_or_default());
    }
}

async fn take(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>, length: usize) -> Result<Vec<u8>> {
    if length > MAX_BODY {
        bail!("a body of {length} bytes");
    }
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the client went within a body");
        }
    }
    let rest = buffer.split_off(length);
    Ok(std::mem::replace(buffer, rest))
}

/// A response's bytes.
pub(super) fn response(status: u16, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} Whatever\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
