//! A small HTTP client.
//!
//! In a component the runner sends the requests, over connections that it keeps and with its own TLS, to where this
//! connector may connect and nowhere else. Natively, in tests, they go out as plain HTTP/1.1, or to a
//! [`FakeHttp`](crate::testing::FakeHttp). Redirects are not followed: each would be another host to be allowed.

#[cfg(not(target_arch = "wasm32"))]
mod native;
mod response;
#[cfg(target_arch = "wasm32")]
mod wasm;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::error::{Result, internal, misconfigured};
use crate::net;
use crate::url::{Url, encoded};

pub use response::{Body, JSON_BYTES, Response};

#[cfg(not(target_arch = "wasm32"))]
use native as transport;
#[cfg(target_arch = "wasm32")]
use wasm as transport;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the methods of RFC 9110 and RFC 5789")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// Its name in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// Where requests go, and what all of them carry.
#[derive(Clone)]
pub struct Client {
    secure: bool,
    host: String,
    port: u16,
    /// What stands before every path, without a slash at its end.
    base: String,
    headers: Vec<(String, String)>,
}

impl Client {
    /// A client for paths below `base_url`, which begins with `http://` or `https://`. A user and password in it are sent
    /// as basic authentication.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming `url` for what is no such URL; [`Client::to`] takes one that was read under
    /// another name.
    pub fn new(base_url: &str) -> Result<Client> {
        Client::to(&Url::read("url", base_url, &["http", "https"])?)
    }

    /// A client for paths below a URL; it is encrypted unless the scheme is `http`.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` for a user or password that no header can carry.
    pub fn to(url: &Url) -> Result<Client> {
        let secure = url.scheme != "http";
        let client = Client {
            secure,
            host: url.host.clone(),
            port: url.port.unwrap_or(if secure { 443 } else { 80 }),
            base: url.path.trim_end_matches('/').to_owned(),
            headers: Vec::new(),
        };
        match (&url.user, &url.password) {
            (None, None) => Ok(client),
            (user, password) => {
                let password = password.as_ref().map(crate::config::Secret::expose).unwrap_or_default();
                Ok(client.basic_auth(user.as_deref().unwrap_or_default(), password))
            }
        }
    }

    /// A header of every request.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the header for a value that no header can carry.
    pub fn header(mut self, name: &str, value: &str) -> Result<Client> {
        check(name, value)?;
        self.set(name, value.to_owned());
        Ok(self)
    }

    /// Signs every request in with a user and a password (RFC 7617).
    #[must_use]
    pub fn basic_auth(mut self, user: &str, password: &str) -> Client {
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        self.set("authorization", format!("Basic {encoded}"));
        self
    }

