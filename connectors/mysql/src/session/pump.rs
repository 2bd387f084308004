//! Rows from the server into the sink: column bytes straight to JSON.

use std::future::Future;
use std::pin::{Pin, pin};

use bytes::Bytes;
use connector_api::{CallContext, RowSink, Stopped};
use connector_model::error::{Error, Result};
use connector_model::filter::Typed;
use connector_model::json;
use connector_model::target::LogicalType;
use connector_sql::{Select, Table};

use crate::types::{Binary, Decoder};
use crate::wire::{Cells, Event, Failure, ResultColumn, ServerError, Wire};

/// What a result turned out to be.
#[derive(Debug, Default)]
pub(super) struct Pumped {
    pub(super) rows: u64,
    /// Whether the limit cut it.
    pub(super) more: bool,
    /// The ordered columns' values in the last row, when it was cut.
    pub(super) key: Vec<Option<Typed>>,
}

/// Why a result ended early.
pub(super) enum Halt {
    /// The server ended it; the session is between statements.
    Server(ServerError),
    /// The connection is of no more use.
    Lost(Failure),
    /// We did; the server is still at work.
    Ours(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Halt::Ours(error)
    }
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => Halt::Server(error),
            other => Halt::Lost(other),
        }
    }
}

/// What came next of a result.
pub(super) enum Next {
    /// Rows follow; the connection describes their columns.
    Columns,
    Row(Bytes),
    Done,
}

enum Heard {
    Event(Result<Event, Failure>),
    Stopped(Stopped),
}

/// Waits for what comes next of the result, unless the call has to end first.
pub(super) async fn next(
    wire: &mut Wire,
    mut stopped: Pin<&mut impl Future<Output = Stopped>>,
    out: &mut RowSink<'_>,
) -> Result<Next, Halt> {
    let heard = async {
        tokio::select! {
            biased;
            event = wire.step() => Heard::Event(event),
            stopped = &mut stopped => Heard::Stopped(stopped),
        }
    };
    match out.wait(heard).await? {
        Heard::Event(Ok(Event::Row(row))) => Ok(Next::Row(row)),
        Heard::Event(Ok(Event::Columns)) => Ok(Next::Columns),
        Heard::Event(Ok(Event::Done)) => Ok(Next::Done),
        Heard::Event(Ok(Event::Refused(error))) => Err(Halt::Server(error)),
        Heard::Event(Ok(Event::Prepared(_))) => Err(Halt::Ours(malformed())),
        Heard::Event(Err(failure)) => Err(failure.into()),
        Heard::Stopped(stopped) => Err(Halt::Ours(stopped.error())),
    }
}

/// How the columns of a result are read.
pub(super) struct Layout {
    columns: Vec<ResultColumn>,
    decoders: Vec<Decoder>,
}

impl Layout {
    /// That of the result which the connection has just described.
    pub(super) fn of(wire: &Wire, binary: Binary) -> Layout {
        let columns = wire.columns().to_vec();
        let decoders = columns.iter().map(|column| Decoder::of(column, binary)).collect();
        Layout { columns, decoders }
    }

    pub(super) fn decoder(&self, position: usize) -> Result<Decoder> {
        let decoder = self.decoders.get(position).copied();
        decoder.ok_or_else(|| Error::internal("the result has fewer columns than were selected"))
    }

    /// The values of a row, as they came.
    pub(super) fn values<'r>(&self, row: &'r [u8]) -> Result<Vec<Option<&'r [u8]>>> {
        let mut cells = self.cells(row)?;
        self.columns.iter().map(|column| cells.next(column).map_err(|_| malformed())).collect()
    }

    fn cells<'r>(&self, row: &'r [u8]) -> Result<Cells<'r>> {
        Cells::new(row, self.columns.len()).map_err(|_| malformed())
    }
}

#[cold]
pub(super) fn malformed() -> Error {
    Error::internal("a row is not what the protocol says")
}

/// Writes every row of the statement that was just asked for into `out`, up to the limit.
pub(super) async fn pump(
    cx: &CallContext,
    wire: &mut Wire,
    (select, table): (&Select, &Table),
    binary: Binary,
    out: &mut RowSink<'_>,
) -> Result<Pumped, Halt> {
    let mut stopped = pin!(cx.stopped());
    let mut layout = None;
    let mut last: Option<Bytes> = None;
    let mut pumped = Pumped::default();
    loop {
        let row = match next(wire, stopped.as_mut(), out).await? {
            Next::Columns => {
                layout = Some(Layout::of(wire, binary));
                continue;
            }
            Next::Row(row) => row,
            Next::Done => break,
        };
        if select.limit.is_some_and(|limit| pumped.rows >= limit) {
            // The one row beyond the limit: there are more.
            pumped.more = true;
            continue;
        }
        let layout = layout.as_ref().ok_or_else(malformed)?;
        write(out, &row, layout, select.visible)?;
        pumped.rows += 1;
        if !select.key.is_empty() {
            last = Some(row);
        }
        if out.flush_if_full().await? {
            // Where rows and socket are both faster than this loop, nothing else would look.
            cx.check()?;
        }
    }
    if let (true, Some(row), Some(layout)) = (pumped.more, &last, &layout) {
        pumped.key = key(row, layout, select, table)?;
    }
    Ok(pumped)
}

fn write(out: &mut RowSink<'_>, row: &[u8], layout: &Layout, visible: usize) -> Result<()> {
    let mut cells = layout.cells(row)?;
    out.row(|writer| {
        for (column, decoder) in layout.columns.iter().zip(&layout.decoders).take(visible) {
            let cell = writer.cell()?;
            match cells.next(column).map_err(|_| malformed())? {
                Some(raw) => decoder.write(cell, raw)?,
                None => json::null(cell),
            }
        }
        Ok(())
    })
}

fn key(row: &[u8], layout: &Layout, select: &Select, table: &Table) -> Result<Vec<Option<Typed>>> {
    let values = layout.values(row)?;
    let value = |position: &usize| {
        let missing = || Error::internal("a key column was not selected");
        let raw = values.get(*position).ok_or_else(missing)?;
        let of_table = select.fetched.get(*position).map(|column| table.column(*column)).transpose()?;
        let logical = of_table.map_or(LogicalType::Unknown, |column| column.logical_type);
        raw.map(|raw| layout.decoder(*position)?.key(raw, logical)).transpose()
    };
    select.key.iter().map(value).collect()
}
