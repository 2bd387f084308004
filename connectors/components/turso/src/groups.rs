//! Aggregates: result rows as groups.

use std::collections::VecDeque;

use connector_sql::sqlite::{Cells as Writer, Stored};
use connector_sql::{AggregateSelect, Groups, LibSql, ResultRow, Table, TableColumn};
use semilayer_connector::error::{internal, too_large};
use semilayer_connector::model::filter::Typed;
use semilayer_connector::model::json::{Envelope, MAX_ROW_BYTES, RowBuffer};
use semilayer_connector::prelude::*;

use crate::answer::{Cell, Cells, results};
use crate::error::{Fault, Hint};
use crate::pages::Objects;
use crate::session::TursoSession;

/// How many bytes of groups are handed on at once.
const BLOCK_BYTES: usize = 64 * 1024;

/// Groups with their measures, all of which one answer holds: what a group is depends on all rows.
///
/// # Errors
/// `INVALID_JOB` naming the option; what the server refuses; `RESULT_TOO_LARGE` for more groups than an answer may hold.
pub(crate) fn aggregate(
    session: &mut TursoSession,
    base: &Table,
    joined: &[&Table],
    request: &Aggregate,
) -> Result<Objects, Fault> {
    let select = AggregateSelect::new(&LibSql, base, joined, request)?;
    let body = session.pipeline.run(std::slice::from_ref(&select.statement)).map_err(too_many)?;
    let answered = results(&body, 1).map_err(too_many)?;
    let mut out = RowBuffer::new(Envelope::default(), BLOCK_BYTES, MAX_ROW_BYTES);
    let mut blocks = VecDeque::new();
    let mut put = |group: &[u8]| -> Result<()> {
        out.splice(1, group)?;
        if out.is_full() {
            let (bytes, rows) = out.take();
            blocks.push_back((rows, bytes));
        }
        Ok(())
    };
    let mut groups = Groups::new(&select, MAX_ROW_BYTES);
    for cells in answered.first().map(Vec::as_slice).unwrap_or_default() {
        if let Some(group) = groups.row(&Found { cells, writer: session.cells })? {
            put(group)?;
        }
    }
    if let Some(group) = groups.end()? {
        put(group)?;
    }
    let (bytes, rows) = out.take();
    blocks.push_back((rows, bytes));
    Ok(Objects { blocks })
}

/// What helps where an answer is too large: the groups cannot be asked for in pieces.
fn too_many(fault: Fault) -> Fault {
    match fault.hint {
        Hint::FewerRows => {
            let problem = "there are more groups than one answer of the server can hold; set `limit`, or take fewer or coarser dimensions";
            Fault::from(too_large(problem))
        }
        _ => fault,
    }
}

/// A row, and how its values become JSON.
struct Found<'r> {
    cells: &'r Cells<'r>,
    writer: Writer,
}

impl Found<'_> {
    fn cell(&self, position: usize) -> Result<&Cell<'_>> {
        self.cells.get(position).ok_or_else(|| internal("the server answers an aggregate with fewer columns"))
    }
}

impl ResultRow for Found<'_> {
    fn json(&self, position: usize, column: &TableColumn, out: &mut Vec<u8>) -> Result<()> {
        self.writer.write(out, self.cell(position)?.stored(&mut Vec::new())?, column)
    }

    fn typed(&self, position: usize) -> Result<Option<Typed>> {
        Ok(Some(match self.cell(position)?.stored(&mut Vec::new())? {
            Stored::Null => return Ok(None),
            Stored::Integer(whole) => Typed::Integer(i128::from(whole)),
            Stored::Real(number) => Typed::Float(number),
            Stored::Text(text) => Typed::Text(String::from_utf8_lossy(text).into_owned()),
            Stored::Blob(_) => return Err(internal("the server answered an aggregate with a blob")),
        }))
    }
}
