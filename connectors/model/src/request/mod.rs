//! A job's kind, target and options as typed requests: parsed here, once, and nowhere else.

pub mod aggregate;
mod changed;
mod columns;
mod options;
mod parse;

pub use aggregate::Aggregate;
pub use changed::ChangedSince;
pub use columns::{Mention, Which};
pub use parse::parse;

use self::aggregate::Join;
use crate::filter::Filter;

/// What a job asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Rows in key order, page by page.
    Read(Read),
    /// Filtered, ordered rows; `batchRead` is one that never counts.
    Query(Query),
    /// How many rows match.
    Count(Count),
    /// Groups of rows with their measures.
    Aggregate(Aggregate),
    /// What can be read.
    ListTargets,
    /// One target's columns.
    Introspect(String),
    /// Connect, authenticate, `SELECT 1`.
    Test,
}

/// The kinds of job in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the job kind of that name")]
pub enum Kind {
    Query,
    Read,
    BatchRead,
    Count,
    ListTargets,
    IntrospectTarget,
    Search,
    Similar,
    Test,
    Aggregate,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 10] = [
        Kind::Query,
        Kind::Read,
        Kind::BatchRead,
        Kind::Count,
        Kind::ListTargets,
        Kind::IntrospectTarget,
        Kind::Search,
        Kind::Similar,
        Kind::Test,
        Kind::Aggregate,
    ];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Query => "query",
            Kind::Read => "read",
            Kind::BatchRead => "batchRead",
            Kind::Count => "count",
            Kind::ListTargets => "listTargets",
            Kind::IntrospectTarget => "introspectTarget",
            Kind::Search => "search",
            Kind::Similar => "similar",
            Kind::Test => "test",
            Kind::Aggregate => "aggregate",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Rows of a target in key order.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The target as the job names it.
    pub target: String,
    /// The columns to return; `None` is all.
    pub fields: Option<Vec<String>>,
    /// At most this many rows.
    pub limit: u64,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Only rows changed after a moment.
    pub changed_since: Option<ChangedSince>,
}

/// Filtered, ordered rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The target as the job names it.
    pub target: String,
    /// The columns to return; `None` is all.
    pub select: Option<Vec<String>>,
    /// Which rows.
    pub filter: Filter,
    /// Targets whose columns are reached as `alias.column`; only an aggregate that the runner computes sets it.
    pub joins: Vec<Join>,
    /// In what order.
    pub order_by: Vec<Order>,
    /// At most this many rows; `None` is all of them.
    pub limit: Option<u64>,
    /// How many rows are passed over.
    pub offset: u64,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Whether the total is wanted when the result does not show it by itself.
    pub include_total: bool,
}

/// One ordered column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its name.
    pub column: String,
    /// Whether the largest comes first.
    pub descending: bool,
}

/// How many rows match a filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Count {
    /// The target as the job names it.
    pub target: String,
    /// Which rows.
    pub filter: Filter,
}

impl Request {
    /// The target, where the request has one.
    pub fn target(&self) -> Option<&str> {
        match self {
            Request::Read(read) => Some(&read.target),
            Request::Query(query) => Some(&query.target),
            Request::Count(count) => Some(&count.target),
            Request::Aggregate(aggregate) => Some(&aggregate.target),
            Request::Introspect(target) => Some(target),
            Request::ListTargets | Request::Test => None,
        }
    }
}
