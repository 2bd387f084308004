//! As much HTTP/1.1 (RFC 9112) as a health check needs: one request without a body, one short answer, close.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// The largest request head that is read: a probe's is a few hundred bytes, one that came through proxies a few thousand.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// How long a client has for its request, and again for taking the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// Whether the answer has no body (HEAD).
    pub(super) head_only: bool,
    /// The path, without the query.
    pub(super) path: String,
}

/// What is answered: a status and a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: Status,
    pub(super) content: Content,
    pub(super) body: String,
}

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Json,
    /// Prometheus' text format, version 0.0.4.
    Metrics,
}

impl Content {
    const fn header(self) -> &'static str {
        match self {
            Content::Json => "application/json",
            Content::Metrics => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The statuses that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    BadRequest,
    NotFound,
    MethodNotAllowed,
    HeadTooLarge,
    Unavailable,
}

impl Status {
    const fn line(self) -> &'static str {
        match self {
            Status::Ok => "200 OK",
            Status::BadRequest => "400 Bad Request",
            Status::NotFound => "404 Not Found",
            Status::MethodNotAllowed => "405 Method Not Allowed\r\nAllow: GET, HEAD",
            Status::HeadTooLarge => "431 Request Header Fields Too Large",
            Status::Unavailable => "503 Service Unavailable",
        }
    }

    /// An answer that says no more than the status.
    pub(super) fn alone(self) -> Answer {
        let text = self.line().split("\r\n").next().unwrap_or_default();
        Answer {
            status: self,
            content: Content::Json,
            body: serde_json::json!({ "error": text }).to_string(),
        }
    }
}

/// Serves one request. A client that is too slow is left.
///
/// # Errors
/// Those of the stream, and `TimedOut`.
pub(super) async fn serve<S, F>(mut stream: S, answer: F) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: FnOnce(&Request) -> Answer,
{
    let (head_only, answer) = match timeout(PATIENCE, read(&mut stream)).await?? {
        Ok(request) => (request.head_only, answer(&request)),
        Err(status) => (false, status.alone()),
    };
    let Answer { status, content, body } = answer;
    let mut text = format!(
        "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
        status.line(),
        content.header(),
        body.len()
    );
    if !head_only {
        text.push_str(&body);
    }
    let write = async {
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await
    };
    timeout(PATIENCE, write).await?
}

/// The request, or the status that refuses it.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Result<Request, Status>> {
    let mut head = Vec::with_capacity(512);
    loop {
        if head.windows(4).any(|window| window == b"\r\n\r\n") {
            return Ok(parse(&head));
        }
        if head.len() >= MAX_HEAD_BYTES {
            return Ok(Err(Status::HeadTooLarge));
        }
        let room = MAX_HEAD_BYTES - head.len();
        if (&mut *stream).take(room as u64).read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn parse(head: &[u8]) -> Result<Request, Status> {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = std::str::from_utf8(line).map_err(|_| Status::BadRequest)?;
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Status::BadRequest);
    };
    if !version.starts_with("HTTP/1.") || !target.starts_with('/') {
        return Err(Status::BadRequest);
    }
    let head_only = match method {
        "GET" => false,
        "HEAD" => true,
        _ => return Err(Status::MethodNotAllowed),
    };
    let path = target.split('?').next().unwrap_or_default().to_owned();
    Ok(Request { head_only, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn exchange(request: &[u8]) -> String {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        client.write_all(request).await.unwrap();
        serve(server, |request| Answer {
            status: Status::Ok,
            content: Content::Json,
            body: request.path.clone(),
        })
        .await
        .unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_request_gets_one_answer_and_a_close() {
        let answer = exchange(b"GET /health?x=1 HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n/health"), "{answer}");
        assert!(answer.contains("Content-Length: 7\r\n") && answer.contains("Connection: close\r\n"));
        let answer = exchange(b"HEAD / HTTP/1.0\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    }

    #[tokio::test]
    async fn what_is_no_request_is_refused() {
        for (request, status) in [
            (&b"POST / HTTP/1.1\r\n\r\n"[..], "405"),
            (b"GET / HTTP/2\r\n\r\n", "400"),
            (b"GET http://x/ HTTP/1.1\r\n\r\n", "400"),
            (b"\xff\xfe\r\n\r\n", "400"),
            (b"GET  / HTTP/1.1\r\n\r\n", "400"),
            (&vec![b'a'; MAX_HEAD_BYTES + 1], "431"),
        ] {
            let answer = exchange(request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_nothing_is_left() {
        let (client, server) = tokio::io::duplex(64);
        let served = serve(server, |_| Status::Ok.alone()).await;
        assert_eq!(served.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(client);
    }
}
