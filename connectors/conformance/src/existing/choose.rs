//! Which target, and its rows as they came.

use std::time::Duration;

use async_trait::async_trait;
use connector_api::{CallContext, Chunks, RowSink, SinkLimits};
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::json::Envelope;
use connector_model::request::{Kind, Request, parse};
use connector_model::target::{Target, TargetSchema};
use serde_json::Value as Json;

use super::Tester;

/// The most rows of a target that is loaded.
pub const MAX_ROWS: usize = 10_000;

/// And the most bytes of JSON: the oracle holds all of it a few times over.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// How many targets are looked at before giving up: a server with a thousand tables is not read through.
const MAX_TRIED: usize = 50;

/// How long the target may take to load.
const LOADING: Duration = Duration::from_secs(120);

/// A target as it came.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) schema: TargetSchema,
    pub(super) rows: Vec<Json>,
}

/// The target of that name, or the first that fits.
pub(super) async fn choose(tester: &mut Tester<'_>, name: Option<&str>) -> Result<Chosen> {
    if let Some(name) = name {
        return load(tester, name).await;
    }
    let cx = CallContext::within(LOADING);
    let targets = tester.session().await?.list_targets(&cx).await?;
    let may_fit = |target: &&Target| target.estimated_rows.is_none_or(|rows| rows <= MAX_ROWS as u64);
    let mut refused = Vec::new();
    for target in targets.iter().filter(may_fit).take(MAX_TRIED) {
        match load(tester, &target.name).await {
            Ok(chosen) if chosen.rows.is_empty() => refused.push(format!("\"{}\" is empty", target.name)),
            Ok(chosen) => return Ok(chosen),
            Err(error) => refused.push(format!("\"{}\": {}", target.name, error.message())),
        }
    }
    let why = match refused.as_slice() {
        [] => format!("none of its {} targets has at most {MAX_ROWS} rows", targets.len()),
        refused => refused.join("; "),
    };
    let message = format!("no target to test with: {why}. Name one with rows in it by --target");
    Err(Error::new(ErrorCode::InvalidTarget, message))
}

async fn load(tester: &mut Tester<'_>, name: &str) -> Result<Chosen> {
    let cx = CallContext::within(LOADING);
    let schema = tester.session().await?.introspect(&cx, name).await?;
    if schema.columns.is_empty() {
        return Err(Error::new(ErrorCode::InvalidTarget, format!("target \"{name}\" has no columns")));
    }
    let Request::Query(query) =
        parse(Kind::Query, Some(name), Some(r#"{"includeTotal":false}"#), tester.bridge)?
    else {
        return Err(Error::internal("a query is parsed as something else"));
    };
    let mut all = All::default();
    let mut sink = RowSink::new(&mut all, SinkLimits::default());
    tester.session().await?.query(&cx, &query, &mut sink).await?;
    sink.flush().await?;
    Ok(Chosen { schema, rows: all.rows })
}

/// All rows, up to the bounds.
#[derive(Default)]
struct All {
    rows: Vec<Json>,
    bytes: usize,
}

#[async_trait]
impl Chunks for All {
    fn envelope(&self) -> Envelope {
        Envelope { prefix: b"[".to_vec(), suffix: b"]".to_vec() }
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
        self.bytes += chunk.len();
        let rows: Vec<Json> = serde_json::from_slice(&chunk).map_err(|error| {
            Error::new(ErrorCode::ConnectorFailed, format!("the rows that came are not JSON: {error}"))
        })?;
        self.rows.extend(rows);
        if self.rows.len() > MAX_ROWS || self.bytes > MAX_BYTES {
            let message = format!("it has more than {MAX_ROWS} rows or {} MiB", MAX_BYTES >> 20);
            return Err(Error::new(ErrorCode::ResultTooLarge, message));
        }
        Ok(())
    }
}
