//! A GET of which only the status matters (RFC 9112).

use dial::{BoxedStream, Kind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The longest status line that is read.
const MAX_STATUS_LINE_BYTES: usize = 1024;

/// Why there is no status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoStatus {
    /// The connection failed.
    Lost(Kind),
    /// What came back is no HTTP.
    NotHttp,
}

/// Asks for `path` and returns the status.
pub(crate) async fn status(mut stream: BoxedStream, authority: &str, path: &str) -> Result<u16, NoStatus> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: semilayer-runner doctor\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    let lost = |error: std::io::Error| NoStatus::Lost(Kind::of_io(&error));
    let sending = async {
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await
    };
    let sent = sending.await;
    // Read even where nothing could be sent: a peer that has hung up has often said why before.
    let mut head = Vec::with_capacity(256);
    while !head.contains(&b'\n') {
        let room = MAX_STATUS_LINE_BYTES - head.len();
        if room == 0 {
            return Err(NoStatus::NotHttp);
        }
        match (&mut stream).take(room as u64).read_buf(&mut head).await {
            Ok(0) if head.is_empty() => return Err(sent.err().map_or(NoStatus::Lost(Kind::Closed), lost)),
            Ok(0) => return Err(NoStatus::NotHttp),
            Ok(_) => {}
            Err(error) => return Err(lost(error)),
        }
    }
    parse(&head).ok_or(NoStatus::NotHttp)
}

fn parse(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\n').next()?;
    let rest = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?;
    let status = rest.split(' ').nth(1)?.trim();
    (status.len() == 3).then(|| status.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_status_is_all_that_is_read() {
        for (answer, expected) in [
            (&b"HTTP/1.1 200 OK\r\n\r\n"[..], Ok(200)),
            (b"HTTP/1.0 404\r\n\r\n", Ok(404)),
            (b"SSH-2.0-OpenSSH_9\r\n", Err(NoStatus::NotHttp)),
            (b"HTTP/1.1 2000 OK\r\n", Err(NoStatus::NotHttp)),
            (b"HTTP/1.1 200", Err(NoStatus::NotHttp)),
            (b"", Err(NoStatus::Lost(Kind::Closed))),
            (&[b'x'; 5000], Err(NoStatus::NotHttp)),
        ] {
            let (mut server, client) = tokio::io::duplex(8 * 1024);
            server.write_all(answer).await.unwrap();
            server.shutdown().await.unwrap();
            let found = status(Box::new(client), "g:1", "/health").await;
            assert_eq!(found, expected);
            let mut asked = String::new();
            server.read_to_string(&mut asked).await.unwrap();
            assert!(asked.starts_with("GET /health HTTP/1.1\r\nHost: g:1\r\n"), "{asked}");
        }
    }
}
