//! What a connector can do. The names are the published ones; a capability that is absent is not there.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::request::aggregate::{Accuracy, Aggregate, Bucket, Function};

/// What a connector declares. It is held to it both ways: the conformance suite fails a connector for declaring
/// what it cannot do and for doing what it does not declare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
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
    #[serde(deserialize_with = "logical_ops")]
    pub where_logical_ops: Vec<&'static str>,
    /// The string operators that work.
    #[serde(deserialize_with = "string_ops")]
    pub where_string_ops: Vec<&'static str>,
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
            where_logical_ops: Self::LOGICAL_OPS.to_vec(),
            where_string_ops: Self::STRING_OPS.to_vec(),
            aggregates: None,
        }
    }
}

fn logical_ops<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'static str>, D::Error> {
    operators(deserializer, Capabilities::LOGICAL_OPS)
}

fn string_ops<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'static str>, D::Error> {
    operators(deserializer, Capabilities::STRING_OPS)
}

fn operators<'de, D: Deserializer<'de>>(
    deserializer: D,
    known: &[&'static str],
) -> Result<Vec<&'static str>, D::Error> {
    let operator = |name: String| {
        let found = known.iter().copied().find(|operator| *operator == name);
        found.ok_or_else(|| D::Error::custom(format!("\"{name}\" is none of {}", known.join(", "))))
    };
    Vec::<String>::deserialize(deserializer)?.into_iter().map(operator).collect()
}

/// How well a measure is computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Answers {
    /// Not at all.
    #[default]
    None,
    /// To the last digit.
    Exact,
    /// Estimated only.
    Approximate,
    /// Either, as the job asks.
    Both,
}

impl Answers {
    /// Whether a job of that accuracy is answered: an estimate is asked for with the exact answer welcome.
    pub fn serves(self, accuracy: Accuracy) -> bool {
        match accuracy {
            Accuracy::Exact => matches!(self, Answers::Exact | Answers::Both),
            Accuracy::Fast => self != Answers::None,
        }
    }
}

impl Serialize for Answers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Answers::None => serializer.serialize_bool(false),
            Answers::Exact => serializer.serialize_str("exact"),
            Answers::Approximate => serializer.serialize_str("approximate"),
            Answers::Both => serializer.serialize_str("both"),
        }
    }
}

impl<'de> Deserialize<'de> for Answers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Flag(bool),
            Word(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Flag(false) => Ok(Answers::None),
            Written::Flag(true) => Ok(Answers::Exact),
            Written::Word(word) => match word.as_str() {
                "exact" => Ok(Answers::Exact),
                "approximate" => Ok(Answers::Approximate),
                "both" => Ok(Answers::Both),
                _ => Err(D::Error::custom(format!("\"{word}\" is none of false, exact, approximate, both"))),
            },
        }
    }
}

/// Which parts of an aggregate the database computes itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[allow(missing_docs, reason = "each name is the published capability of that name, but for firstLast")]
pub struct AggregateCapabilities {
    pub supports: bool,
    pub group_by: bool,
    pub time_bucket: bool,
    pub numeric_bucket: bool,
    pub geo_bucket: bool,
    pub geohash_bucket: bool,
    pub h3_bucket: bool,
    pub count: bool,
    pub count_distinct: Answers,
    pub sum: bool,
    pub avg: bool,
    pub min_max: bool,
    pub percentile: Answers,
    pub top_k: bool,
    /// `first` and `last`; not a published name.
    pub first_last: bool,
    pub having_on_aggregates: bool,
    pub pushdown_order_limit: bool,
    pub sampling: bool,
    pub emits_sketches: bool,
    pub joins: bool,
}

impl AggregateCapabilities {
    /// What a relational database with window functions and no percentiles computes: everything else but sampling.
    pub const RELATIONAL: AggregateCapabilities = AggregateCapabilities {
        supports: true,
        group_by: true,
        time_bucket: true,
        numeric_bucket: true,
        geo_bucket: false,
        geohash_bucket: false,
        h3_bucket: false,
        count: true,
        count_distinct: Answers::Exact,
        sum: true,
        avg: true,
        min_max: true,
        percentile: Answers::None,
        top_k: true,
        first_last: true,
        having_on_aggregates: true,
        pushdown_order_limit: true,
        sampling: false,
        emits_sketches: false,
        joins: true,
    };

    /// Whether all of an aggregate is among them.
    pub fn serve(&self, request: &Aggregate) -> bool {
        let buckets = request.dimensions.iter().all(|dimension| match dimension.bucket {
            None => true,
            Some(Bucket::Time(_)) => self.time_bucket,
            Some(Bucket::Step(_) | Bucket::Breaks(_)) => self.numeric_bucket,
        });
        let measures = request.measures.iter().all(|measure| match &measure.function {
            Function::Count(_) => self.count,
            Function::CountDistinct(_, accuracy) => self.count_distinct.serves(*accuracy),
            Function::Sum(_) => self.sum,
            Function::Avg(_) => self.avg,
            Function::Min(_) | Function::Max(_) => self.min_max,
            Function::Percentile(_, _, accuracy) => self.percentile.serves(*accuracy),
            Function::TopK(..) => self.top_k,
            Function::First(_) | Function::Last(_) => self.first_last,
        });
        self.supports
            && buckets
            && measures
            && (self.group_by || request.dimensions.is_empty())
            && (self.sampling || request.sample.is_none())
            && (self.joins || request.joins.is_empty())
            && (self.having_on_aggregates || request.having.is_true())
            && (self.pushdown_order_limit || (request.sort.is_empty() && request.limit.is_none()))
    }
}
