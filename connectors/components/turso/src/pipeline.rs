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
