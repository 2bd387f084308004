//! One question, its whole answer.

use connector_sql::Statement;

use super::statements::Statements;
use crate::params::arguments;
use crate::types::{Binary, Decoder};
use crate::wire::{Cells, Event, Failure, Wire};

/// A small row as plain texts.
pub(crate) type PlainRow = Vec<Option<String>>;

/// Runs a statement that answers with no rows.
///
/// # Errors
/// What the server or the connection said.
pub(crate) async fn run(wire: &mut Wire, text: &str) -> Result<(), Failure> {
    wire.query(text);
    loop {
        match wire.step().await? {
            Event::Done => return Ok(()),
            Event::Refused(error) => return Err(Failure::Refused(error)),
            // Rows that nobody asked for are passed over.
            Event::Columns | Event::Row(_) | Event::Prepared(_) => {}
        }
    }
}

/// Runs a statement whose rows are few, each value as plain text.
///
/// # Errors
/// What the server or the connection said.
pub(crate) async fn fetch(
    wire: &mut Wire,
    statements: &mut Statements,
    statement: &Statement,
) -> Result<Vec<PlainRow>, Failure> {
    let kept = statements.get(wire, &statement.text).await?;
    wire.execute(kept, &arguments(statement));
    let mut rows = Vec::new();
    loop {
        match wire.step().await? {
            Event::Done => return Ok(rows),
            Event::Refused(error) => return Err(Failure::Refused(error)),
            Event::Row(row) => rows.push(plain(wire, &row)?),
            Event::Columns | Event::Prepared(_) => {}
        }
    }
}

fn plain(wire: &Wire, row: &[u8]) -> Result<PlainRow, Failure> {
    let columns = wire.columns();
    let mut cells = Cells::new(row, columns.len())?;
    let mut texts = Vec::with_capacity(columns.len());
    for column in columns {
        let decoder = Decoder::of(column, Binary::Base64);
        let text = cells.next(column)?.map(|raw| decoder.plain(raw)).transpose();
        texts.push(text.map_err(|_| Failure::Garbled("a value of the catalogue cannot be read"))?);
    }
    Ok(texts)
}
