//! Aggregates: result rows as groups.

use connector_sql::{
    AggregateSelect, ClickHouse as Dialect, ClickHouseType, Groups, ResultRow, Table, TableColumn,
};
use semilayer_connector::error::internal;
use semilayer_connector::model::filter::Typed;
use semilayer_connector::model::json::MAX_ROW_BYTES;
use semilayer_connector::prelude::*;
use semilayer_connector::request::aggregate::Function;
use serde_json::value::RawValue;

use crate::lines::{Lines, Next};
use crate::numbers::rewritten;
use crate::session::ClickHouseSession;

/// An aggregate's statement with what makes groups of its rows.
#[derive(Debug)]
pub(crate) struct Aggregated {
    pub(crate) select: AggregateSelect,
    /// Whether a group's lists of values come as rows behind it.
    has_lists: bool,
}

impl Aggregated {
    /// # Errors
    /// `INVALID_JOB` naming the option; `UNSUPPORTED_JOB` for what the server does not compute.
    pub(crate) fn new(base: &Table, joined: &[&Table], request: &Aggregate) -> Result<Aggregated> {
        let select = AggregateSelect::new(&Dialect, base, joined, request)?;
        let is_list = |function: &Function| matches!(function, Function::TopK(..));
        let has_lists = request.measures.iter().any(|measure| is_list(&measure.function));
        Ok(Aggregated { select, has_lists })
    }
}

/// The groups of a result under way.
#[derive(Debug)]
pub(crate) struct Grouped {
    aggregated: Aggregated,
    lines: Lines,
    /// The first row of a group whose others are still to come.
    begun: Option<Vec<u8>>,
}

impl Grouped {
    pub(crate) fn new(aggregated: Aggregated, lines: Lines) -> Grouped {
        Grouped { aggregated, lines, begun: None }
    }
}

impl Rows<ClickHouseSession> for Grouped {
    fn columns(&self) -> Vec<Column> {
        Vec::new()
    }

    fn fill(&mut self, _session: &mut ClickHouseSession, out: &mut RowWriter) -> Result<Fill> {
        let Grouped { aggregated, lines, begun } = self;
        let mut groups = Groups::new(&aggregated.select, MAX_ROW_BYTES);
        if let Some(row) = begun.take() {
            groups.row(&Found::read(&row)?)?;
        }
        loop {
            // A group that has begun is not left in the middle.
            let wait = out.rows() == 0 || aggregated.has_lists;
            let place = match lines.next(wait).map_err(|fault| fault.error)? {
                Next::Row(place) => place,
                Next::Late => return Ok(Fill::Wait),
                Next::End => break,
            };
            let row = lines.bytes(place);
            let Some(group) = groups.row(&Found::read(row)?)? else { continue };
            out.object(group)?;
            if out.is_full() {
                // The row that ended one group has begun the next.
                *begun = aggregated.has_lists.then(|| row.to_vec());
                return Ok(Fill::More);
            }
        }
        if let Some(group) = groups.end()? {
            out.object(group)?;
        }
        Ok(Fill::END)
    }
}

/// The values of a row.
struct Found<'r> {
    cells: Vec<&'r RawValue>,
}

impl<'r> Found<'r> {
    fn read(row: &'r [u8]) -> Result<Found<'r>> {
        let cells = serde_json::from_slice(row);
        Ok(Found { cells: cells.map_err(|_| internal("the server sent a row that is no JSON array"))? })
    }

    fn cell(&self, position: usize) -> Result<&'r str> {
        let cell = self.cells.get(position).map(|cell| cell.get());
        cell.ok_or_else(|| internal("the server answers an aggregate with fewer columns"))
    }
}

impl ResultRow for Found<'_> {
    fn json(&self, position: usize, column: &TableColumn, out: &mut Vec<u8>) -> Result<()> {
        let cell = self.cell(position)?;
        if is_document(column) && cell.starts_with('"') {
            // The text of a value that cannot be NULL itself.
            out.extend_from_slice(text(cell)?.as_bytes());
            return Ok(());
        }
        let mut scratch = Vec::new();
        let floats = ClickHouseType::parse(&column.native_type).has_floats();
        let cell =
            if floats && rewritten(cell.as_bytes(), &mut scratch) { &scratch } else { cell.as_bytes() };
        out.extend_from_slice(cell);
        Ok(())
    }

    fn typed(&self, position: usize) -> Result<Option<Typed>> {
        let cell = self.cell(position)?;
        let digits = match cell.as_bytes().first() {
            Some(b'n') => return Ok(None),
            Some(b'"') => text(cell)?,
            // A number that is no text is a floating-point one, or a short integer.
            _ => match cell.parse::<i32>() {
                Ok(whole) => return Ok(Some(Typed::Integer(whole.into()))),
                Err(_) => {
                    let number = cell.parse().map_err(|_| internal("the server answers with no number"))?;
                    return Ok(Some(Typed::Float(number)));
                }
            },
        };
        Ok(Some(digits.parse().map_or(Typed::Decimal(digits), Typed::Integer)))
    }
}

/// Whether a group's value of this column comes as the text of a JSON document.
fn is_document(column: &TableColumn) -> bool {
    matches!(column.logical_type, LogicalType::Json | LogicalType::Array | LogicalType::Geometry)
}

fn text(cell: &str) -> Result<String> {
    serde_json::from_str(cell).map_err(|_| internal("the server answers an aggregate with no text"))
}