    /// Signs every request in with a token (RFC 6750).
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` for a token that no header can carry.
    pub fn bearer(self, token: &str) -> Result<Client> {
        self.header("authorization", &format!("Bearer {token}"))
    }

    fn set(&mut self, name: &str, value: String) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value));
    }

    /// A request for a path, which is encoded as it has to be ([`encoded`] does so with one segment).
    pub fn request(&self, method: Method, path: &str) -> Request {
        let slash = if path.is_empty() || path.starts_with(['/', '?']) { "" } else { "/" };
        let target = format!("{}{slash}{path}", self.base);
        Request {
            exchange: Exchange {
                method,
                secure: self.secure,
                host: self.host.clone(),
                port: self.port,
                target: if target.starts_with('/') { target } else { format!("/{target}") },
                headers: self.headers.clone(),
                body: Vec::new(),
            },
            problem: None,
        }
    }

    /// A `GET` request.
    pub fn get(&self, path: &str) -> Request {
        self.request(Method::Get, path)
    }

    /// A `POST` request.
    pub fn post(&self, path: &str) -> Request {
        self.request(Method::Post, path)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Headers carry credentials.
        f.debug_struct("Client").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// One request, not sent yet.
pub struct Request {
    exchange: Exchange,
    problem: Option<crate::error::Error>,
}

/// What is sent.
pub(crate) struct Exchange {
    pub(crate) method: Method,
    pub(crate) secure: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Exchange {
    /// Host and port, the port only where it is not the scheme's own.
    pub(crate) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == if self.secure { 443 } else { 80 } { host } else { format!("{host}:{}", self.port) }
    }
}

impl Request {
    /// A header, instead of the client's of that name.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Request {
        if let Err(problem) = check(name, value) {
            self.problem.get_or_insert(problem);
        }
        self.exchange.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.exchange.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A parameter of the query; it is encoded here.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Request {
        let lead = if self.exchange.target.contains('?') { '&' } else { '?' };
        self.exchange.target.push_str(&format!("{lead}{}={}", encoded(name), encoded(value)));
        self
    }

    /// The body.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Request {
        self.exchange.body = bytes.into();
        self
    }

    /// A body of JSON.
    #[must_use]
    pub fn json(mut self, value: &impl Serialize) -> Request {
        match serde_json::to_vec(value) {
            Ok(body) => self.exchange.body = body,
            Err(_) => {
                self.problem.get_or_insert_with(|| internal("the body of a request is not JSON"));
            }
        }
        self.header("content-type", "application/json")
    }

    /// Sends it, and returns when the response's headers are there. Every status is a response: what it means, the
    /// caller says.
    ///
    /// # Errors
    /// `SOURCE_UNREACHABLE`: no response came.
    pub fn send(mut self) -> Result<Response> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let exchange = &mut self.exchange;
        if !exchange.body.is_empty() || matches!(exchange.method, Method::Post | Method::Put | Method::Patch)
        {
            exchange.headers.push(("content-length".to_owned(), exchange.body.len().to_string()));
        }
        let answer = transport::send(exchange)
            .map_err(|failed| net::unreachable(&exchange.host, exchange.port, &failed))?;
        Ok(Response {
            status: answer.status,
            headers: answer.headers,
            body: Body::new(answer.body, &exchange.host, exchange.port),
        })
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Box<dyn std::io::Read>,
}

/// A header is a token and visible characters (RFC 9110, section 5); a line break in one would be another header.
fn check(name: &str, value: &str) -> Result<()> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(internal(format!("\"{}\" is no name of a header", name.escape_default())));
    }
    if value.bytes().any(|byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f) {
        return Err(misconfigured(name, "has a line break or another control character in it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn paths_and_parameters_are_joined_to_the_base() {
        let target = |base: &str, path: &str| Client::new(base).unwrap().get(path).exchange.target;
        assert_eq!(target("http://h", ""), "/");
        assert_eq!(target("http://h/", "/items"), "/items");
        assert_eq!(target("http://h/api/", "items"), "/api/items");
        assert_eq!(target("http://h/api", "?x=1"), "/api?x=1");
        let request = Client::new("http://h").unwrap().get("/q").query("a b", "c&d").query("e", "");
        assert_eq!(request.exchange.target, "/q?a%20b=c%26d&e=");
    }

    #[test]
    fn a_header_is_set_once_and_cannot_smuggle_another() {
        let client = Client::new("http://u:p@h").unwrap();
        assert_eq!(client.headers, [("authorization".to_owned(), "Basic dTpw".to_owned())]);
        assert!(!format!("{client:?}").contains("dTpw"));
        let request = client.get("/").header("Authorization", "none");
        assert_eq!(request.exchange.headers.len(), 1);
        let error = client.clone().bearer("hunter2\r\nx: y").unwrap_err();
        assert_eq!(error.code(), ErrorCode::SourceNotConfigured);
        assert!(!error.message().contains("hunter2"));
        assert!(client.get("/").header("a b", "c").send().is_err());
        assert!(Client::new("ftp://h").is_err());
    }

    #[test]
    fn the_port_is_named_where_it_is_not_the_schemes() {
        for (url, authority) in [
            ("http://h:80", "h"),
            ("https://h", "h"),
            ("https://h:80", "h:80"),
            ("http://[::1]:8080", "[::1]:8080"),
        ] {
            assert_eq!(Client::new(url).unwrap().get("").exchange.authority(), authority);
        }
    }
}
