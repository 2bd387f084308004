//! Answers from bytes.

use std::fmt;
use std::io::{self, BufRead};

use keyspace::{Refusal, Reply};
use semilayer_connector::model::json::MAX_ROW_BYTES;

/// How much one answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of all texts in it together.
    pub bytes: usize,
    /// Values in it.
    pub values: usize,
    /// How deep lists may nest.
    pub depth: usize,
    /// Bytes of a line: a status, an error, a number.
    pub line: usize,
}

impl Default for Bounds {
    /// What a row may have, of which a value is a part; a quarter of a million values, of which each costs 50 bytes
    /// before it holds anything; what commands answer with nests twice.
    fn default() -> Bounds {
        Bounds { bytes: MAX_ROW_BYTES, values: 250_000, depth: 8, line: 64 * 1024 }
    }
}

/// What is said of an answer with more bytes than that.
const MORE_BYTES: &str = "more bytes than a row may have, which are 8388608";

/// Why an answer cannot be read. The connection is of no use any more.
#[derive(Debug)]
pub enum Broken {
    /// The connection failed or ended.
    Io(io::Error),
    /// The answer is larger than its bounds.
    TooLarge(&'static str),
    /// What came is no RESP: says what it should have been.
    Garbled(&'static str),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Io(error) => write!(f, "{error}"),
            Broken::TooLarge(what) => write!(f, "an answer has {what}"),
            Broken::Garbled(expected) => write!(f, "expected {expected}"),
        }
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Broken {
        Broken::Io(error)
    }
}

/// Reads answers from a stream.
#[derive(Debug)]
pub struct Reader {
    bounds: Bounds,
    line: Vec<u8>,
}

impl Default for Reader {
    fn default() -> Reader {
        Reader::within(Bounds::default())
    }
}

/// What is left of an answer's bounds.
struct Left {
    bytes: usize,
    values: usize,
}

impl Left {
    fn take_bytes(&mut self, count: usize) -> Result<(), Broken> {
        self.bytes = self.bytes.checked_sub(count).ok_or(Broken::TooLarge(MORE_BYTES))?;
        Ok(())
    }

    fn take_values(&mut self, count: usize) -> Result<(), Broken> {
        self.values =
            self.values.checked_sub(count).ok_or(Broken::TooLarge("more values than a row may have"))?;
        Ok(())
    }
}

/// How many values a list has room for before they came: a length is only said.
const ROOM: usize = 1_024;

/// How much of a text is made room for at once.
const PIECE: usize = 64 * 1024;

impl Reader {
    /// A reader with other bounds.
    pub fn within(bounds: Bounds) -> Reader {
        Reader { bounds, line: Vec::new() }
    }

    /// The next answer. What a server pushes by itself is passed over.
    ///
    /// # Errors
    /// [`Broken`]: nothing more can be read.
    pub fn reply(&mut self, stream: &mut impl BufRead) -> Result<Reply, Broken> {
        let mut left = Left { bytes: self.bounds.bytes, values: self.bounds.values };
        loop {
            if let Some(reply) = self.value(stream, &mut left, 0)? {
                return Ok(reply);
            }
        }
    }

    /// One value; `None` for what is no part of an answer.
    fn value(
        &mut self,
        stream: &mut impl BufRead,
        left: &mut Left,
        depth: usize,
    ) -> Result<Option<Reply>, Broken> {
        if depth > self.bounds.depth {
            return Err(Broken::TooLarge("too many levels"));
        }
        left.take_values(1)?;
        let sign = self.line(stream)?;
        let text = self.text()?;
        Ok(Some(match sign {
            b'+' => {
                left.take_bytes(text.len())?;
                Reply::Text(text.as_bytes().to_vec())
            }
            b'-' => Reply::Refused(Refusal::of(text)),
            b':' => Reply::Integer(text.parse().map_err(|_| Broken::Garbled("a whole number"))?),
            b',' => Reply::Double(text.parse().map_err(|_| Broken::Garbled("a number"))?),
            b'#' => match text {
                "t" => Reply::Boolean(true),
                "f" => Reply::Boolean(false),
                _ => return Err(Broken::Garbled("true or false")),
            },
            b'_' if text.is_empty() => Reply::Nil,
            // A number of any length stays its digits.
            b'(' => {
                left.take_bytes(text.len())?;
                Reply::Text(text.as_bytes().to_vec())
            }
            b'$' => match length(text)? {
                None => Reply::Nil,
                Some(count) => Reply::Text(bulk(stream, count, left)?),
            },
            // Three letters say what kind of text it is.
            b'=' => {
                let bytes = bulk(stream, length(text)?.unwrap_or(0), left)?;
                Reply::Text(bytes.get(4..).unwrap_or_default().to_vec())
            }
            b'!' => {
                let bytes = bulk(stream, length(text)?.unwrap_or(0), left)?;
                Reply::Refused(Refusal::of(&String::from_utf8_lossy(&bytes)))
            }
            b'*' | b'~' => match length(text)? {
                None => Reply::Nil,
                Some(count) => Reply::List(self.list(stream, count, left, depth)?),
            },
            b'%' => Reply::Pairs(self.pairs(stream, length(text)?.unwrap_or(0), left, depth)?),
            b'|' => {
                // What is said about the answer that follows.
                self.pairs(stream, length(text)?.unwrap_or(0), left, depth)?;
                return self.value(stream, left, depth + 1);
            }
            b'>' => {
                self.list(stream, length(text)?.unwrap_or(0), left, depth)?;
                return Ok(None);
            }
            _ => return Err(Broken::Garbled("an answer of the Redis protocol")),
        }))
    }

