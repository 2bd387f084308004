//! Jobs, and what has to be true of whatever comes of them.

use std::time::Duration;

use async_trait::async_trait;
use connector_api::{CallContext, Chunks, Page, RowSink, Session, SinkLimits};
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::json::Envelope;
use connector_model::request::{Kind, Request, parse};
use serde::de::IgnoredAny;
use serde_json::Value as Json;

/// The most of an error that anybody is shown.
const MESSAGE_BYTES: usize = 16 * 1024;

/// What came of a job that worked.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) rows: u64,
    pub(crate) page: Page,
}

/// Takes chunks, keeps none of them, and holds each to what a chunk has to be.
#[derive(Default)]
struct Framed {
    rows: u64,
}

#[async_trait]
impl Chunks for Framed {
    fn envelope(&self) -> Envelope {
        Envelope { prefix: br#"{"type":"chunk","rows":["#.to_vec(), suffix: b"]}".to_vec() }
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
        // Whatever a module returned, the frame around it is one object with one list.
        assert!(!chunk.iter().any(|byte| *byte < 0x20), "a chunk has a control character");
        let mut frame: std::collections::BTreeMap<String, Json> = std::collections::BTreeMap::new();
        if chunk.len() < 1 << 20 {
            frame = serde_json::from_slice(&chunk).expect("a chunk is no JSON");
        } else {
            let _whole: IgnoredAny = serde_json::from_slice(&chunk).expect("a chunk is no JSON");
        }
        assert!(frame.keys().all(|key| key == "type" || key == "rows"), "{frame:?}");
        let rows = frame.get("rows").and_then(Json::as_array).map_or(0, Vec::len);
        self.rows += rows as u64;
        Ok(())
    }
}

/// Queries a target.
pub(crate) async fn ask(session: &mut dyn Session, target: &str, within: Duration) -> Result<Answer> {
    let options = r#"{"includeTotal":false}"#;
    let Request::Query(query) = parse(Kind::Query, Some(target), Some(options), "hostile").unwrap() else {
        panic!("a query is parsed as something else");
    };
    let mut framed = Framed::default();
    let mut sink = RowSink::new(&mut framed, SinkLimits::default());
    let cx = CallContext::within(within);
    let queried = session.query(&cx, &query, &mut sink).await;
    if queried.is_ok() {
        sink.flush().await?;
    }
    let page = queried.map_err(presentable)?;
    Ok(Answer { rows: framed.rows, page })
}

/// What every error has to be, whatever a guest made of it: short, on one line.
pub(crate) fn presentable(error: Error) -> Error {
    let detail = Json::Object(error.detail().clone()).to_string();
    for text in [error.message(), &error.loggable(), &detail] {
        assert!(text.len() <= MESSAGE_BYTES, "an error of {} bytes", text.len());
        assert!(!text.chars().any(char::is_control), "an error with control characters: {text:?}");
    }
    error
}

/// The error of a query that has to fail.
pub(crate) async fn fails(session: &mut dyn Session, target: &str) -> Error {
    match ask(session, target, crate::beside::LONG).await {
        Err(error) => error,
        Ok(answer) => panic!("{target} worked: {answer:?}"),
    }
}

/// The guest broke, in the way of that word; its session is not used again.
pub(crate) async fn breaks(session: &mut dyn Session, target: &str, trap: &str) -> Error {
    let error = fails(session, target).await;
    assert_eq!(error.code(), ErrorCode::ConnectorFailed, "{target}: {error}");
    assert_eq!(error.detail().get("trap").and_then(Json::as_str), Some(trap), "{target}: {error}");
    assert!(!session.reusable(), "{target}: a broken session may not serve again");
    error
}

/// What the guest got away with: the one word of the error that it reports, and what it says besides.
pub(crate) async fn reported(session: &mut dyn Session, target: &str) -> (String, String) {
    let error = fails(session, target).await;
    assert_eq!(error.code(), ErrorCode::SourceQueryFailed, "{target}: {error}");
    let word = error.detail().get("nativeCode").and_then(Json::as_str).unwrap_or_default().to_owned();
    (word, error.message().to_owned())
}

/// A job at which the guest behaves: it is not left alone for what it did before.
pub(crate) async fn peaceful(session: &mut dyn Session) {
    let Answer { rows, page } = ask(session, "nothing", crate::beside::LONG).await.unwrap();
    assert_eq!((rows, page.next_cursor), (0, None));
}
