//! What servers refuse: before a result, and in the middle of one.
//!
//! A server says an exception's number in a header, as long as it can still write one; otherwise only in the text, which
//! has begun `Code: NUMBER` in every release. Behind rows, the last of which may be cut and hold anything, newer releases
//! put it behind a tag that a header has named; in older ones the last text that reads like an exception is taken for it.
//! The numbers are those of `src/Common/ErrorCodes.cpp` of ClickHouse.

use semilayer_connector::error::{
    forbidden, internal, query_failed, timed_out, too_large, unauthenticated, unreachable,
};
use semilayer_connector::http::Response;
use semilayer_connector::prelude::*;

/// How much of a refusal is read, in bytes.
pub(crate) const REFUSAL_BYTES: u64 = 64 * 1024;
/// How much of it is shown, in characters: a server repeats the statement.
const SHOWN: usize = 600;
/// The header with an exception's number.
const HEADER: &str = "x-clickhouse-exception-code";
/// The header with what marks an exception behind rows: letters that no row knows.
const TAG_HEADER: &str = "x-clickhouse-exception-tag";
/// What stands before the tag.
const MARK: &str = "__exception__";
/// What an exception begins with.
const CODE: &str = "Code: ";

/// The numbers that mean something here.
mod number {
    pub(super) const NO_SUCH_COLUMN: u32 = 10;
    pub(super) const UNKNOWN_COLUMN: u32 = 16;
    pub(super) const UNKNOWN_IDENTIFIER: u32 = 47;
    pub(super) const UNKNOWN_TABLE: u32 = 60;
    pub(super) const UNKNOWN_DATABASE: u32 = 81;
    pub(super) const TOO_MANY_ROWS: u32 = 158;
    pub(super) const TIMEOUT_EXCEEDED: u32 = 159;
    pub(super) const TOO_SLOW: u32 = 160;
    pub(super) const READONLY: u32 = 164;
    pub(super) const UNKNOWN_USER: u32 = 192;
    pub(super) const WRONG_PASSWORD: u32 = 193;
    pub(super) const REQUIRED_PASSWORD: u32 = 194;
    pub(super) const TOO_MANY_SIMULTANEOUS_QUERIES: u32 = 202;
    pub(super) const MEMORY_LIMIT_EXCEEDED: u32 = 241;
    pub(super) const DATABASE_ACCESS_DENIED: u32 = 291;
    pub(super) const TOO_MANY_BYTES: u32 = 307;
    pub(super) const QUERY_WAS_CANCELLED: u32 = 394;
    pub(super) const TOO_MANY_ROWS_OR_BYTES: u32 = 396;
    pub(super) const SETTING_CONSTRAINT_VIOLATION: u32 = 452;
    pub(super) const ACCESS_DENIED: u32 = 497;
    pub(super) const AUTHENTICATION_FAILED: u32 = 516;
}

/// An error with the server's own number.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) error: Error,
    number: Option<u32>,
}

impl Fault {
    /// Whether a catalogue that is out of date explains it.
    pub(crate) fn is_stale(&self) -> bool {
        use number::{NO_SUCH_COLUMN, UNKNOWN_COLUMN, UNKNOWN_IDENTIFIER, UNKNOWN_TABLE};
        matches!(self.number, Some(NO_SUCH_COLUMN | UNKNOWN_COLUMN | UNKNOWN_IDENTIFIER | UNKNOWN_TABLE))
    }

    /// The same, about an option of the job.
    pub(crate) fn about(self, option: &str) -> Fault {
        Fault { error: self.error.with("option", option), ..self }
    }

    /// Whether there is no such database.
    pub(crate) fn is_unknown_database(&self) -> bool {
        self.number == Some(number::UNKNOWN_DATABASE)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault { error, number: None }
    }
}

