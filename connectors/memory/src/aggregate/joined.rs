//! The rows of a target with those of its joins beside them, as one wide table.

use connector_model::error::{Error, Result};
use connector_model::request::Aggregate;
use connector_model::request::aggregate::Join;

use super::types::{has_order, is_number};
use crate::database::Database;
use crate::table::{ColumnDef, Table};
use crate::value::Value;

/// What the rows of an aggregate look like before any is dropped: the columns of each join as `alias.column`, then
/// the target's own. The key is the target's own; a join that matches several rows repeats it.
///
/// # Errors
/// `INVALID_TARGET` and `INVALID_JOB`, naming `joins`.
pub(super) fn wide(database: &Database, request: &Aggregate) -> Result<Table> {
    let own = database.table(&request.target)?;
    let mut columns = own.columns.clone();
    let (mut primary_key, mut unique_index) = (own.primary_key.clone(), own.unique_index.clone());
    let mut rows = own.rows.clone();
    for join in &request.joins {
        positions(own, foreign(database, join)?, join)?;
    }
    // The first join is put in front last, so every join finds the own columns at the end.
    for join in request.joins.iter().rev() {
        let foreign = foreign(database, join)?;
        let (local_at, foreign_at) = positions(own, foreign, join)?;
        let local_at = columns.len() - own.columns.len() + local_at;
        rows = rows
            .iter()
            .flat_map(|row| {
                let local = row.get(local_at).unwrap_or(&Value::Null);
                matches(foreign, foreign_at, local).into_iter().map(|mut beside| {
                    beside.extend(row.iter().cloned());
                    beside
                })
            })
            .collect();
        let named = |column: &ColumnDef| format!("{}.{}", join.alias, column.name);
        if let Some(clash) =
            foreign.columns.iter().map(named).find(|name| own.columns.iter().any(|c| c.name == *name))
        {
            let problem = format_args!("target \"{}\" has a column \"{clash}\" of its own", own.name);
            return Err(Error::option("joins", problem).with("column", clash.as_str()));
        }
        let beside = foreign.columns.iter().map(|column| ColumnDef {
            name: named(column),
            nullable: true,
            ..column.clone()
        });
        columns = beside.chain(columns).collect();
        primary_key.iter_mut().chain(&mut unique_index).for_each(|at| *at += foreign.columns.len());
    }
    Ok(Table { name: own.name.clone(), kind: own.kind.clone(), columns, primary_key, unique_index, rows })
}

/// The target of a join.
fn foreign<'d>(database: &'d Database, join: &Join) -> Result<&'d Table> {
    database.table(&join.target).map_err(|error| error.with("option", "joins"))
}

/// The positions of a join's columns in their tables.
fn positions(own: &Table, foreign: &Table, join: &Join) -> Result<(usize, usize)> {
    let local_at = own.position("joins", &join.local)?;
    let foreign_at = foreign.position("joins", &join.foreign)?;
    let logical = |table: &Table, at: usize| table.columns.get(at).map(|column| column.logical_type);
    let (local, other) = (logical(own, local_at), logical(foreign, foreign_at));
    let comparable = (local == other && local.is_some_and(has_order))
        || (local.is_some_and(is_number) && other.is_some_and(is_number));
    if comparable {
        return Ok((local_at, foreign_at));
    }
    let problem = format_args!(
        "column \"{}\" of \"{}\" and column \"{}\" of \"{}\" are of types that never equal each other",
        join.local, own.name, join.foreign, foreign.name
    );
    Err(Error::option("joins", problem).with("column", join.local.as_str()))
}

/// The rows whose column equals the value; one of NULLs when there is none.
fn matches(foreign: &Table, at: usize, value: &Value) -> Vec<Vec<Value>> {
    let equals = |row: &&Vec<Value>| row.get(at).is_some_and(|other| value.equals(other));
    let found: Vec<Vec<Value>> = foreign.rows.iter().filter(equals).cloned().collect();
    if found.is_empty() { vec![vec![Value::Null; foreign.columns.len()]] } else { found }
}
