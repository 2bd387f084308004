//! Aggregates: one statement over the target and those joined to it, its rows folded into groups.

use std::pin::pin;
use std::sync::Arc;

use connector_api::{CallContext, RowSink, SinkLimits};
use connector_model::error::{Error, Result};
use connector_model::filter::Typed;
use connector_model::request::aggregate::{Aggregate, Join};
use connector_sql::{AggregateSelect, Groups, Reading, ResultRow, Table, TableColumn};
use tokio_postgres::types::Type;
use tokio_postgres::{Row, RowStream};

use super::pump::{Halt, next, raw};
use super::work::PgSession;
use crate::catalog::Described;
use crate::error::is_stale;
use crate::types::{Binary, Decoder};

impl PgSession {
    /// Runs an aggregate into the sink.
    pub(super) async fn groups(
        &mut self,
        cx: &CallContext,
        request: &Aggregate,
        out: &mut RowSink<'_>,
    ) -> Result<()> {
        self.raise_backstop(cx).await?;
        let mut retried = false;
        loop {
            let base = self.described(cx, &request.target).await?;
            let joined = self.joined(cx, &request.joins).await?;
            let tables: Vec<&Table> = joined.iter().map(|described| &described.table).collect();
            let select = AggregateSelect::new(self.family().dialect, &base.table, &tables, request)?;
            let settings = base.needs_settings || joined.iter().any(|described| described.needs_settings);
            let around = self.around(cx, false, settings);
            let run = match self.start(cx, &around, &select.statement).await {
                Ok(stream) => fold(cx, stream, &select, self.binary(), out).await,
                Err(halt) => Err(halt),
            };
            match run {
                Ok(()) => return Ok(()),
                Err(Halt::Server(error)) if !retried && out.rows() == 0 && is_stale(&error) => {
                    retried = true;
                    self.start_over(&request.target, &request.joins);
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

/// Writes every group of `stream` into `out`.
async fn fold(
    cx: &CallContext,
    stream: RowStream,
    select: &AggregateSelect,
    binary: Binary,
    out: &mut RowSink<'_>,
) -> Result<(), Halt> {
    let mut stream = pin!(stream);
    let mut stopped = pin!(cx.stopped());
    let mut groups = Groups::new(select, SinkLimits::default().row_bytes);
    let mut decoders: Vec<Decoder> = Vec::new();
    while let Some(row) = next(stream.as_mut(), stopped.as_mut(), out).await? {
        if decoders.is_empty() {
            decoders = decoders_of(&row, select, binary)?;
        }
        if let Some(group) = groups.row(&Cells { row: &row, decoders: &decoders })? {
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

fn decoders_of(row: &Row, select: &AggregateSelect, binary: Binary) -> Result<Vec<Decoder>> {
    let columns = row.columns().iter().enumerate();
    columns
        .map(|(position, column)| {
            let wkb = select.column(position).is_some_and(|column| column.reading == Reading::AsWkb);
            let binary = if wkb { Binary::Wkb } else { binary };
            Decoder::for_type(column.type_(), binary).ok_or_else(|| {
                let of = column.type_();
                Error::internal(format!("a measure came as type {of}, which this driver cannot read"))
            })
        })
        .collect()
}

/// A row with the decoders of its columns.
struct Cells<'r> {
    row: &'r Row,
    decoders: &'r [Decoder],
}

impl Cells<'_> {
    fn decoder(&self, position: usize) -> Result<Decoder> {
        let decoder = self.decoders.get(position).copied();
        decoder.ok_or_else(|| Error::internal("the result has fewer columns than were selected"))
    }
}

impl ResultRow for Cells<'_> {
    fn json(&self, position: usize, _: &TableColumn, out: &mut Vec<u8>) -> Result<()> {
        match raw(self.row, position)? {
            Some(bytes) => self.decoder(position)?.write(out, bytes)?,
            None => connector_model::json::null(out),
        }
        Ok(())
    }

    fn typed(&self, position: usize) -> Result<Option<Typed>> {
        let Some(bytes) = raw(self.row, position)? else { return Ok(None) };
        let zoned = self.row.columns().get(position).is_some_and(|it| *it.type_() == Type::TIMESTAMPTZ);
        self.decoder(position)?.key(bytes, zoned).map(Some)
    }
}