/// What a response is that is no result.
pub(crate) fn of_response(response: Response, user: &str) -> Fault {
    let by_header = response.header(HEADER).and_then(|number| number.trim().parse().ok());
    let status = response.status;
    let text = response.body.excerpt(REFUSAL_BYTES);
    match by_header.or_else(|| number_in(&text)) {
        Some(number) => of_exception(number, &text, user),
        // Something before the server, or something that is no ClickHouse.
        None => Fault::from(match status {
            401 => unauthenticated(format!("the server refused the login of user \"{user}\" (HTTP 401)")),
            403 => forbidden(format!("the server does not let user \"{user}\" do this (HTTP 403)")),
            429 | 502..=504 => {
                unreachable(format!("what answers at ClickHouse's address says HTTP {status}"))
            }
            _ => internal(format!(
                "what answers at ClickHouse's address says HTTP {status}, and not as ClickHouse does: is the port that of its HTTP interface?"
            )),
        }),
    }
}

/// What marks an exception in the body of a response, if the server says so.
pub(crate) fn tag(response: &Response) -> Option<&str> {
    response.header(TAG_HEADER).map(str::trim).filter(|tag| !tag.is_empty())
}

/// What stands in the place of a row: an exception, perhaps behind a row that was cut.
pub(crate) fn of_text(text: &str, tag: Option<&str>, user: &str) -> Fault {
    let exception = exception_in(text, tag);
    match exception.and_then(|text| Some((number_in(text)?, text))) {
        Some((number, text)) => of_exception(number, text, user),
        None => Fault::from(internal("the server sent a line that is neither a row nor an exception")),
    }
}

/// Whether a response says that it holds an exception, whatever its status.
pub(crate) fn is_exception(response: &Response) -> bool {
    !response.is_success() || response.header(HEADER).is_some()
}

/// The exception in what is left of a body.
fn exception_in<'t>(text: &'t str, tag: Option<&str>) -> Option<&'t str> {
    let tagged = |tag: &str| {
        let mut marks = text.match_indices(MARK).filter_map(|(at, mark)| text.get(at + mark.len()..));
        marks.find_map(|behind| behind.trim_start_matches(['\r', '\n']).strip_prefix(tag))
    };
    if let Some(behind) = tag.and_then(tagged) {
        return Some(behind);
    }
    // No row begins like this: it is the exception's own beginning, whatever it quotes.
    let text = text.trim_start();
    if text.starts_with(CODE) {
        return Some(text);
    }
    let begins = |at: usize| text.get(at..).filter(|text| is_exception_text(text));
    text.rmatch_indices(CODE).find_map(|(at, _)| begins(at))
}

/// Whether a text that begins with [`CODE`] goes on as exceptions do: `Code: 60. DB::Exception: …`, and in older releases
/// `Code: 60, e.displayText() = DB::Exception: …`.
fn is_exception_text(text: &str) -> bool {
    let behind = text.trim_start_matches(CODE).trim_start_matches(|digit: char| digit.is_ascii_digit());
    behind.starts_with(". DB::Exception") || behind.starts_with(", e.displayText() = DB::Exception")
}

/// The number behind the first `Code: ` that has one.
fn number_in(text: &str) -> Option<u32> {
    text.match_indices(CODE).find_map(|(at, found)| {
        let rest = text.get(at + found.len()..)?;
        let digits = rest.get(..rest.bytes().take_while(u8::is_ascii_digit).count())?;
        digits.parse().ok()
    })
}

