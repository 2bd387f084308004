//! The exchange of statements for rows.

use connector_sql::Statement;
use semilayer_connector::http::Client;
use semilayer_connector::prelude::*;

use crate::error::{Fault, Hint, refused};
use crate::location::Location;
use crate::request;

/// Version 2 with JSON: what every server speaks.
const PATH: &str = "/v2/pipeline";

/// The largest answer that is taken, in bytes: two rows as large as they may be, the second of which says that the first
/// is not the last.
pub(crate) const MAX_ANSWER: u64 = 20 * 1024 * 1024;

/// How much of an answer that is no success is read.
const MAX_REFUSAL: u64 = 16 * 1024;

/// One server. Every exchange is a stream of its own that ends with it, so nothing is kept there between two of them.
#[derive(Debug)]
pub(crate) struct Pipeline {
    client: Client,
    closing: Closing,
}

/// Whether the server knows the request that ends a stream. One that does not keep streams does not have to, and
/// `tursodb` refuses the whole pipeline for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    Unknown,
    Known,
    Refused,
}

impl Pipeline {
    /// Talks to a server; connects when the first statement is sent.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming `authToken` for a token that no header can hold.
    pub(crate) fn new(location: &Location, token: Option<&str>) -> Result<Pipeline> {
        let mut client = Client::to(&location.url)?.header("content-type", "application/json")?;
        if let Some(token) = token {
            if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                let problem = "holds characters that no token has; copy it again";
                return Err(semilayer_connector::error::misconfigured("authToken", problem));
            }
            client = client.bearer(token)?;
        }
        Ok(Pipeline { client, closing: Closing::Unknown })
    }

    /// Sends the statements; the answer's body is for [`results`](crate::answer::results).
    ///
    /// # Errors
    /// What the server refuses; `RESULT_TOO_LARGE` beyond [`MAX_ANSWER`].
    pub(crate) fn run(&mut self, statements: &[Statement]) -> Result<Vec<u8>, Fault> {
        let refused = match self.exchange(statements, self.closing != Closing::Refused) {
            Ok(body) => {
                if self.closing == Closing::Unknown {
                    self.closing = Closing::Known;
                }
                return Ok(body);
            }
            Err(fault) => fault,
        };
        if (self.closing, refused.hint) != (Closing::Unknown, Hint::OlderServer) {
            return Err(refused);
        }
        match self.exchange(statements, false) {
            Ok(body) => {
                self.closing = Closing::Refused;
                Ok(body)
            }
            // It was something else: what was said first stands.
            Err(_) => Err(refused),
        }
    }

    fn exchange(&self, statements: &[Statement], closes: bool) -> Result<Vec<u8>, Fault> {
        let body = request::pipeline(statements, closes)?;
        let response = self.client.post(PATH).body(body).send()?;
        if response.status != 200 {
            let (status, said) = (response.status, response.body.excerpt(MAX_REFUSAL));
            return Err(refused(status, said.as_bytes()));
        }
        Ok(response.body.bytes(MAX_ANSWER)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::results;
    use semilayer_connector::testing::{FakeHttp, FakeRequest, FakeResponse};
    use serde_json::{Value, json};

    fn pipeline(url: &str, token: Option<&str>) -> Result<Pipeline> {
        Pipeline::new(&Location::parse(url)?, token)
    }

    fn statements() -> [Statement; 1] {
        [crate::catalog::plain("SELECT 1")]
    }

    fn rows() -> Value {
        let result = json!({"cols": [], "rows": [[{"type": "integer", "value": "1"}]]});
        json!({"baton": null, "results": [{"type": "ok", "response": {"type": "execute", "result": result}}]})
    }

    fn closes(request: &FakeRequest) -> bool {
        let last = request.json()["requests"].as_array().and_then(|all| all.last().cloned());
        last.is_some_and(|last| last["type"] == "close")
    }

    #[test]
    fn a_stream_is_closed_where_the_server_knows_how() {
        let fake = FakeHttp::install(|_| FakeResponse::json(200, &rows()));
        let mut pipeline = pipeline("libsql://db.example/base", Some("t.o.k")).unwrap();
        for _ in 0..2 {
            let body = pipeline.run(&statements()).unwrap();
            assert_eq!(results(&body, 1).unwrap()[0][0][0].to_integer().unwrap(), 1);
        }
        let requests = fake.requests();
        assert!(requests.len() == 2 && requests.iter().all(closes));
        assert_eq!((requests[0].authority.as_str(), requests[0].path()), ("db.example", "/base/v2/pipeline"));
        assert_eq!(requests[0].header("authorization"), Some("Bearer t.o.k"));
    }

    #[test]
    fn a_server_that_does_not_is_asked_without_it_from_then_on() {
        let fake = FakeHttp::install(|request| match closes(request) {
            true => FakeResponse::text(500, "unknown variant"),
            false => FakeResponse::json(200, &rows()),
        });
        let mut pipeline = pipeline("http://127.0.0.1:8080", None).unwrap();
        for _ in 0..2 {
            pipeline.run(&statements()).unwrap();
        }
        let asked: Vec<bool> = fake.requests().iter().map(closes).collect();
        assert_eq!(asked, [true, false, false]);
    }

    #[test]
    fn what_has_another_reason_is_told_as_it_was_said_first() {
        for (status, code, asked) in [
            (500, ErrorCode::SourceQueryFailed, 2),
            (503, ErrorCode::SourceUnreachable, 1),
            (401, ErrorCode::SourceAuthFailed, 1),
        ] {
            let fake = FakeHttp::install(move |_| FakeResponse::text(status, ""));
            let mut pipeline = pipeline("http://127.0.0.1:8080", None).unwrap();
            let fault = pipeline.run(&statements()).unwrap_err();
            assert_eq!((fault.error.code(), fake.requests().len()), (code, asked), "{status}");
        }
    }

    #[test]
    fn an_answer_beyond_the_limit_is_refused_and_fewer_rows_may_help() {
        let size = usize::try_from(MAX_ANSWER).unwrap() + 1;
        let _fake = FakeHttp::install(move |_| FakeResponse::text(200, &"x".repeat(size)));
        let fault = pipeline("http://127.0.0.1:8080", None).unwrap().run(&statements()).unwrap_err();
        assert_eq!((fault.error.code(), fault.hint), (ErrorCode::ResultTooLarge, Hint::FewerRows));
    }

    #[test]
    fn a_token_that_no_header_can_hold_is_named_and_not_shown() {
        let error = pipeline("http://127.0.0.1:8080", Some("hunter2\r\nx: y")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::SourceNotConfigured);
        assert!(error.message().contains("`authToken`") && !error.message().contains("hunter2"));
    }
}
