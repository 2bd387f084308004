//! What a connector can do. The names are the published ones; a capability that is absent is not there.

use serde::Serialize;

/// What a connector declares. It is held to it both ways: the conformance suite fails a connector for declaring
/// what it cannot do and for doing what it does not declare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// Reads many keys in one request.
    pub batch_read: bool,
    /// Evaluates `where` in the database.
    pub where_pushdown: bool,
    /// Sorts in the database.
    pub order_by_pushdown: bool,
    /// Cuts at `limit` in the database.
    pub limit_pushdown: bool,
    /// Fetches only the columns asked for.
    pub select_projection: bool,
    /// Joins in the database.
    pub native_joins: bool,
    /// Resumes where a page ended.
    pub cursor: bool,
    /// Reads only rows changed since a moment.
    pub changed_since: bool,
    /// Limits rows per key of a batch read.
    pub per_key_limit: bool,
    /// Counts exactly.
    pub exact_count: bool,
    /// `$and`, `$or`, `$not`: those that work.
    pub where_logical_ops: &'static [&'static str],
    /// The string operators that work.
    pub where_string_ops: &'static [&'static str],
    /// Aggregates; absent when the connector has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregates: Option<AggregateCapabilities>,
}

impl Capabilities {
    /// The logical operators of the `where` language.
    pub const LOGICAL_OPS: &'static [&'static str] = &["$and", "$or", "$not"];
    /// The string operators of the `where` language.
    pub const STRING_OPS: &'static [&'static str] =
        &["$like", "$ilike", "$contains", "$startsWith", "$endsWith"];

    /// What a relational database does that reads, filters, sorts and pages, and has no aggregates yet.
    pub fn relational() -> Self {
        Capabilities {
            batch_read: true,
            where_pushdown: true,
            order_by_pushdown: true,
            limit_pushdown: true,
            select_projection: true,
            native_joins: false,
            cursor: true,
            changed_since: true,
            per_key_limit: false,
            exact_count: true,
            where_logical_ops: Self::LOGICAL_OPS,
            where_string_ops: Self::STRING_OPS,
            aggregates: None,
        }
    }
}

/// Which parts of an aggregate the database computes itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "each name is the published capability of that name")]
pub struct AggregateCapabilities {
    pub supports: bool,
    pub group_by: bool,
    pub time_bucket: bool,
    pub numeric_bucket: bool,
    pub geo_bucket: bool,
    pub geohash_bucket: bool,
    pub h3_bucket: bool,
    pub count: bool,
    pub count_distinct: bool,
    pub sum: bool,
    pub avg: bool,
    pub min_max: bool,
    pub percentile: bool,
    pub top_k: bool,
    pub having_on_aggregates: bool,
    pub pushdown_order_limit: bool,
    pub sampling: bool,
    pub emits_sketches: bool,
    pub joins: bool,
}
