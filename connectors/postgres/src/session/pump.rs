//! Rows from the server into the sink: column bytes straight to JSON.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use connector_api::{CallContext, RowSink, Stopped};
use connector_model::error::{Error, Result};
use connector_model::filter::Typed;
use connector_model::json;
use connector_sql::{Reading, Select, Table};
use futures_util::Stream;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Row, RowStream};

use crate::types::{Binary, Decoder};

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
    Server(tokio_postgres::Error),
    /// We did; the server is still at work.
    Ours(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Halt::Ours(error)
    }
}

/// Borrows a value's bytes as they came.
struct Raw<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Raw(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Raw(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

pub(super) fn raw(row: &Row, position: usize) -> Result<Option<&[u8]>> {
    let value: Raw<'_> = row
        .try_get(position)
        .map_err(|_| Error::internal("the result has fewer columns than were selected"))?;
    Ok(value.0)
}

enum Next {
    Row(Option<Result<Row, tokio_postgres::Error>>),
    Stopped(Stopped),
}

/// Waits for the next row, unless the call has to end first.
pub(super) async fn next(
    mut stream: Pin<&mut RowStream>,
    mut stopped: Pin<&mut impl Future<Output = Stopped>>,
    out: &mut RowSink<'_>,
) -> Result<Option<Row>, Halt> {
    let next = poll_fn(|task| match stream.as_mut().poll_next(task) {
        Poll::Ready(row) => Poll::Ready(Next::Row(row)),
        Poll::Pending => stopped.as_mut().poll(task).map(Next::Stopped),
    });
    match out.wait(next).await? {
        Next::Row(row) => row.transpose().map_err(Halt::Server),
        Next::Stopped(stopped) => Err(Halt::Ours(stopped.error())),
    }
}

/// Writes every row of `stream` into `out`, up to the limit.
pub(super) async fn pump(
    cx: &CallContext,
    stream: RowStream,
    select: &Select,
    table: &Table,
    binary: Binary,
    out: &mut RowSink<'_>,
) -> Result<Pumped, Halt> {
    let mut stream = pin!(stream);
    let mut stopped = pin!(cx.stopped());
    let mut decoders: Vec<Decoder> = Vec::new();
    let mut last: Option<Row> = None;
    let mut pumped = Pumped::default();
    loop {
        let Some(row) = next(stream.as_mut(), stopped.as_mut(), out).await? else { break };
        if select.limit.is_some_and(|limit| pumped.rows >= limit) {
            // The one row beyond the limit: there are more.
            pumped.more = true;
            continue;
        }
        if decoders.is_empty() {
            decoders = decoders_of(&row, select, table, binary)?;
        }
        write(out, &row, &decoders, select.visible)?;
        pumped.rows += 1;
        if !select.key.is_empty() {
            last = Some(row);
        }
        if out.flush_if_full().await? {
            // Where rows and socket are both faster than this loop, nothing else would look.
            cx.check()?;
        }
    }
    if let (true, Some(row)) = (pumped.more, &last) {
        pumped.key = key(row, &decoders, select)?;
    }
    Ok(pumped)
}

fn write(out: &mut RowSink<'_>, row: &Row, decoders: &[Decoder], visible: usize) -> Result<()> {
    out.row(|writer| {
        for (position, decoder) in decoders.iter().take(visible).enumerate() {
            let value = raw(row, position)?;
            let cell = writer.cell()?;
            match value {
                Some(bytes) => decoder.write(cell, bytes)?,
                None => json::null(cell),
            }
        }
        Ok(())
    })
}

fn decoders_of(row: &Row, select: &Select, table: &Table, binary: Binary) -> Result<Vec<Decoder>> {
    let unknown = |name: &str, of: &Type| {
        Error::internal(format!("column \"{name}\" came as type {of}, which this driver cannot read"))
    };
    row.columns()
        .iter()
        .zip(&select.fetched)
        .map(|(column, position)| {
            let wkb = table.column(*position)?.reading == Reading::AsWkb;
            let binary = if wkb { Binary::Wkb } else { binary };
            Decoder::for_type(column.type_(), binary).ok_or_else(|| unknown(column.name(), column.type_()))
        })
        .collect()
}

fn key(row: &Row, decoders: &[Decoder], select: &Select) -> Result<Vec<Option<Typed>>> {
    select
        .key
        .iter()
        .map(|position| {
            let decoder =
                decoders.get(*position).ok_or_else(|| Error::internal("a key column was not selected"))?;
            let zoned =
                row.columns().get(*position).is_some_and(|column| *column.type_() == Type::TIMESTAMPTZ);
            raw(row, *position)?.map(|bytes| decoder.key(bytes, zoned)).transpose()
        })
        .collect()
}

/// Polls a request once, which puts it on the wire, and leaves its response to the connection's task: whatever is
/// sent next is sent in the same flush.
pub(super) async fn send(request: Pin<&mut impl Future>) {
    let mut request = request;
    poll_fn(|task| {
        let _ = request.as_mut().poll(task);
        Poll::Ready(())
    })
    .await;
}
