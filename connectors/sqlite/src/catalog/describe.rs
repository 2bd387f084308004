//! One table's columns.

use connector_sql::{Reading, Table, TableColumn};
use rusqlite::Connection;

use super::key;
use super::names::{Named, SCHEMA};
use crate::error::Fault;
use crate::types::logical;

/// What the catalogue knows of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) table: Table,
    pub(crate) kind: String,
    /// Positions of the primary key's columns, in key order.
    pub(crate) primary_key: Vec<usize>,
}

/// One row of `table_xinfo`.
struct Info {
    name: String,
    declared: String,
    not_null: bool,
    /// The place in the primary key, from 1; 0 is none.
    key_place: i64,
}

/// Reads a target's columns and key.
pub(crate) fn describe(connection: &Connection, named: &Named) -> Result<Described, Fault> {
    let columns = columns(connection, &named.name)?;
    let mut keyed: Vec<(i64, usize)> = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.key_place > 0)
        .map(|(position, column)| (column.key_place, position))
        .collect();
    keyed.sort_unstable();
    let primary_key: Vec<usize> = keyed.into_iter().map(|(_, position)| position).collect();
    let indexes =
        if named.kind == "table" { key::unique_indexes(connection, &named.name)? } else { Vec::new() };

    // A key of one integer that has no index of its own is the row's number itself, which is never NULL. Every other
    // primary key of an ordinary table may hold NULL unless it says otherwise (sqlite.org/lang_createtable.html, 3.5).
    let is_row_number =
        named.kind == "table" && primary_key.len() == 1 && !indexes.iter().any(|index| index.is_primary_key);
    let columns: Vec<TableColumn> = columns
        .into_iter()
        .map(|column| TableColumn {
            logical_type: logical(&column.declared),
            nullable: !(column.not_null || (column.key_place > 0 && (named.without_rowid || is_row_number))),
            name: column.name,
            native_type: column.declared,
            reading: Reading::Native,
            qualified: None,
        })
        .collect();
    let key = if is_row_number {
        primary_key.clone()
    } else {
        key::choose(connection, &named.name, &columns, indexes)?
    };
    let table =
        Table { name: named.name.clone(), path: vec![SCHEMA.to_owned(), named.name.clone()], columns, key };
    Ok(Described { table, kind: named.kind.clone(), primary_key })
}

fn columns(connection: &Connection, name: &str) -> Result<Vec<Info>, Fault> {
    // `hidden` 1 is a virtual table's argument; 2 and 3 are generated columns, which are read like any other.
    let mut statement = connection.prepare_cached(
        "SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?1, 'main') WHERE hidden <> 1 ORDER BY cid",
    )?;
    let found = statement.query_map([name], |row| {
        Ok(Info {
            name: row.get(0)?,
            declared: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
            not_null: row.get(2)?,
            key_place: row.get(3)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}
