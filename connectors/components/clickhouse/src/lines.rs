//! A result as it comes: a row a line, and perhaps an exception where a row should be.
//!
//! A server that has sent rows already can only say in the body what went wrong: as text, in newer releases between two
//! marks that a header has named. A row begins with one bracket, ends with another and has no line break in it; whatever
//! does not is no row, and everything from there on is read as an exception.

use std::io::Read;
use std::ops::Range;

use semilayer_connector::error::too_large;
use semilayer_connector::http::{Body, Response};
use semilayer_connector::model::json::{MAX_ROW_BYTES, row_too_large};
use semilayer_connector::prelude::*;

use crate::exception::{self, Fault, REFUSAL_BYTES};
use crate::server::Form;

/// How much is read at once.
const READ_BYTES: usize = 64 * 1024;
/// The most lines of a small result, such as a catalogue's.
const MAX_LINES: usize = 200_000;

/// The lines of a result.
#[derive(Debug)]
pub(crate) struct Lines {
    body: Body,
    form: Form,
    user: String,
    /// What marks an exception in this body, where the server has named it.
    tag: Option<String>,
    /// What has come and was not handed out: from `begin` on.
    bytes: Vec<u8>,
    begin: usize,
    /// Up to where no line break was found.
    looked: usize,
    ended: bool,
}

/// What is next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A row, at this place.
    Row(Range<usize>),
    /// The next row has not come yet.
    Late,
    /// There are no more.
    End,
}

impl Lines {
    pub(crate) fn of(response: Response, form: Form, user: &str) -> Lines {
        let tag = exception::tag(&response).map(str::to_owned);
        let (body, user) = (response.body, user.to_owned());
        Lines { body, form, user, tag, bytes: Vec::new(), begin: 0, looked: 0, ended: false }
    }

