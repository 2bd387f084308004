//! Aggregates: one statement over the target and those joined to it, its rows folded into groups.

use std::pin::pin;
use std::sync::Arc;

use connector_api::{CallContext, RowSink, SinkLimits};
use connector_model::capability::AggregateCapabilities;
use connector_model::error::{Error, Result};
use connector_model::filter::Typed;
use connector_model::request::Aggregate;
use connector_model::request::aggregate::Join;
use connector_model::target::LogicalType;
use connector_sql::{AggregateSelect, Groups, MySql as Dialect, ResultRow, Table, TableColumn};

use super::pump::{Halt, Layout, Next, malformed, next};
use super::work::{MySession, widened};
use crate::catalog::Described;
use crate::connect::{Flavour, Probe};
use crate::error::{is_foreign_text, is_stale};
use crate::types::Binary;
use crate::wire::Wire;

/// What this server computes of an aggregate. Vitess groups and joins across its shards, but has window functions only
/// within one.
pub(super) fn capabilities(probe: &Probe) -> AggregateCapabilities {
    let windows = match probe.flavour {
        Flavour::Vitess => false,
        Flavour::MySql => probe.numbers >= (8, 0),
        Flavour::MariaDb => probe.numbers >= (10, 2),
    };
    AggregateCapabilities { top_k: windows, first_last: windows, ..AggregateCapabilities::RELATIONAL }
}

impl MySession {
    /// Runs an aggregate into the sink.
    pub(super) async fn groups(
        &mut self,
        cx: &CallContext,
        request: &Aggregate,
        out: &mut RowSink<'_>,
    ) -> Result<()> {
        self.prepare_for(cx).await?;
        let (mut retried, mut wide) = (false, false);
        loop {
            let base = widened(self.described(cx, &request.target).await?, &request.joins, wide);
            let joined = self.joined(cx, &request.joins).await?;
            let joined: Vec<_> = joined.into_iter().map(|joined| widened(joined, &[], wide)).collect();
            let tables: Vec<&Table> = joined.iter().map(|described| &described.table).collect();
            let select = AggregateSelect::new(&Dialect, &base.table, &tables, request)?;
            let run = match self.start(cx, &select.statement).await {
                Ok(()) => fold(cx, &mut self.wire, &select, self.binary, out).await,
                Err(halt) => Err(halt),
            };
            match run {
                Ok(()) => return Ok(()),
                Err(Halt::Server(error)) if !retried && out.rows() == 0 && is_stale(&error) => {
                    retried = true;
                    self.start_over(&request.target, &request.joins);
                }
                Err(Halt::Server(error)) if !wide && out.rows() == 0 && is_foreign_text(&error) => {
                    wide = true
                }
                Err(halt) => return Err(self.halted(cx, halt).await),
            }
        }
    }

    /// What the catalogue says of the joined targets.
    pub(super) async fn joined(&mut self, cx: &CallContext, joins: &[Join]) -> Result<Vec<Arc<Described>>> {
        let mut joined = Vec::with_capacity(joins.len());
        for (at, join) in joins.iter().enumerate() {
            let described = self.described(cx, &join.target).await;
            joined.push(described.map_err(|error| error.with("option", format!("joins[{at}].target")))?);
        }
        Ok(joined)
    }
}

/// Writes every group of the statement that was just asked for into `out`.
async fn fold(
    cx: &CallContext,
    wire: &mut Wire,
    select: &AggregateSelect,
    binary: Binary,
    out: &mut RowSink<'_>,
) -> Result<(), Halt> {
    let mut stopped = pin!(cx.stopped());
    let mut groups = Groups::new(select, SinkLimits::default().row_bytes);
    let mut layout = None;
    loop {
        let row = match next(wire, stopped.as_mut(), out).await? {
            Next::Columns => {
                layout = Some(Layout::of(wire, binary));
                continue;
            }
            Next::Row(row) => row,
            Next::Done => break,
        };
        let layout = layout.as_ref().ok_or_else(malformed)?;
        if let Some(group) = groups.row(&Found { values: layout.values(&row)?, layout })? {
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

/// A row with the decoders of its columns.
struct Found<'r> {
    values: Vec<Option<&'r [u8]>>,
    layout: &'r Layout,
}

impl Found<'_> {
    fn value(&self, position: usize) -> Result<Option<&[u8]>> {
        let missing = || Error::internal("the result has fewer columns than were selected");
        self.values.get(position).copied().ok_or_else(missing)
    }
}

impl ResultRow for Found<'_> {
    fn json(&self, position: usize, column: &TableColumn, out: &mut Vec<u8>) -> Result<()> {
        match self.value(position)? {
            // What a value went through may have told the server less of it than the column does.
            Some(bytes) => {
                self.layout
                    .decoder(position)?
                    .of_column(column.logical_type, &column.native_type)
                    .write(out, bytes)?;
            }
            None => connector_model::json::null(out),
        }
        Ok(())
    }

    fn typed(&self, position: usize) -> Result<Option<Typed>> {
        let Some(bytes) = self.value(position)? else { return Ok(None) };
        self.layout.decoder(position)?.key(bytes, LogicalType::Unknown).map(Some)
    }
}
