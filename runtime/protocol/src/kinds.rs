//! The kinds of job. `kind` is an open string on the wire; one that is not listed here ends in an error,
//! not in a protocol fault.

/// One page in key order.
pub const READ: &str = "read";
/// Filter, order, paging, projection.
pub const QUERY: &str = "query";
/// Rows for a set of keys.
pub const BATCH_READ: &str = "batchRead";
/// How many rows match.
pub const COUNT: &str = "count";
/// Names of what can be read.
pub const LIST_TARGETS: &str = "listTargets";
/// The schema of one target.
pub const INTROSPECT_TARGET: &str = "introspectTarget";
/// Needs an embedding index; no bridge has one.
pub const SEARCH: &str = "search";
/// Needs an embedding index; no bridge has one.
pub const SIMILAR: &str = "similar";
/// Opens the source as a job would.
pub const TEST: &str = "test";
/// Groups and measures.
pub const AGGREGATE: &str = "aggregate";

/// All of them.
pub const ALL: [&str; 10] =
    [QUERY, READ, BATCH_READ, COUNT, LIST_TARGETS, INTROSPECT_TARGET, SEARCH, SIMILAR, TEST, AGGREGATE];
