//! A job through a session, its rows as JSON.

use async_trait::async_trait;
use connector_api::{CallContext, Chunks, Page, RowSink, Session, SinkLimits};
use connector_model::error::{Error, Result};
use connector_model::json::Envelope;
use connector_model::request::{Kind, Request, parse};
use serde_json::Value;

use crate::open::LIMIT;

/// What errors call the connector.
const BRIDGE: &str = "@semilayer/bridge-test";

/// A job's answer.
#[derive(Debug)]
pub struct Answer {
    /// The rows.
    pub rows: Vec<Value>,
    /// How the result ended; a count is its total.
    pub page: Page,
}

#[derive(Debug, Default)]
struct Collector {
    rows: Vec<Value>,
}

#[async_trait]
impl Chunks for Collector {
    fn envelope(&self) -> Envelope {
        Envelope { prefix: b"[".to_vec(), suffix: b"]".to_vec() }
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
        let rows: Vec<Value> =
            serde_json::from_slice(&chunk).map_err(|error| Error::internal(error.to_string()))?;
        self.rows.extend(rows);
        Ok(())
    }
}

/// Runs a job of a kind that answers with rows or a number of them.
///
/// # Errors
/// The job's own.
pub async fn job(session: &mut dyn Session, kind: Kind, target: &str, options: &Value) -> Result<Answer> {
    job_within(session, kind, target, options, &CallContext::within(LIMIT)).await
}

/// The same, as long as its context lets it.
///
/// # Errors
/// The job's own.
pub async fn job_within(
    session: &mut dyn Session,
    kind: Kind,
    target: &str,
    options: &Value,
    cx: &CallContext,
) -> Result<Answer> {
    let mut collector = Collector::default();
    let page = job_into(session, kind, target, options, cx, &mut collector).await?;
    Ok(Answer { rows: collector.rows, page })
}

/// The same, its chunks handed to somebody else.
///
/// # Errors
/// The job's own.
pub async fn job_into(
    session: &mut dyn Session,
    kind: Kind,
    target: &str,
    options: &Value,
    cx: &CallContext,
    chunks: &mut dyn Chunks,
) -> Result<Page> {
    let mut out = RowSink::new(chunks, SinkLimits::default());
    let page = match parse(kind, Some(target), Some(&options.to_string()), BRIDGE)? {
        Request::Read(read) => session.read(cx, &read, &mut out).await?,
        Request::Query(query) => session.query(cx, &query, &mut out).await?,
        Request::Count(count) => {
            Page { total: Some(session.count(cx, &count).await?.total), ..Page::default() }
        }
        Request::Aggregate(aggregate) => {
            session.aggregate(cx, &aggregate, &mut out).await?;
            Page::default()
        }
        _ => return Err(Error::internal("a job without rows")),
    };
    out.flush().await?;
    Ok(page)
}
