//! An aggregate as one `SELECT`, and its rows as groups.
//!
//! The innermost query (`r`) reads the rows that pass, with the dimensions and the measured values; a query around it
//! (`g`) groups them; the outermost filters, sorts and cuts the groups. `first`, `last` and windowed percentiles give
//! each row its place in its group in between (`w`); lists of most frequent values are counted beside the groups
//! (`t…`) and come as rows behind the group they belong to.
//!
//! A measure's own condition makes its value NULL in rows that do not pass, which every aggregate function passes
//! over: one form for every engine, whether or not it has `FILTER`.
//!
//! - `plan`: names and types, held against the catalogue
//! - `rows`, `groups`, `tops`, `outer`: the queries, from the inside out
//! - [`dialect`]: what differs between engines
//! - [`fold`](Groups): result rows to JSON objects

pub mod dialect;
mod fold;
mod groups;
mod names;
mod outer;
mod plan;
mod rows;
mod tops;

pub use dialect::{AggregateDialect, Percentiles};
pub use fold::{Groups, ResultRow};

use connector_model::error::Result;
use connector_model::request::Aggregate;

use crate::joined::Source;
use crate::statement::Statement;
use crate::table::{Table, TableColumn};
use fold::Layout;
use plan::Plan;

/// An aggregate's statement with what its result means.
#[derive(Debug, Clone)]
pub struct AggregateSelect {
    /// The statement.
    pub statement: Statement,
    layout: Layout,
}

impl AggregateSelect {
    /// The statement of an aggregate over `base`; `joined` are the targets of the request's joins, in their order.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option that is wrong, `UNSUPPORTED_JOB` for what the engine does not compute.
    pub fn new(
        dialect: &dyn AggregateDialect,
        base: &Table,
        joined: &[&Table],
        request: &Aggregate,
    ) -> Result<AggregateSelect> {
        let source = Source::new(base, &request.joins, joined)?;
        let plan = Plan::new(dialect, &source, request)?;
        let mut writer = Writer { sql: Statement::default(), dialect, source: &source, plan: &plan, request };
        let layout = writer.whole()?;
        Ok(AggregateSelect { statement: writer.sql, layout })
    }

    /// The target's column whose values stand at a position of the result; `None` for what is computed.
    pub fn column(&self, position: usize) -> Option<&TableColumn> {
        self.layout.column(position)
    }
}

/// Writes the statement.
struct Writer<'w> {
    sql: Statement,
    dialect: &'w dyn AggregateDialect,
    source: &'w Source<'w>,
    plan: &'w Plan<'w>,
    request: &'w Aggregate,
}
