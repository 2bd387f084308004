//! Aggregates on the session's thread.

use connector_api::SinkLimits;
use connector_model::filter::Typed;
use connector_model::request::Aggregate;
use connector_model::{Error, Result};
use connector_sql::sqlite::Cells;
use connector_sql::{AggregateSelect, Groups, ResultRow, Sqlite, TableColumn};
use rusqlite::Row;
use rusqlite::types::ValueRef;
use tokio::time::Instant;

use crate::answer::{on_tables, with_statement};
use crate::error::Fault;
use crate::flow::Flow;
use crate::types::stored;
use crate::worker::Database;

/// Groups with their measures.
pub(crate) fn aggregate(database: &Database, flow: &Flow, request: &Aggregate, now: Instant) -> Result<()> {
    on_tables(database, flow, (&request.target, &request.joins), now, |table, joined| {
        let select = AggregateSelect::new(&Sqlite, table, joined, request)?;
        let max_bytes = SinkLimits::default().row_bytes;
        let cells = Cells { binary: database.binary, max_bytes };
        with_statement(&database.connection, &select.statement, |statement| {
            let mut groups = Groups::new(&select, max_bytes);
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                if let Some(group) = groups.row(&Found { row, cells })? {
                    flow.object(group)?;
                }
            }
            if let Some(group) = groups.end()? {
                flow.object(group)?;
            }
            Ok(())
        })
    })
}

/// A row, and how its values become JSON.
struct Found<'r> {
    row: &'r Row<'r>,
    cells: Cells,
}

impl Found<'_> {
    fn value(&self, position: usize) -> Result<ValueRef<'_>> {
        self.row.get_ref(position).map_err(|error| Fault::from(error).error)
    }
}

impl ResultRow for Found<'_> {
    fn json(&self, position: usize, column: &TableColumn, out: &mut Vec<u8>) -> Result<()> {
        self.cells.write(out, stored(self.value(position)?), column)
    }

    fn typed(&self, position: usize) -> Result<Option<Typed>> {
        Ok(Some(match self.value(position)? {
            ValueRef::Null => return Ok(None),
            ValueRef::Integer(whole) => Typed::Integer(i128::from(whole)),
            ValueRef::Real(number) => Typed::Float(number),
            ValueRef::Text(text) => Typed::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(_) => {
                let problem = "SQLite answered an aggregate with a blob";
                return Err(Error::internal(problem));
            }
        }))
    }
}