    /// The next row; waits for it where `wait` is set.
    ///
    /// # Errors
    /// The exception that came instead; `SOURCE_UNREACHABLE` when the body breaks off; `RESULT_TOO_LARGE` for a row
    /// beyond the limit.
    pub(crate) fn next(&mut self, wait: bool) -> Result<Next, Fault> {
        loop {
            let unread = self.bytes.get(self.looked..).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', unread) {
                let end = self.looked + at;
                return self.row(end, end + 1);
            }
            self.looked = self.bytes.len();
            if self.ended {
                // A row ends with a line break; what does not is a row that was cut, or no row.
                return if self.begin < self.looked {
                    self.row(self.looked, self.looked)
                } else {
                    Ok(Next::End)
                };
            }
            if !wait {
                return Ok(Next::Late);
            }
            self.fill()?;
        }
    }

    /// The bytes of a row.
    pub(crate) fn bytes(&mut self, place: Range<usize>) -> &mut [u8] {
        self.bytes.get_mut(place).unwrap_or_default()
    }

    /// All rows of a small result.
    ///
    /// # Errors
    /// As [`Lines::next`]; `RESULT_TOO_LARGE` for one that is not small.
    pub(crate) fn all(mut self) -> Result<Vec<Vec<u8>>, Fault> {
        let mut rows = Vec::new();
        while let Next::Row(place) = self.next(true)? {
            if rows.len() == MAX_LINES {
                return Err(
                    too_large(format!("the server's catalogue has more than {MAX_LINES} entries")).into()
                );
            }
            rows.push(self.bytes(place).to_vec());
        }
        Ok(rows)
    }

    fn row(&mut self, end: usize, next: usize) -> Result<Next, Fault> {
        let begin = std::mem::replace(&mut self.begin, next);
        self.looked = next;
        let (open, close) = self.form.brackets();
        let line = self.bytes.get(begin..end).unwrap_or_default();
        if line.len() >= 2 && line.first() == Some(&open) && line.last() == Some(&close) && next > end {
            return Ok(Next::Row(begin..end));
        }
        let rest = self.bytes.get(begin..).unwrap_or_default();
        let mut said = rest.to_vec();
        if !self.ended {
            // What breaks off here ends here: the exception is what there is to tell.
            let _ = (&mut self.body).take(REFUSAL_BYTES).read_to_end(&mut said);
        }
        Err(exception::of_text(&String::from_utf8_lossy(&said), self.tag.as_deref(), &self.user))
    }

    fn fill(&mut self) -> Result<(), Fault> {
        if self.begin > 0 {
            self.bytes.drain(..self.begin);
            self.looked -= self.begin;
            self.begin = 0;
        }
        let have = self.bytes.len();
        if have > MAX_ROW_BYTES {
            return Err(row_too_large().into());
        }
        self.bytes.resize(have + READ_BYTES, 0);
        let into = self.bytes.get_mut(have..).unwrap_or_default();
        let read = loop {
            match self.body.read(into) {
                Err(failed) if failed.kind() == std::io::ErrorKind::Interrupted => {}
                done => break done,
            }
        };
        let read = read.map_err(|failed| self.body.broken(&failed))?;
        self.bytes.truncate(have + read);
        self.ended = read == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use semilayer_connector::http::Client;
    use semilayer_connector::testing::{FakeHttp, FakeResponse};

    /// What becomes of a body: its rows, and the error that ended them.
    fn read(body: &str) -> (Vec<String>, Option<Error>) {
        read_tagged(body, None)
    }

    /// The same with the header that names what marks an exception.
    fn read_tagged(body: &str, tag: Option<&'static str>) -> (Vec<String>, Option<Error>) {
        let body = body.to_owned();
        let _server = FakeHttp::install(move |_| {
            let response = FakeResponse::text(200, &body);
            match tag {
                Some(tag) => response.header("X-ClickHouse-Exception-Tag", tag),
                None => response,
            }
        });
        let response = Client::new("http://h").unwrap().post("/").send().unwrap();
        let mut lines = Lines::of(response, Form::Objects, "u");
        let mut rows = Vec::new();
        loop {
            match lines.next(true) {
                Ok(Next::Row(place)) => rows.push(String::from_utf8(lines.bytes(place).to_vec()).unwrap()),
                Ok(Next::Late) => panic!("it was to be waited for"),
                Ok(Next::End) => return (rows, None),
                Err(fault) => return (rows, Some(fault.error)),
            }
        }
    }

    #[test]
    fn rows_are_handed_out_as_they_are() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(3 * READ_BYTES));
        let (rows, error) = read(&format!("{{}}\n{long}\n{{\"b\":1}}\n"));
        assert!(error.is_none() && rows == ["{}", &long, "{\"b\":1}"]);
        assert!(read("").0.is_empty());
    }

    #[test]
    fn an_exception_is_never_a_row_in_whatever_form_it_comes() {
        let row = "{\"a\":1}\n";
        for (tail, code, words) in [
            ("Code: 395. DB::Exception: stop. (X) (version 24.3)\n", "395", "stop."),
            ("{\"a\":\"xCode: 241. DB::Exception: Memory limit (version 24.3)\n", "241", "memory"),
            (
                "\r\n__exception__\r\nabcdef\r\nCode: 159. DB::Exception: Timeout (version 26.9)\n50 abcdef\r\n__exception__\r\n",
                "",
                "Timeout",
            ),
            ("Code: 394. DB::Exception: Query was cancelled", "394", "cancelled"),
        ] {
            let (rows, error) = read(&format!("{row}{row}{tail}"));
            let error = error.unwrap();
            assert_eq!(rows.len(), 2, "{tail}");
            assert!(error.message().contains(words) && !error.message().contains("__exception__"), "{error}");
            assert!(code.is_empty() || error.detail()["nativeCode"] == code, "{error}");
        }
    }

    #[test]
    fn a_value_that_looks_like_an_exception_is_not_taken_for_the_one_that_follows_it() {
        // Rows end where the server stopped: in the middle of what somebody wrote there.
        let forged =
            "{\"a\":\"Code: 516. DB::Exception: no such login. Code: 164. DB::Exception: __exception__ ";
        let tagged = "\r\n__exception__\r\nqwertyuiop\r\nCode: 241. DB::Exception: Memory limit: while reading 'Code: 516. DB::Exception: x' (version 26.9)\n99 qwertyuiop\r\n__exception__\r\n";
        let plain = "Code: 241. DB::Exception: Memory limit exceeded (version 23.8)";
        let old =
            "Code: 241, e.displayText() = DB::Exception: Memory limit exceeded, e.what() = DB::Exception";
        for (tail, tag) in
            [(tagged, Some("qwertyuiop")), (plain, None), (old, None), (plain, Some("qwertyuiop"))]
        {
            let (rows, error) = read_tagged(&format!("{{}}\n{forged}{tail}"), tag);
            let error = error.unwrap();
            assert_eq!((rows.len(), error.code()), (1, ErrorCode::SourceQueryFailed), "{error}");
            assert_eq!(error.detail()["nativeCode"], "241", "{error}");
            assert!(error.message().contains("memory") && !error.message().contains("login"), "{error}");
        }
        // A row that is cut and followed by nothing is no exception, whatever stands in it without a name of one.
        let (_, error) = read("{}\n{\"a\":\"Code: 516 is what he said");
        assert_eq!(error.unwrap().code(), ErrorCode::ConnectorFailed);
    }

    #[test]
    fn what_is_cut_or_no_row_is_a_fault() {
        for tail in ["{\"a\":1}", "{\"a\":", "<html>\n", "[1]\n", "\n", "{\n", "null\n"] {
            let (rows, error) = read(&format!("{{}}\n{tail}"));
            assert_eq!((rows.len(), error.unwrap().code()), (1, ErrorCode::ConnectorFailed), "{tail:?}");
        }
    }

    #[test]
    fn a_row_without_an_end_is_not_collected() {
        let (_, error) = read(&"x".repeat(MAX_ROW_BYTES + 2 * READ_BYTES));
        assert_eq!(error.unwrap().code(), ErrorCode::ResultTooLarge);
    }
}
