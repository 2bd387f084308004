//! What the drivers' tests share: a job through a driver's session, its rows as JSON.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use connector_api::{
    CallContext, Chunks, Connector, OpenContext, Page, PathRules, RowSink, Session, SinkLimits, Source,
    StageObserver, StageReport,
};
use connector_model::config::{Config, Origin};
use connector_model::error::{Error, Result};
use connector_model::json::Envelope;
use connector_model::request::{Kind, Request, parse};
use dial::{AddressFilter, Dialer, Roots};
use serde_json::Value;

/// How long a test's call may take.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Takes chunks as one JSON array each.
#[derive(Debug, Default)]
pub struct Collector {
    /// The chunks, as text.
    pub chunks: Vec<Vec<u8>>,
}

#[async_trait]
impl Chunks for Collector {
    fn envelope(&self) -> Envelope {
        Envelope { prefix: b"[".to_vec(), suffix: b"]".to_vec() }
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
        self.chunks.push(chunk);
        Ok(())
    }
}

impl Collector {
    /// All rows.
    ///
    /// # Errors
    /// A chunk that is no JSON array.
    pub fn rows(&self) -> serde_json::Result<Vec<Value>> {
        let chunks = self.chunks.iter().map(|chunk| serde_json::from_slice::<Vec<Value>>(chunk));
        Ok(chunks.collect::<serde_json::Result<Vec<_>>>()?.concat())
    }
}

/// Remembers the stages that an open passed.
#[derive(Default)]
pub struct Stages(Mutex<Vec<StageReport>>);

impl StageObserver for Stages {
    fn passed(&self, report: StageReport) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(report);
    }
}

impl Stages {
    /// The stages so far, each with its note and its warning.
    pub fn reports(&self) -> Vec<StageReport> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A context that may go anywhere, as a local source's may.
///
/// # Errors
/// The machine's own roots cannot be read.
pub fn open_context() -> Result<OpenContext> {
    let roots = Roots::load(&[]).map_err(|error| Error::internal(error.to_string()))?;
    Ok(OpenContext {
        dialer: Dialer::new(roots),
        filter: AddressFilter::unrestricted(),
        paths: PathRules::Unrestricted,
        application: Arc::from("semilayer-runner/testtest"),
        call: CallContext::within(LIMIT),
        observer: None,
    })
}

/// A source of a driver.
///
/// # Errors
/// What the driver finds wrong with the settings.
pub fn source(connector: &dyn Connector, settings: &[(&str, &str)]) -> Result<Box<dyn Source>> {
    let config = Config::from_texts(connector.manifest(), Origin::Local, settings.iter().copied())?;
    connector.source(config)
}

/// A job's answer.
#[derive(Debug)]
pub struct Answer {
    /// The rows.
    pub rows: Vec<Value>,
    /// How the result ended.
    pub page: Page,
}

/// Runs a job of a kind that answers with rows.
///
/// # Errors
/// The job's own.
pub async fn job(
    session: &mut dyn Session,
    kind: Kind,
    target: &str,
    options: &Value,
    cx: &CallContext,
) -> Result<Answer> {
    let mut collector = Collector::default();
    let mut out = RowSink::new(&mut collector, SinkLimits::default());
    let page = match parse(kind, Some(target), Some(&options.to_string()), "@semilayer/bridge-test")? {
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
    let rows = collector.rows().map_err(|error| Error::internal(error.to_string()))?;
    Ok(Answer { rows, page })
}
