//! Requests on the session's thread, from names to rows.

use connector_api::{Counted, Page, ServerInfo, SinkLimits};
use connector_model::filter::Typed;
use connector_model::request::aggregate::Join;
use connector_model::request::{Count, Query, Read};
use connector_model::target::{Target, TargetSchema};
use connector_model::{Error, Result};
use connector_sql::sqlite::{Cells, SCHEMA, key_value};
use connector_sql::{Select, Sqlite, Statement, Table};
use rusqlite::Connection;
use tokio::time::Instant;

use crate::catalog::{self, describe, resolve};
use crate::error::Fault;
use crate::flow::Flow;
use crate::types::{bind, stored};
use crate::worker::Database;

/// Statements longer than this are not kept prepared: they hardly come again, and SQLite keeps their text.
const KEPT_TEXT_BYTES: usize = 4 * 1024;

/// A sign of life.
pub(crate) fn ping(database: &Database) -> Result<ServerInfo> {
    alive(&database.connection).map_err(|fault| fault.error)?;
    Ok(ServerInfo { product: "SQLite".to_owned(), version: rusqlite::version().to_owned(), can_write: None })
}

/// Reads the file's header, not only SQLite's own memory.
fn alive(connection: &Connection) -> Result<(), Fault> {
    Ok(connection.query_row("SELECT 1 FROM pragma_schema_version", [], |_| Ok(()))?)
}

/// Rows in key order.
pub(crate) fn read(database: &Database, flow: &Flow, request: &Read, now: Instant) -> Result<Page> {
    on_table(database, flow, &request.target, now, |table| {
        let select = Select::read(&Sqlite, table, request)?;
        // The total stands on the first page only.
        let total = match request.cursor {
            None => Some(Select::read_total(&Sqlite, table, request)?),
            Some(_) => None,
        };
        page(database, flow, table, &select, total.as_ref())
    })
}

/// Filtered, ordered rows.
pub(crate) fn query(database: &Database, flow: &Flow, request: &Query, now: Instant) -> Result<Page> {
    on_tables(database, flow, (&request.target, &request.joins), now, |table, joined| {
        let select = Select::joined(&Sqlite, table, joined, request)?;
        let total = match (request.include_total && joined.is_empty(), &request.cursor) {
            (true, None) => Some(connector_sql::count(&Sqlite, table, &request.filter)?),
            _ => None,
        };
        page(database, flow, select.table(table), &select, total.as_ref())
    })
}

/// How many rows match.
pub(crate) fn count(database: &Database, flow: &Flow, request: &Count, now: Instant) -> Result<Counted> {
    on_table(database, flow, &request.target, now, |table| {
        let statement = connector_sql::count(&Sqlite, table, &request.filter)?;
        Ok(Counted { total: counted(&database.connection, &statement)?, approximate: false })
    })
}

/// Everything that can be read.
pub(crate) fn list_targets(database: &Database) -> Result<Vec<Target>> {
    let found = || -> Result<_, Fault> {
        let estimates = catalog::estimates(&database.connection)?;
        let named = catalog::list(&database.connection)?;
        Ok(named
            .into_iter()
            .map(|named| Target {
                estimated_rows: estimates.get(&named.name).copied(),
                name: named.name,
                kind: named.kind,
                schema: Some(SCHEMA.to_owned()),
            })
            .collect())
    };
    found().map_err(|fault| fault.error)
}

/// What a target is called that a job names.
pub(crate) fn named(database: &Database, target: &str) -> Result<String> {
    resolve(&database.connection, target).map(|named| named.name).map_err(|fault| fault.error)
}

/// One target's columns and key.
pub(crate) fn introspect(database: &Database, target: &str) -> Result<TargetSchema> {
    let found = || -> Result<_, Fault> {
        let named = resolve(&database.connection, target)?;
        let described = describe(&database.connection, &named)?;
        let row_count = catalog::estimates(&database.connection)?.get(&named.name).copied();
        Ok(described.schema(row_count)?)
    };
    found().map_err(|fault| fault.error)
}

fn on_table<T>(
    database: &Database,
    flow: &Flow,
    target: &str,
    now: Instant,
    mut work: impl FnMut(&Table) -> Result<T, Fault>,
) -> Result<T> {
    on_tables(database, flow, (target, &[]), now, |table, _| work(table))
}

