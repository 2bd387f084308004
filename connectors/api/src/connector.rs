//! The three traits of a connector.

use async_trait::async_trait;
use connector_model::capability::AggregateCapabilities;
use connector_model::config::Config;
use connector_model::conventions::Conventions;
use connector_model::cursor::CursorKind;
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::manifest::Manifest;
use connector_model::request::{Aggregate, Count, Query, Read};
use connector_model::target::{Location, Target, TargetSchema};

use crate::context::{CallContext, OpenContext};
use crate::sink::RowSink;

/// One kind of database.
pub trait Connector: Send + Sync {
    /// Its name, its configuration fields and its capabilities.
    fn manifest(&self) -> &Manifest;

    /// A database of this kind with this configuration. Validates and keeps; does no I/O.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the setting that is wrong.
    fn source(&self, config: Config) -> Result<Box<dyn Source>>;
}

/// One configured database. What its sessions can share (catalogue, TLS setup) lives here.
#[async_trait]
pub trait Source: Send + Sync {
    /// Opens a session, stage by stage.
    ///
    /// # Errors
    /// `SOURCE_UNREACHABLE`, `SOURCE_AUTH_FAILED` or `SOURCE_QUERY_FAILED` with `detail.stage`; `CANCELLED` and
    /// `QUERY_TIMEOUT` when the context ends first.
    async fn open(&self, cx: &OpenContext) -> Result<Box<dyn Session>>;
}

/// One connection. One call at a time; a call that is cancelled stops the work in the database before it returns.
#[async_trait]
pub trait Session: Send {
    /// Whether the connection is clean and may serve another call.
    fn reusable(&self) -> bool;

    /// Asks the server for a sign of life.
    ///
    /// # Errors
    /// Whatever the server or the network answered instead.
    async fn ping(&mut self, cx: &CallContext) -> Result<ServerInfo>;

    /// Rows in key order.
    ///
    /// # Errors
    /// `INVALID_TARGET`, `INVALID_JOB`, `SOURCE_QUERY_FAILED`, `RESULT_TOO_LARGE`; `CANCELLED` and `QUERY_TIMEOUT` when
    /// the context ends first.
    async fn read(&mut self, cx: &CallContext, request: &Read, out: &mut RowSink<'_>) -> Result<Page>;

    /// Filtered, ordered rows.
    ///
    /// # Errors
    /// As [`Session::read`].
    async fn query(&mut self, cx: &CallContext, request: &Query, out: &mut RowSink<'_>) -> Result<Page>;

    /// How many rows match.
    ///
    /// # Errors
    /// As [`Session::read`].
    async fn count(&mut self, cx: &CallContext, request: &Count) -> Result<Counted>;

    /// What whoever computes with this database's rows has to know of its ways.
    fn conventions(&self) -> Conventions {
        Conventions::default()
    }

    /// What this server computes of an aggregate; the rest is computed of its rows by whoever called.
    fn aggregates(&self) -> AggregateCapabilities {
        AggregateCapabilities::default()
    }

    /// Groups with their measures: each a JSON object `{dims, measures, count}`, spliced into `out`.
    ///
    /// # Errors
    /// As [`Session::read`]; `UNSUPPORTED_JOB` for what [`Session::aggregates`] leaves out.
    async fn aggregate(
        &mut self,
        cx: &CallContext,
        request: &Aggregate,
        out: &mut RowSink<'_>,
    ) -> Result<()> {
        let _ = (cx, out);
        Err(Error::new(
            ErrorCode::UnsupportedJob,
            format!("the connector of target \"{}\" computes no aggregates", request.target),
        ))
    }

    /// Everything that can be read.
    ///
    /// # Errors
    /// As [`Session::read`].
    async fn list_targets(&mut self, cx: &CallContext) -> Result<Vec<Target>>;

    /// One target's columns and key.
    ///
    /// # Errors
    /// `INVALID_TARGET` with the nearest names; otherwise as [`Session::read`].
    async fn introspect(&mut self, cx: &CallContext, target: &str) -> Result<TargetSchema>;

    /// Where a target is that [`Session::introspect`] finds under that name; `None` where only
    /// [`Session::list_targets`] says so.
    ///
    /// # Errors
    /// As [`Session::introspect`].
    async fn locate(&mut self, cx: &CallContext, target: &str) -> Result<Option<Location>> {
        let _ = (cx, target);
        Ok(None)
    }
}

/// How a result ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Where the next page begins, if the limit cut the result.
    pub next_cursor: Option<String>,
    /// What kind of cursor that is.
    pub cursor_kind: Option<CursorKind>,
    /// How many rows there are without limit and offset, where it was asked for or is known.
    pub total: Option<u64>,
}

/// A number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// How many.
    pub total: u64,
    /// Whether the engine only estimated it.
    pub approximate: bool,
}

/// What a server says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerInfo {
    /// The product: `PostgreSQL`, `SQLite`.
    pub product: String,
    /// Its version in its own words.
    pub version: String,
    /// Whether this login could write if the session let it; `None` when the server does not say.
    pub can_write: Option<bool>,
}