/// What the server says, without its number, its version and what marks an exception among rows.
fn said(text: &str) -> String {
    let text = text.split_once("DB::Exception: ").map_or(text, |(_, said)| said);
    let end = [" (version ", ", e.what() = ", "\n"].iter().filter_map(|mark| text.find(mark)).min();
    let text = end.and_then(|end| text.get(..end)).unwrap_or(text).trim();
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn of_exception(number: u32, text: &str, user: &str) -> Fault {
    let said = said(text);
    let native = number.to_string();
    let error = match number {
        number::AUTHENTICATION_FAILED
        | number::UNKNOWN_USER
        | number::WRONG_PASSWORD
        | number::REQUIRED_PASSWORD => unauthenticated(format!(
            "ClickHouse refused the login of user \"{user}\" (exception {number}): check `username` and `password`"
        )),
        number::ACCESS_DENIED | number::DATABASE_ACCESS_DENIED => {
            forbidden(format!("ClickHouse does not let user \"{user}\" do this (exception {number}): {said}"))
        }
        number::READONLY => forbidden(format!(
            "user \"{user}\" may not set any setting, and a connector has to say how values are written: give it a \
             profile with readonly = 2, which forbids writing just the same (exception {number}: {said})"
        )),
        number::SETTING_CONSTRAINT_VIOLATION => forbidden(format!(
            "the profile of user \"{user}\" has a constraint that a connector's settings do not keep to (exception \
             {number}): {said}"
        )),
        number::TIMEOUT_EXCEEDED | number::TOO_SLOW => {
            timed_out(format!("ClickHouse gave up because of its limit of time (exception {number}): {said}"))
        }
        number::TOO_MANY_ROWS | number::TOO_MANY_BYTES | number::TOO_MANY_ROWS_OR_BYTES => too_large(
            format!("ClickHouse gave up because of its limit of rows or bytes (exception {number}): {said}"),
        ),
        number::TOO_MANY_SIMULTANEOUS_QUERIES => unreachable(format!(
            "ClickHouse runs as many queries as it is allowed to (exception {number}): {said}"
        )),
        number::MEMORY_LIMIT_EXCEEDED => query_failed(
            native,
            format!("ClickHouse has no memory left for this query; ask for less, or raise its limit: {said}"),
        ),
        number::QUERY_WAS_CANCELLED => {
            query_failed(native, format!("the query was stopped in ClickHouse: {said}"))
        }
        _ => query_failed(native, format!("ClickHouse: {said}")),
    };
    Fault { error, number: Some(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_found_in_every_releases_words() {
        for (text, number, words) in [
            (
                "Code: 60. DB::Exception: Table default.t does not exist. (UNKNOWN_TABLE) (version 26.9.2.1 (official build))\n",
                60,
                "Table default.t does not exist. (UNKNOWN_TABLE)",
            ),
            (
                "Code: 193, e.displayText() = DB::Exception: Wrong password for user app, e.what() = DB::Exception",
                193,
                "Wrong password for user app",
            ),
            (
                "__exception__\nabc\nCode: 395. DB::Exception: stop (version 26)\n60 abc\n__exception__",
                395,
                "stop",
            ),
            ("Code: none. Code: 7", 7, "Code: none. Code: 7"),
        ] {
            assert_eq!((number_in(text), said(text).as_str()), (Some(number), words));
        }
        assert_eq!(number_in("Code: "), None);
        assert!(said(&"é".repeat(10_000)).chars().count() <= SHOWN + 1);
    }

    #[test]
    fn numbers_have_codes_of_ours() {
        for (number, code) in [
            (516, ErrorCode::SourceAuthFailed),
            (193, ErrorCode::SourceAuthFailed),
            (497, ErrorCode::SourceQueryFailed),
            (159, ErrorCode::QueryTimeout),
            (307, ErrorCode::ResultTooLarge),
            (202, ErrorCode::SourceUnreachable),
            (241, ErrorCode::SourceQueryFailed),
            (47, ErrorCode::SourceQueryFailed),
        ] {
            let fault = of_exception(number, "DB::Exception: x", "u");
            assert_eq!(fault.error.code(), code, "{number}");
        }
        assert!(of_exception(60, "", "u").is_stale() && !of_exception(62, "", "u").is_stale());
        assert_eq!(of_text("no exception", None, "u").error.code(), ErrorCode::ConnectorFailed);
    }
}
