//! Requests to a running gateway.

use std::time::Duration;

use reqwest::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::environment::{Environment, EnvironmentError};

/// Where the gateway is unless told otherwise: on this machine, where it listens by default.
const URL: &str = "http://127.0.0.1:3001";
/// How long an answer may take. Every one is a change or a page of a list.
const ANSWER: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    #[error("GATEWAY_ADMIN_TOKEN is required: the gateway printed it at its first start")]
    NoToken,
    #[error("GATEWAY_URL: {0}")]
    BadUrl(String),
    #[error("the HTTP client could not be made: {0}")]
    NoClient(reqwest::Error),
    #[error("no answer from {url}: {reason}")]
    NoAnswer { url: String, reason: String },
    #[error("{message} (HTTP {status}, {code})")]
    Refused { status: u16, code: String, message: String },
}

/// A client of one gateway.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    token: SecretString,
}

impl Client {
    /// Reads `GATEWAY_URL` and `GATEWAY_ADMIN_TOKEN`.
    pub(super) fn new(environment: &Environment) -> Result<Self, ClientError> {
        let token = environment.secret("GATEWAY_ADMIN_TOKEN")?.ok_or(ClientError::NoToken)?;
        let text = environment.get("GATEWAY_URL")?.unwrap_or_else(|| URL.to_owned());
        let base: Url = text.parse().map_err(|error| ClientError::BadUrl(format!("{error}")))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(ClientError::BadUrl(
                "an http(s) URL, such as https://gateway.example.com".to_owned(),
            ));
        }
        let http = reqwest::Client::builder()
            .timeout(ANSWER)
            // The token goes to the gateway that was named, and to no other.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(ClientError::NoClient)?;
        Ok(Self { http, base, token })
    }

    /// `GET`, with the query parameters that are set.
    pub(super) async fn get(
        &self,
        path: &[&str],
        query: &[(&str, Option<String>)],
    ) -> Result<Value, ClientError> {
        let mut url = self.url(path)?;
        for (name, value) in query {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        self.send(Method::GET, url, None).await
    }

    /// `POST` of a JSON body.
    pub(super) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, ClientError> {
        self.send(Method::POST, self.url(path)?, Some(body)).await
    }

    /// `DELETE`.
    pub(super) async fn delete(&self, path: &[&str]) -> Result<Value, ClientError> {
        self.send(Method::DELETE, self.url(path)?, None).await
    }

    /// Every page of a list, as one.
    pub(super) async fn list(&self, path: &[&str], name: &str) -> Result<Value, ClientError> {
        let mut all = Vec::new();
        let mut cursor = None;
        loop {
            let query = [("limit", Some("1000".to_owned())), ("cursor", cursor)];
            let mut page = self.get(path, &query).await?;
            if let Some(Value::Array(entries)) = page.get_mut(name).map(Value::take) {
                all.extend(entries);
            }
            match page.get("nextCursor").and_then(Value::as_str) {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(serde_json::json!({ name: all })),
            }
        }
    }

    fn url(&self, path: &[&str]) -> Result<Url, ClientError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| ClientError::BadUrl("it cannot have a path".to_owned()))?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }

    async fn send(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Value, ClientError> {
        let shown = self.base.to_string();
        let no_answer = |error: reqwest::Error| ClientError::NoAnswer {
            url: shown.clone(),
            reason: whole_reason(&error),
        };
        let mut request = self.http.request(method, url).bearer_auth(self.token.expose_secret());
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(no_answer)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(no_answer)?;
        let body: Value = serde_json::from_slice(&bytes).map_err(|_| ClientError::NoAnswer {
            url: shown.clone(),
            reason: format!("HTTP {status} without JSON; is this a semilayer-gateway?"),
        })?;
        if status.is_success() {
            return Ok(body);
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or("unknown").to_owned();
        Err(ClientError::Refused { status: status.as_u16(), code: text("code"), message: text("message") })
    }
}

/// An error and what caused it: the outermost says only that sending failed.
fn whole_reason(error: &reqwest::Error) -> String {
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        reason.push_str(": ");
        reason.push_str(&inner.to_string());
        cause = inner.source();
    }
    reason
}
