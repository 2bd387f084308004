//! Requests over plain HTTP/1.1, for tests: one connection each.

use std::io::{self, BufRead, Read, Write as _};

use super::{Answer, Exchange, Method};
use crate::net::{Failure, TcpStream};
use crate::testing;

/// The most bytes of a status line with its headers, or of a line between chunks.
const HEAD_BYTES: u64 = 64 * 1024;

pub(super) fn send(exchange: &Exchange) -> io::Result<Answer> {
    if let Some(answer) = testing::fake_answer(exchange) {
        return answer;
    }
    let mut stream = if exchange.secure {
        TcpStream::connect_tls(&exchange.host, exchange.port)?
    } else {
        TcpStream::connect(&exchange.host, exchange.port)?
    };
    let mut request = format!("{} {} HTTP/1.1\r\n", exchange.method.as_str(), exchange.target);
    request.push_str(&format!("host: {}\r\nconnection: close\r\n", exchange.authority()));
    for (name, value) in &exchange.headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut request = request.into_bytes();
    request.extend_from_slice(&exchange.body);
    stream.write_all(&request)?;
    loop {
        let (status, headers) = head(&mut stream)?;
        // What stands before the final response (RFC 9110, section 15.2).
        if (100..200).contains(&status) {
            continue;
        }
        let body = body(stream, exchange.method, status, &headers)?;
        return Ok(Answer { status, headers, body });
    }
}

fn head(stream: &mut TcpStream) -> io::Result<(u16, Vec<(String, String)>)> {
    let mut left = HEAD_BYTES;
    let status = line(stream, &mut left)?;
    let mut words = status.split(' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().and_then(|status| status.parse().ok());
    let Some(status) = status.filter(|_| version.starts_with("HTTP/1.")) else {
        return Err(other("what answered does not speak HTTP"));
    };
    let mut headers = Vec::new();
    loop {
        let line = line(stream, &mut left)?;
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| other("a header without a colon"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn line(stream: &mut impl BufRead, left: &mut u64) -> io::Result<String> {
    let mut line = Vec::new();
    let read = stream.take(*left).read_until(b'\n', &mut line)?;
    *left -= read as u64;
    match line.strip_suffix(b"\n") {
        Some(line) => Ok(String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()),
        None if *left == 0 => Err(other("the headers of the response are too long")),
        None => Err(Failure::Closed.into()),
    }
}

fn body(
    stream: TcpStream,
    method: Method,
    status: u16,
    headers: &[(String, String)],
) -> io::Result<Box<dyn Read>> {
    let header =
        |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    if method == Method::Head || matches!(status, 204 | 304) {
        return Ok(Box::new(io::empty()));
    }
    if header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return Ok(Box::new(Chunked { stream, left: 0, state: Chunk::First }));
    }
    match header("content-length").map(str::parse) {
        Some(Ok(length)) => Ok(Box::new(Sized { stream, left: length })),
        Some(Err(_)) => Err(other("the length of the response is no number")),
        None => Ok(Box::new(stream)),
    }
}

/// A body whose length is known.
struct Sized {
    stream: TcpStream,
    left: u64,
}

impl Read for Sized {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = (&mut self.stream).take(self.left).read(into)?;
        if read == 0 && self.left > 0 && !into.is_empty() {
            return Err(Failure::Closed.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// A body in chunks (RFC 9112, section 7.1).
struct Chunked {
    stream: TcpStream,
    /// Of the present chunk.
    left: u64,
    state: Chunk,
}

#[derive(PartialEq)]
enum Chunk {
    First,
    /// Behind it stands a line break.
    Within,
    End,
}

impl Read for Chunked {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && self.state != Chunk::End {
            self.begin()?;
        }
        if self.state == Chunk::End || into.is_empty() {
            return Ok(0);
        }
        let read = (&mut self.stream).take(self.left).read(into)?;
        if read == 0 {
            return Err(Failure::Closed.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

impl Chunked {
    fn begin(&mut self) -> io::Result<()> {
        let mut left = HEAD_BYTES;
        if self.state == Chunk::Within && !line(&mut self.stream, &mut left)?.is_empty() {
            return Err(other("a chunk of the response is longer than it says"));
        }
        let size = line(&mut self.stream, &mut left)?;
        let size = size.split(';').next().unwrap_or_default().trim();
        self.left = u64::from_str_radix(size, 16).map_err(|_| other("a chunk's length is no number"))?;
        self.state = Chunk::Within;
        if self.left == 0 {
            // Trailers.
            while !line(&mut self.stream, &mut left)?.is_empty() {}
            self.state = Chunk::End;
        }
        Ok(())
    }
}

fn other(problem: &str) -> io::Error {
    Failure::Other(problem.to_owned()).into()
}

#[cfg(test)]
mod tests {
    use crate::http::{Client, Response};
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    /// A server that answers one request with these bytes, and gives back what it was sent.
    fn serving(answer: &'static str) -> (Client, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://127.0.0.1:{}/api", listener.local_addr().unwrap().port());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut piece) = (Vec::new(), [0; 1024]);
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                let read = stream.read(&mut piece).unwrap();
                request.extend_from_slice(&piece[..read]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(request).unwrap()
        });
        (Client::new(&url).unwrap(), server)
    }

    fn get(answer: &'static str) -> Response {
        serving(answer).0.get("/x").send().unwrap()
    }

    #[test]
    fn bodies_are_whole_whatever_ends_them() {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloX",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nt: u\r\n\r\n",
        ] {
            assert_eq!(get(answer).body.bytes(100).unwrap(), b"hello", "{answer}");
        }
        assert_eq!(get("HTTP/1.1 204 No Content\r\n\r\n").body.bytes(0).unwrap(), b"");
    }

    #[test]
    fn a_body_that_breaks_off_is_an_error() {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhell",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
        ] {
            let error = get(answer).body.bytes(100).unwrap_err();
            assert_eq!(error.code().as_str(), "SOURCE_UNREACHABLE", "{answer}");
        }
        let (client, _server) = serving("SSH-2.0-x\r\n\r\n");
        assert!(client.get("/").send().unwrap_err().message().contains("does not speak HTTP"));
    }

    #[test]
    fn a_request_is_what_was_asked_for() {
        let (client, server) = serving("HTTP/1.1 404 Not Found\r\nX-Why: gone\r\ncontent-length: 0\r\n\r\n");
        let client = client.header("X-Key", "k").unwrap();
        let response = client.post("items").query("n", "1").json(&[1]).send().unwrap();
        assert_eq!((response.status, response.header("x-why")), (404, Some("gone")));
        let request = server.join().unwrap();
        assert!(request.starts_with("POST /api/items?n=1 HTTP/1.1\r\nhost: 127.0.0.1:"), "{request}");
        for header in ["X-Key: k\r\n", "content-type: application/json\r\n", "content-length: 3\r\n"] {
            assert!(request.contains(header), "{request}");
        }
    }

    #[test]
    fn tls_is_the_runners() {
        let error = Client::new("https://127.0.0.1:1").unwrap().get("/").send().unwrap_err();
        assert!(error.message().contains("TLS is the runner's"), "{error}");
    }
}
