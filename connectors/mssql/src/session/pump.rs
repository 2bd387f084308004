//! Rows from the server into the sink.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use connector_api::{CallContext, RowSink, Stopped};
use connector_model::error::{Error, Result};
use connector_model::filter::Typed;
use connector_sql::Select;
use tiberius::{QueryItem, Row};

use super::running::Running;
use super::size::whole;
use crate::types::{Shape, key};

/// A column of a result.
pub(super) struct Fetched {
    pub(super) name: String,
    pub(super) shape: Shape,
}

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
    /// The library or the server ended it.
    Server(tiberius::error::Error),
    /// We did; the server is still at work.
    Ours(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Halt::Ours(error)
    }
}

enum Next {
    Item(Option<tiberius::Result<QueryItem>>),
    Stopped(Stopped),
}

/// The next row of a response, or nothing at its end; `stopped` is the call's own end.
pub(super) async fn next_row(
    running: &mut Running<'_>,
    mut stopped: Pin<&mut (impl Future<Output = Stopped> + Send)>,
    out: &mut RowSink<'_>,
) -> Result<Option<Row>, Halt> {
    loop {
        let next = poll_fn(|task| match running.poll_next(task) {
            Poll::Ready(item) => Poll::Ready(Next::Item(item)),
            Poll::Pending => stopped.as_mut().poll(task).map(Next::Stopped),
        });
        match out.wait(next).await? {
            Next::Item(None) => return Ok(None),
            Next::Item(Some(Ok(QueryItem::Metadata(_)))) => {}
            Next::Item(Some(Ok(QueryItem::Row(row)))) => return Ok(Some(row)),
            Next::Item(Some(Err(error))) => return Err(Halt::Server(error)),
            Next::Stopped(stopped) => return Err(Halt::Ours(stopped.error())),
        }
    }
}

/// Writes every row of a response into `out`, up to the limit. `fetched` are the selected columns.
pub(super) async fn pump(
    cx: &CallContext,
    running: &mut Running<'_>,
    select: &Select,
    fetched: &[Fetched],
    out: &mut RowSink<'_>,
) -> Result<Pumped, Halt> {
    let mut stopped = pin!(cx.stopped());
    let mut pumped = Pumped::default();
    let mut last: Option<Row> = None;
    while let Some(row) = next_row(running, stopped.as_mut(), out).await? {
        if select.limit.is_some_and(|limit| pumped.rows >= limit) {
            // The one row beyond the limit: there are more.
            pumped.more = true;
            continue;
        }
        write(out, &row, fetched.get(..select.visible).unwrap_or(fetched))?;
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
        let named = |position: &usize| fetched.get(*position).map_or("", |column| &column.name);
        let value = |position: &usize| key(whole(row, *position, named(position))?);
        pumped.key = select.key.iter().map(value).collect::<Result<_>>()?;
    }
    Ok(pumped)
}

fn write(out: &mut RowSink<'_>, row: &Row, fetched: &[Fetched]) -> Result<()> {
    out.row(|writer| {
        for (position, column) in fetched.iter().enumerate() {
            let value = whole(row, position, &column.name)?;
            column.shape.write(writer.cell()?, value)?;
        }
        Ok(())
    })
}
