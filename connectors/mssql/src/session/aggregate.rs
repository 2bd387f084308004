//! Aggregates: one statement over the target and those joined to it, its rows folded into groups.

use std::pin::pin;

use connector_api::{CallContext, RowSink, SinkLimits};
use connector_model::capability::{AggregateCapabilities, Answers};
use connector_model::error::Result;
use connector_model::filter::Typed;
use connector_model::request::Aggregate;
use connector_sql::{AggregateSelect, Groups, ResultRow, SqlServer as Dialect, Table, TableColumn};
use tiberius::Row;

use super::pump::{Halt, next_row};
use super::running::Running;
use super::size::whole;
use super::work::{SqlServerSession, settle};
use crate::error::is_stale;
use crate::params::bound;
use crate::types::{Binary, Shape, value};

/// Everything but sampling; percentiles are windows over each group (`PERCENTILE_CONT`).
pub(crate) const AGGREGATES: AggregateCapabilities =
    AggregateCapabilities { percentile: Answers::Exact, ..AggregateCapabilities::RELATIONAL };

impl SqlServerSession {
    /// Runs an aggregate into the sink.
    pub(super) async fn groups(
        &mut self,
        cx: &CallContext,
        request: &Aggregate,
        out: &mut RowSink<'_>,
    ) -> Result<()> {
        let mut retried = false;
        loop {
            let base = self.described(cx, &request.target).await?;
            let joined = self.joined(cx, &request.joins).await?;
            let tables: Vec<&Table> = joined.iter().map(|described| &described.table).collect();
            let select = AggregateSelect::new(&Dialect, &base.table, &tables, request)?;
            let binary = self.binary();
            let (client, handle) = self.line();
            let mut running = Running::query(client, handle, bound(&select.statement)?);
            let folded = fold(cx, &mut running, &select, binary, out).await;
            let settled = settle(running, handle, folded.as_ref().err()).await;
            match folded {
                Err(Halt::Server(error)) if !retried && out.rows() == 0 && settled && is_stale(&error) => {
                    retried = true;
                    self.forget(&request.target);
                    request.joins.iter().for_each(|join| self.forget(&join.target));
                }
                outcome => return self.conclude(cx, settled, outcome),
            }
        }
    }
}

/// Writes every group of a response into `out`.
async fn fold(
    cx: &CallContext,
    running: &mut Running<'_>,
    select: &AggregateSelect,
    binary: Binary,
    out: &mut RowSink<'_>,
) -> Result<(), Halt> {
    let mut stopped = pin!(cx.stopped());
    let mut groups = Groups::new(select, SinkLimits::default().row_bytes);
    while let Some(row) = next_row(running, stopped.as_mut(), out).await? {
        if let Some(group) = groups.row(&Cells { row: &row, binary })? {
            out.splice(1, group)?;
        }
        if out.flush_if_full().await? {
            // Where rows and socket are both faster than this loop, nothing else would look.
            cx.check()?;
        }
    }
    if let Some(group) = groups.end()? {
        out.splice(1, group)?;
    }
    Ok(())
}

/// A row of groups.
struct Cells<'r> {
    row: &'r Row,
    binary: Binary,
}

impl ResultRow for Cells<'_> {
    fn json(&self, position: usize, column: &TableColumn, out: &mut Vec<u8>) -> Result<()> {
        Shape::of(column.logical_type, self.binary).write(out, whole(self.row, position, &column.name)?)
    }

    fn typed(&self, position: usize) -> Result<Option<Typed>> {
        value(whole(self.row, position, &format!("{}", position + 1))?)
    }
}