/// Runs `work` with a target and those joined to it.
pub(crate) fn on_tables<T>(
    database: &Database,
    flow: &Flow,
    (target, joins): (&str, &[Join]),
    now: Instant,
    mut work: impl FnMut(&Table, &[&Table]) -> Result<T, Fault>,
) -> Result<T> {
    flow.check()?;
    // Rows that are on their way cannot be taken back.
    let spent = || flow.started();
    let targets: Vec<&str> =
        std::iter::once(target).chain(joins.iter().map(|join| join.target.as_str())).collect();
    database
        .catalog
        .with(&database.connection, &targets, now, spent, |described| {
            let tables: Vec<&Table> = described.iter().map(|described| &described.table).collect();
            let (base, joined) =
                tables.split_first().ok_or_else(|| Error::internal("a job without a target"))?;
            work(base, joined)
        })
        .map_err(|fault| fault.error)
}

/// How the rows of a page ended.
#[derive(Default)]
struct Ended {
    rows: u64,
    /// Whether the limit left rows out.
    cut: bool,
    /// The last row's key, where the limit may have left rows out.
    key: Vec<Result<Option<Typed>>>,
}

/// The rows, and then the total where the rows do not show it: after them, in the same transaction.
fn page(
    database: &Database,
    flow: &Flow,
    table: &Table,
    select: &Select,
    total: Option<&Statement>,
) -> Result<Page, Fault> {
    let connection = &database.connection;
    let transaction = match (total, select.limit) {
        // Dropped on any way out, it rolls back: nothing was written.
        (Some(_), Some(_)) => Some(connection.unchecked_transaction()?),
        _ => None,
    };
    let ended = match select.limit {
        Some(0) => Ended::default(),
        _ => rows(database, flow, table, select)?,
    };
    let total = match total {
        None => None,
        Some(_) if select.limit != Some(0) && !ended.cut && (ended.rows > 0 || select.offset == 0) => {
            Some(select.offset.saturating_add(ended.rows))
        }
        Some(statement) => {
            flow.offer();
            Some(counted(connection, statement)?)
        }
    };
    if let Some(transaction) = transaction {
        transaction.commit()?;
    }
    let (next_cursor, cursor_kind) = match ended.cut {
        true => {
            let key = ended.key.into_iter().collect::<Result<_>>()?;
            Some(select.next_cursor(key, ended.rows)?).unzip()
        }
        false => (None, None),
    };
    Ok(Page { next_cursor, cursor_kind, total })
}

fn rows(database: &Database, flow: &Flow, table: &Table, select: &Select) -> Result<Ended, Fault> {
    let visible = select.fetched.get(..select.visible).unwrap_or_default();
    let columns = visible.iter().map(|column| table.column(*column)).collect::<Result<Vec<_>>>()?;
    let key = select
        .key
        .iter()
        .map(|at| {
            let column = select.fetched.get(*at).ok_or_else(|| Error::internal("a key outside its row"))?;
            Ok((*at, table.column(*column)?))
        })
        .collect::<Result<Vec<_>>>()?;
    let cells = Cells { binary: database.binary, max_bytes: SinkLimits::default().row_bytes };
    flow.columns(columns.iter().map(|column| column.name.as_str()));
    with_statement(&database.connection, &select.statement, |statement| {
        let mut ended = Ended::default();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            if select.limit == Some(ended.rows) {
                ended.cut = true;
                break;
            }
            flow.row(|writer| {
                for (position, column) in columns.iter().enumerate() {
                    let value = row.get_ref(position).map_err(|error| Fault::from(error).error)?;
                    cells.write(writer.cell()?, stored(value), column)?;
                }
                Ok(())
            })?;
            ended.rows += 1;
            if select.limit == Some(ended.rows) {
                for (position, column) in &key {
                    ended.key.push(key_value(stored(row.get_ref(*position)?), column));
                }
            }
        }
        Ok(ended)
    })
}

fn counted(connection: &Connection, statement: &Statement) -> Result<u64, Fault> {
    with_statement(connection, statement, |statement| {
        let mut rows = statement.raw_query();
        let counted: i64 = match rows.next()? {
            Some(row) => row.get(0)?,
            None => return Err(Error::internal("a count without a row").into()),
        };
        Ok(u64::try_from(counted).map_err(|_| Error::internal("a negative count"))?)
    })
}

/// Prepares, or takes from those kept prepared, binds, and runs.
pub(crate) fn with_statement<T>(
    connection: &Connection,
    sql: &Statement,
    run: impl FnOnce(&mut rusqlite::Statement<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    if sql.text.len() > KEPT_TEXT_BYTES {
        let mut statement = connection.prepare(&sql.text)?;
        bind(&mut statement, &sql.params)?;
        return run(&mut statement);
    }
    let mut statement = connection.prepare_cached(&sql.text)?;
    bind(&mut statement, &sql.params)?;
    run(&mut statement)
}
