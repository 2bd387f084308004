//! Groups of a target's rows, and what is measured of each.
//!
//! Rows are joined, those without a value in every dimension are dropped, the filter and the ids choose among the
//! rest; what is left is sampled, grouped, measured, filtered by `having`, sorted and cut, in this order.

mod bucket;
mod parse;
#[cfg(test)]
mod tests;

pub use bucket::{Bucket, Step, TimeUnit, break_labels};
pub(super) use parse::aggregate;

use crate::filter::{Filter, Operand};

/// Most dimensions of one aggregate.
pub const MAX_DIMENSIONS: usize = 32;
/// Most measures of one aggregate.
pub const MAX_MEASURES: usize = 256;
/// Most joins of one aggregate: engines stop at 61 (MySQL) and 64 (SQLite) tables.
pub const MAX_JOINS: usize = 32;
/// Most breaks of one dimension.
pub const MAX_BREAKS: usize = 1_000;
/// The largest `k` of a `top_k`.
pub const MAX_TOP: u32 = 10_000;

/// Groups of rows with their measures.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// The target as the job names it.
    pub target: String,
    /// Targets whose columns are reached as `alias.column`.
    pub joins: Vec<Join>,
    /// What rows are grouped by; without any, all rows are one group.
    pub dimensions: Vec<Dimension>,
    /// What is computed of each group, in the order of the job.
    pub measures: Vec<Measure>,
    /// Which rows (`candidatesWhere`).
    pub filter: Filter,
    /// Only rows whose key is one of these.
    pub ids: Option<Vec<Operand>>,
    /// The share of rows that is looked at, above 0 and below 1; `None` is all of them.
    pub sample: Option<f64>,
    /// Which groups; its columns are names of measures, and `count`.
    pub having: Filter,
    /// In what order groups come.
    pub sort: Vec<Sort>,
    /// At most this many groups.
    pub limit: Option<u64>,
    /// The column that `first` and `last` order rows by; `None` is the measured column itself.
    pub change_column: Option<String>,
}

/// A target whose rows are attached to those of the aggregate's own (`LEFT JOIN`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// The target as the job names it.
    pub target: String,
    /// What its columns are reached by: letters, digits and `_`.
    pub alias: String,
    /// The column of the aggregate's own target.
    pub local: String,
    /// The column of the joined target that equals it.
    pub foreign: String,
}

/// One thing that rows are grouped by.
#[derive(Debug, Clone, PartialEq)]
pub struct Dimension {
    /// Its key in a group's `dims`: `as`, else the field.
    pub name: String,
    /// The column; `alias.column` for one of a joined target.
    pub column: String,
    /// The alias of the joined target that the column must belong to, where the job said so (`from`).
    pub from: Option<String>,
    /// How values are put together; `None` groups by the value itself.
    pub bucket: Option<Bucket>,
}

/// One thing that is computed of each group.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Its key in a group's `measures`.
    pub name: String,
    /// What is computed.
    pub function: Function,
    /// Only of rows that pass this.
    pub filter: Filter,
}

/// What is computed of the rows of a group. NULL is no value: it is neither counted nor summed.
#[derive(Debug, Clone, PartialEq)]
pub enum Function {
    /// How many rows, or how many values of a column.
    Count(Option<String>),
    /// How many different values.
    CountDistinct(String, Accuracy),
    /// Their sum; exact for whole and decimal numbers. `rate` is the same.
    Sum(String),
    /// Their mean.
    Avg(String),
    /// The least.
    Min(String),
    /// The greatest.
    Max(String),
    /// The value below which the share `p` of the values lies, interpolated between neighbours (SQL's
    /// `PERCENTILE_CONT`).
    Percentile(String, f64, Accuracy),
    /// The `k` most frequent values with their counts; among equally frequent ones the smaller first.
    TopK(String, u32, Accuracy),
    /// The value in the row with the least change-tracking value; rows without one never win.
    First(String),
    /// The value in the row with the greatest change-tracking value; rows without one never win.
    Last(String),
}

/// Whether an estimate is good enough.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Accuracy {
    /// The exact answer, or an error.
    #[default]
    Exact,
    /// An estimate will do where it is cheaper; exact is fine too.
    Fast,
}

/// One key that groups are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// What is compared.
    pub key: SortKey,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// What groups are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// How many rows are in the group.
    Count,
    /// The measure at this position.
    Measure(usize),
    /// The dimension at this position.
    Dimension(usize),
}

/// The name by which `having` and `sort` mean the number of rows in a group, unless a measure has it.
pub const COUNT: &str = "count";

impl Function {
    /// Its name in a job.
    pub fn name(&self) -> &'static str {
        match self {
            Function::Count(_) => "count",
            Function::CountDistinct(..) => "count_distinct",
            Function::Sum(_) => "sum",
            Function::Avg(_) => "avg",
            Function::Min(_) => "min",
            Function::Max(_) => "max",
            Function::Percentile(..) => "percentile",
            Function::TopK(..) => "top_k",
            Function::First(_) => "first",
            Function::Last(_) => "last",
        }
    }

    /// The column it looks at, if it looks at one.
    pub fn column(&self) -> Option<&str> {
        match self {
            Function::Count(column) => column.as_deref(),
            Function::CountDistinct(column, _)
            | Function::Sum(column)
            | Function::Avg(column)
            | Function::Min(column)
            | Function::Max(column)
            | Function::Percentile(column, ..)
            | Function::TopK(column, ..)
            | Function::First(column)
            | Function::Last(column) => Some(column),
        }
    }
}