    fn list(
        &mut self,
        stream: &mut impl BufRead,
        count: usize,
        left: &mut Left,
        depth: usize,
    ) -> Result<Vec<Reply>, Broken> {
        let mut items = Vec::with_capacity(count.min(ROOM));
        while items.len() < count {
            items.extend(self.value(stream, left, depth + 1)?);
        }
        Ok(items)
    }

    fn pairs(
        &mut self,
        stream: &mut impl BufRead,
        count: usize,
        left: &mut Left,
        depth: usize,
    ) -> Result<Vec<(Reply, Reply)>, Broken> {
        let mut pairs = Vec::with_capacity(count.min(ROOM));
        while pairs.len() < count {
            let name = self.value(stream, left, depth + 1)?;
            let value = self.value(stream, left, depth + 1)?;
            match (name, value) {
                (Some(name), Some(value)) => pairs.push((name, value)),
                _ => return Err(Broken::Garbled("a name with its value")),
            }
        }
        Ok(pairs)
    }

    /// Reads a line without its end, and gives its first byte.
    fn line(&mut self, stream: &mut impl BufRead) -> Result<u8, Broken> {
        self.line.clear();
        loop {
            let ready = match stream.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                ready => ready?,
            };
            if ready.is_empty() {
                return Err(Broken::Io(io::ErrorKind::UnexpectedEof.into()));
            }
            let end = ready.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(ready.len(), |end| end + 1);
            self.line.extend_from_slice(ready.get(..taken).unwrap_or_default());
            stream.consume(taken);
            if self.line.len() > self.bounds.line {
                return Err(Broken::TooLarge("a line that does not end"));
            }
            if end.is_some() {
                break;
            }
        }
        match (self.line.first(), self.line.ends_with(b"\r\n")) {
            (Some(sign), true) => Ok(*sign),
            _ => Err(Broken::Garbled("a line of the Redis protocol")),
        }
    }

    /// The line behind its first byte.
    fn text(&self) -> Result<&str, Broken> {
        let line = self.line.get(1..self.line.len().saturating_sub(2)).unwrap_or_default();
        std::str::from_utf8(line).map_err(|_| Broken::Garbled("a line of text"))
    }
}

/// A length; `None` for -1, which older versions mean nothing by.
fn length(text: &str) -> Result<Option<usize>, Broken> {
    if text == "-1" {
        return Ok(None);
    }
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(length) if digits => Ok(Some(length)),
        _ if digits => Err(Broken::TooLarge("more than memory could hold")),
        _ => Err(Broken::Garbled("a length")),
    }
}

/// A text of that length, and the end of its line.
fn bulk(stream: &mut impl BufRead, count: usize, left: &mut Left) -> Result<Vec<u8>, Broken> {
    left.take_bytes(count)?;
    let mut bytes = Vec::with_capacity(count.min(PIECE));
    take(stream, count, |piece| bytes.extend_from_slice(piece))?;
    let mut end = [0; 2];
    let mut at = 0;
    take(stream, end.len(), |piece| {
        for byte in piece {
            if let Some(place) = end.get_mut(at) {
                *place = *byte;
            }
            at += 1;
        }
    })?;
    if end == *b"\r\n" { Ok(bytes) } else { Err(Broken::Garbled("the end of a text")) }
}

fn take(stream: &mut impl BufRead, mut count: usize, mut each: impl FnMut(&[u8])) -> Result<(), Broken> {
    while count > 0 {
        let ready = match stream.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            ready => ready?,
        };
        if ready.is_empty() {
            return Err(Broken::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        let taken = ready.len().min(count);
        each(ready.get(..taken).unwrap_or_default());
        stream.consume(taken);
        count -= taken;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
