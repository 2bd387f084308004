//! One table's columns.

use connector_sql::sqlite::{Described, DescribedColumn, Named};
use rusqlite::Connection;

use super::key;
use crate::error::Fault;

/// Reads a target's columns and key.
pub(crate) fn describe(connection: &Connection, named: &Named) -> Result<Described, Fault> {
    let columns = columns(connection, &named.name)?;
    let indexes =
        if named.kind == "table" { key::unique_indexes(connection, &named.name)? } else { Vec::new() };
    Described::new(named, columns, &indexes, |column| key::collation(connection, &named.name, column))
}

fn columns(connection: &Connection, name: &str) -> Result<Vec<DescribedColumn>, Fault> {
    // `hidden` 1 is a virtual table's argument; 2 and 3 are generated columns, which are read like any other.
    let mut statement = connection.prepare_cached(
        "SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?1, 'main') WHERE hidden <> 1 ORDER BY cid",
    )?;
    let found = statement.query_map([name], |row| {
        Ok(DescribedColumn {
            name: row.get(0)?,
            declared: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
            not_null: row.get(2)?,
            key_place: row.get(3)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}
