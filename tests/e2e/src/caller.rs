//! Whoever asks a gateway for rows.

use anyhow::{Context, Result};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;

/// A key and the gateway it is for.
#[derive(Clone)]
pub struct Caller {
    http: Client,
    base: String,
    token: String,
}

/// An answer that has come in whole.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Value,
}

impl Answer {
    /// The rows.
    pub fn rows(&self) -> &[Value] {
        self.body.get("rows").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The error's code.
    pub fn code(&self) -> &str {
        let text = |place| self.body.pointer(place).and_then(Value::as_str);
        text("/code").or(text("/error/code")).unwrap_or_default()
    }
}

impl Caller {
    pub(crate) fn new(http: Client, base: String, token: String) -> Caller {
        Caller { http, base, token }
    }

    /// The same with another key.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Caller {
        Caller { token: token.to_owned(), ..self.clone() }
    }

    fn request(&self, source: &str, kind: &str, body: String) -> reqwest::RequestBuilder {
        self.http
            .post(format!("{}/v1/sources/{source}/{kind}", self.base))
            .bearer_auth(&self.token)
            .header("content-type", "application/json")
            .body(body)
    }

    /// Asks, and waits for the whole answer.
    ///
    /// # Errors
    /// When there is none.
    pub async fn ask(&self, source: &str, kind: &str, body: &Value) -> Result<Answer> {
        self.raw(source, kind, body.to_string()).await
    }

    /// Asks with any text for a body.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn raw(&self, source: &str, kind: &str, body: String) -> Result<Answer> {
        let response = self.request(source, kind, body).send().await?;
        let status = response.status();
        let text = response.text().await?;
        Ok(Answer {
            status,
            body: serde_json::from_str(&text).with_context(|| format!("{status}: {text:.200}"))?,
        })
    }

    /// Asks for rows as lines, and reads them as they come.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn lines(&self, source: &str, kind: &str, body: &Value) -> Result<Lines> {
        let request = self.request(source, kind, body.to_string()).header("accept", "application/x-ndjson");
        Ok(Lines { response: request.send().await?, rest: Vec::new() })
    }
}

/// An answer of lines that is still coming in.
pub struct Lines {
    response: Response,
    rest: Vec<u8>,
}

impl Lines {
    /// The answer's status.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Reads one piece of the body and gives the number of rows it completed, and the last line once it is there.
    ///
    /// # Errors
    /// When the body breaks off.
    pub async fn piece(&mut self) -> Result<Option<(usize, Option<Value>)>> {
        let Some(bytes) = self.response.chunk().await? else { return Ok(None) };
        self.rest.extend_from_slice(&bytes);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Ok(Some((0, None))) };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        let lines: Vec<&[u8]> = whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        let last = lines.last().and_then(|line| serde_json::from_slice::<Value>(line).ok());
        let last = last.filter(|last| last.get("meta").is_some() || last.get("error").is_some());
        Ok(Some((lines.len() - usize::from(last.is_some()), last)))
    }

    /// Reads to the end: how many rows, and the last line.
    ///
    /// # Errors
    /// When the body breaks off.
    pub async fn finish(mut self) -> Result<(usize, Value)> {
        let (mut rows, mut end) = (0, Value::Null);
        while let Some((more, last)) = self.piece().await? {
            rows += more;
            end = last.unwrap_or(end);
        }
        Ok((rows, end))
    }
}
