//! What came back.

use std::io::{self, BufRead, BufReader, Read};

use serde::de::DeserializeOwned;

use crate::error::{Error, Result, internal, too_large};
use crate::net;

/// The largest body that [`Body::json`] takes, in bytes: it is held in memory with what is made of it.
pub const JSON_BYTES: u64 = 32 * 1024 * 1024;

/// How much of a body is read at once.
const READ_BYTES: usize = 32 * 1024;

/// A response, its body not read yet.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers as they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

impl Response {
    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of that name; case does not count.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// A body as it comes in: nothing is read that is not asked for.
pub struct Body {
    stream: BufReader<Box<dyn Read>>,
    host: String,
    port: u16,
}

impl Body {
    pub(super) fn new(stream: Box<dyn Read>, host: &str, port: u16) -> Body {
        Body { stream: BufReader::with_capacity(READ_BYTES, stream), host: host.to_owned(), port }
    }

    /// All of it.
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE` beyond `limit` bytes; `SOURCE_UNREACHABLE` when it breaks off.
    pub fn bytes(mut self, limit: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = (&mut self.stream).take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|failed| self.broken(&failed))?;
        if bytes.len() as u64 > limit {
            return Err(too_large(format!("the server's answer is larger than {limit} bytes")));
        }
        Ok(bytes)
    }

    /// All of it, as a text of at most `limit` bytes: for an error's message. What is beyond is cut, what is no UTF-8
    /// becomes `U+FFFD`, and a body that breaks off ends there.
    pub fn excerpt(mut self, limit: u64) -> String {
        let mut bytes = Vec::new();
        // What has come is what there is to show.
        let _ = (&mut self.stream).take(limit).read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// All of it, read as JSON, at most [`JSON_BYTES`].
    ///
    /// # Errors
    /// As [`Body::bytes`]; `CONNECTOR_FAILED` for what is not the JSON that was expected, saying where.
    pub fn json<T: DeserializeOwned>(self) -> Result<T> {
        let bytes = self.bytes(JSON_BYTES)?;
        serde_json::from_slice(&bytes).map_err(|failed| {
            // Its own words could quote a value.
            let place = format!("line {}, column {}", failed.line(), failed.column());
            internal(format!("the server's answer is not the JSON that was expected, at {place}"))
        })
    }

    /// The next line without its end, up to `limit` bytes; `None` at the end of the body.
    ///
    /// # Errors
    /// As [`Body::bytes`].
    pub fn line<'l>(&mut self, line: &'l mut Vec<u8>, limit: usize) -> Result<Option<&'l [u8]>> {
        line.clear();
        let most = (limit as u64).saturating_add(2);
        let read = (&mut self.stream).take(most).read_until(b'\n', line);
        if read.map_err(|failed| self.broken(&failed))? == 0 {
            return Ok(None);
        }
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.len() > limit {
            return Err(too_large(format!("a line of the server's answer is longer than {limit} bytes")));
        }
        Ok(Some(text))
    }

    /// What has been received and not been read: when there is nothing, the next read waits.
    pub fn buffered(&self) -> &[u8] {
        self.stream.buffer()
    }

    /// What an error of reading is, for whoever asked for rows.
    pub fn broken(&self, failed: &io::Error) -> Error {
        net::unreachable(&self.host, self.port, failed)
    }
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.read(into)
    }
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.stream.fill_buf()
    }

    fn consume(&mut self, length: usize) {
        self.stream.consume(length);
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    fn body(text: &'static str) -> Body {
        Body::new(Box::new(text.as_bytes()), "h", 80)
    }

    #[test]
    fn a_body_is_read_up_to_its_limit() {
        assert_eq!(body("abc").bytes(3).unwrap(), b"abc");
        assert_eq!(body("abc").bytes(2).unwrap_err().code(), ErrorCode::ResultTooLarge);
        assert_eq!(body("abc").excerpt(2), "ab");
    }

    #[test]
    fn json_that_is_not_as_expected_is_not_quoted() {
        assert_eq!(body("[1, 2]").json::<Vec<u8>>().unwrap(), [1, 2]);
        let error = body("[1,\n\"hunter2\"]").json::<Vec<u8>>().unwrap_err();
        assert!(error.message().contains("line 2") && !error.message().contains("hunter2"), "{error}");
    }

    #[test]
    fn lines_end_where_they_end() {
        let (mut body, mut line) = (body("one\r\n\ntoo long\n"), Vec::new());
        assert_eq!(body.line(&mut line, 3).unwrap(), Some(&b"one"[..]));
        assert_eq!(body.line(&mut line, 3).unwrap(), Some(&b""[..]));
        assert_eq!(body.line(&mut line, 3).unwrap_err().code(), ErrorCode::ResultTooLarge);
        assert_eq!(super::Body::new(Box::new(&b""[..]), "h", 80).line(&mut line, 3).unwrap(), None);
    }
}
