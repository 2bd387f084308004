//! Answers to a sink, and counted.

use connector_api::RowSink;
use connector_evaluate::{Answer, Table};
use connector_model::error::Result;
use connector_model::request::Read;

/// Writes the cells of one row.
pub(crate) fn write(out: &mut RowSink<'_>, cells: &[&[u8]]) -> Result<()> {
    out.row(|row| cells.iter().try_for_each(|cell| row.cell().map(|out| out.extend_from_slice(cell))))
}

/// How many rows a `read` brings.
pub(crate) fn rows(table: Table, request: &Read, pieces: &[Vec<u8>]) -> Result<u64> {
    let mut answer = Answer::read(&table, request)?;
    pieces.iter().try_for_each(|piece| answer.add(piece, |_| Ok(())))?;
    let (mut page, mut rows) = (answer.finish(), 0);
    while page.next(|_| Ok(()))? {
        rows += 1;
    }
    Ok(rows)
}
