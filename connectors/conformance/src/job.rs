//! A job as it would come over the wire, and what became of it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use connector_api::{CallContext, Chunks, RowSink, Session, SinkLimits};
pub use connector_api::{Counted, Page};
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::json::Envelope;
use connector_model::request::{Kind, Request, parse};
use connector_model::target::{Target, TargetSchema};
use serde_json::{Map, Value as Json};

/// How long one job may take. Tables are small; what takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// Small chunks, so that every result of some rows is sent in several.
const CHUNK_BYTES: usize = 512;

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// What kind.
    pub kind: Kind,
    /// The target as the oracle calls it.
    pub target: String,
    /// The options.
    pub options: Json,
}

impl Job {
    /// A job.
    pub fn new(kind: Kind, target: &str, options: Json) -> Self {
        Job { kind, target: target.to_owned(), options }
    }

    /// The same job with one more option.
    #[must_use]
    pub fn with(&self, option: &str, value: Json) -> Self {
        let mut options = self.options.as_object().cloned().unwrap_or_else(Map::new);
        options.insert(option.to_owned(), value);
        Job { options: Json::Object(options), ..self.clone() }
    }

    /// The same job with the targets of its joins named otherwise.
    #[must_use]
    pub fn with_join_targets(&self, name: impl Fn(&str) -> String) -> Self {
        let mut job = self.clone();
        if let Some(joins) = job.options.get_mut("joins").and_then(Json::as_array_mut) {
            for join in joins {
                if let Some(target) = join.get("target").and_then(Json::as_str).map(&name)
                    && let Some(named) = join.get_mut("target")
                {
                    *named = Json::String(target);
                }
            }
        }
        job
    }

    /// Parses the options' text as a runner does.
    ///
    /// # Errors
    /// As [`parse`].
    pub fn request(&self, bridge: &str, target: &str) -> Result<Request> {
        parse(self.kind, Some(target), Some(&self.options.to_string()), bridge)
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {:?}: {}", self.kind.as_str(), self.target, self.options)
    }
}

/// What became of a job.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Rows, and how they ended.
    Rows(Vec<Json>, Page),
    /// A count.
    Counted(Counted),
    /// The list of targets.
    Targets(Vec<Target>),
    /// One target's columns.
    Schema(TargetSchema),
    /// The server gave a sign of life.
    Alive,
    /// An error.
    Failed(Error),
    /// Something that is no answer: chunks that are not JSON.
    Garbled(String),
}

impl Outcome {
    /// The error, if it is one.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Outcome::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// The rows and how they ended, if it has any.
    pub fn rows(&self) -> Option<(&[Json], &Page)> {
        match self {
            Outcome::Rows(rows, page) => Some((rows, page)),
            _ => None,
        }
    }
}

/// How many rows a failure shows.
const SHOWN_ROWS: usize = 12;

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Rows(rows, page) => {
                write!(
                    f,
                    "{} rows, total {:?}, cursor {:?} ({:?})",
                    rows.len(),
                    page.total,
                    page.next_cursor,
                    page.cursor_kind
                )?;
                rows.iter().take(SHOWN_ROWS).try_for_each(|row| write!(f, "\n    {row}"))?;
                if rows.len() > SHOWN_ROWS { write!(f, "\n    …") } else { Ok(()) }
            }
            Outcome::Failed(error) => write!(f, "{error} {}", Json::Object(error.detail().clone())),
            other => write!(f, "{other:?}"),
        }
    }
}

/// More rows than any table of the suite has: whoever sends more does not end.
const MAX_ROWS: usize = 1_000_000;

/// Takes chunks apart into rows.
#[derive(Default)]
struct Collector {
    rows: Vec<Json>,
    garbled: Option<String>,
}

#[async_trait]
impl Chunks for Collector {
    fn envelope(&self) -> Envelope {
        Envelope { prefix: b"{\"rows\":[".to_vec(), suffix: b"]}".to_vec() }
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
        match serde_json::from_slice::<Json>(&chunk) {
            Ok(mut chunk) => {
                if let Some(Json::Array(rows)) = chunk.get_mut("rows").map(Json::take) {
                    self.rows.extend(rows);
                }
                if self.rows.len() > MAX_ROWS {
                    let message = format!("more than {MAX_ROWS} rows came, and they did not end");
                    return Err(Error::new(ErrorCode::ResultTooLarge, message));
                }
            }
            Err(error) => self.garbled = Some(format!("a chunk is not JSON: {error}")),
        }
        Ok(())
    }
}

/// Runs a job on a session, as a runner does: its options are parsed, its rows collected.
pub async fn execute(session: &mut dyn Session, bridge: &str, job: &Job, target: &str) -> Outcome {
    let request = match job.request(bridge, target) {
        Ok(request) => request,
        Err(error) => return Outcome::Failed(error),
    };
    let cx = CallContext::within(DEADLINE);
    let mut collector = Collector::default();
    let limits = SinkLimits { chunk_bytes: CHUNK_BYTES, ..SinkLimits::default() };
    let mut sink = RowSink::new(&mut collector, limits);
    let page = match &request {
        Request::Read(read) => session.read(&cx, read, &mut sink).await,
        Request::Query(query) => session.query(&cx, query, &mut sink).await,
        Request::Aggregate(aggregate) => {
            session.aggregate(&cx, aggregate, &mut sink).await.map(|()| Page::default())
        }
        Request::Count(count) => {
            return session.count(&cx, count).await.map_or_else(Outcome::Failed, Outcome::Counted);
        }
        Request::ListTargets => {
            return session.list_targets(&cx).await.map_or_else(Outcome::Failed, Outcome::Targets);
        }
        Request::Introspect(name) => {
            return session.introspect(&cx, name).await.map_or_else(Outcome::Failed, Outcome::Schema);
        }
        Request::Test => return session.ping(&cx).await.map_or_else(Outcome::Failed, |_| Outcome::Alive),
    };
    let page = match page {
        Ok(page) => page,
        Err(error) => return Outcome::Failed(error),
    };
    // What the session left in the sink is sent by whoever made it.
    if let Err(error) = sink.flush().await {
        return Outcome::Failed(error);
    }
    match collector.garbled {
        Some(garbled) => Outcome::Garbled(garbled),
        None => Outcome::Rows(collector.rows, page),
    }
}
