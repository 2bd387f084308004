//! Responses without a server.

use std::cell::RefCell;
use std::io::{self, Cursor};
use std::rc::Rc;

use serde_json::Value;

use crate::http::{Answer, Exchange};

thread_local! {
    static INSTALLED: RefCell<Option<Rc<Installed>>> = const { RefCell::new(None) };
}

type Answering = Box<dyn FnMut(&FakeRequest) -> FakeResponse>;

struct Installed {
    answering: RefCell<Answering>,
    requests: RefCell<Vec<FakeRequest>>,
}

/// What answers every request of this thread, until it is dropped.
///
/// ```
/// use semilayer_connector::http::Client;
/// use semilayer_connector::testing::{FakeHttp, FakeResponse};
///
/// let fake = FakeHttp::install(|request| match request.path() {
///     "/items" => FakeResponse::json(200, &serde_json::json!([{"id": 1}])),
///     _ => FakeResponse::text(404, "no such page"),
/// });
/// let response = Client::new("https://inventory.example")?.get("/items").query("page", "2").send()?;
/// assert_eq!(response.status, 200);
/// assert_eq!(fake.requests()[0].target, "/items?page=2");
/// # Ok::<(), semilayer_connector::error::Error>(())
/// ```
#[must_use = "requests are answered for as long as it lives"]
pub struct FakeHttp(Rc<Installed>);

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// Host and port as the `Host` header would say.
    pub authority: String,
    /// Path and query.
    pub target: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl FakeRequest {
    /// The path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The value of a parameter of the query, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(known, _)| crate::url::decoded(known).as_deref() == Some(name))?;
        crate::url::decoded(value)
    }

    /// The first header of that name; case does not count.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; NULL where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What a request is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeResponse {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl FakeResponse {
    /// A text.
    pub fn text(status: u16, body: &str) -> FakeResponse {
        let headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
        FakeResponse { status, headers, body: body.as_bytes().to_vec() }
    }

    /// JSON.
    pub fn json(status: u16, body: &Value) -> FakeResponse {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        FakeResponse { status, headers, body: body.to_string().into_bytes() }
    }

    /// With a header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> FakeResponse {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl FakeHttp {
    /// Answers the requests of this thread with what `answer` returns, instead of sending them.
    pub fn install(answer: impl FnMut(&FakeRequest) -> FakeResponse + 'static) -> FakeHttp {
        let installed = Rc::new(Installed {
            answering: RefCell::new(Box::new(answer)),
            requests: RefCell::new(Vec::new()),
        });
        INSTALLED.with(|slot| slot.replace(Some(Rc::clone(&installed))));
        FakeHttp(installed)
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<FakeRequest> {
        self.0.requests.borrow().clone()
    }
}

impl Drop for FakeHttp {
    fn drop(&mut self) {
        INSTALLED.with(|slot| {
            // One that was installed later stays.
            let mine = slot.borrow().as_ref().is_some_and(|installed| Rc::ptr_eq(installed, &self.0));
            if mine {
                slot.replace(None);
            }
        });
    }
}

/// The answer to a request, if something is installed.
pub(crate) fn answer(exchange: &Exchange) -> Option<io::Result<Answer>> {
    let installed = INSTALLED.with(|slot| slot.borrow().clone())?;
    let request = FakeRequest {
        method: exchange.method.as_str().to_owned(),
        authority: exchange.authority(),
        target: exchange.target.clone(),
        headers: exchange.headers.clone(),
        body: exchange.body.clone(),
    };
    let response = (installed.answering.borrow_mut())(&request);
    installed.requests.borrow_mut().push(request);
    Some(Ok(Answer {
        status: response.status,
        headers: response.headers,
        body: Box::new(Cursor::new(response.body)),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Client;

    #[test]
    fn requests_are_answered_while_it_lives() {
        let client = Client::new("http://127.0.0.1:1").unwrap();
        {
            let fake = FakeHttp::install(|request| FakeResponse::json(200, &request.json()));
            let echoed: Value = client.post("/a?b=c%20d").json(&[1, 2]).send().unwrap().body.json().unwrap();
            assert_eq!(echoed, serde_json::json!([1, 2]));
            let requests = fake.requests();
            assert_eq!(requests[0].parameter("b").as_deref(), Some("c d"));
            assert_eq!((requests[0].path(), requests[0].header("Content-Length")), ("/a", Some("5")));
        }
        assert!(client.get("/").send().is_err(), "nobody listens on port 1");
    }
}
