//! Tables with rows.

use connector_memory::{ColumnDef, Table, Value};
use connector_model::target::LogicalType;
use proptest::prelude::*;

use super::name::{name, names};
use super::one_of;
use super::value::value;
use crate::subject::StoredType;

/// How many columns a table has at most.
const MAX_COLUMNS: usize = 6;
/// How many rows a table has at most: enough for ties, NULLs and several pages.
const MAX_ROWS: usize = 24;

/// What kind of key a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Single,
    Composite,
    Absent,
}

/// `count` tables of these types, whose names end with `suffix` and a number.
pub fn tables(types: &'static [StoredType], count: usize, suffix: &str) -> BoxedStrategy<Vec<Table>> {
    let suffix = suffix.to_owned();
    proptest::collection::vec(table(types), count)
        .prop_map(move |mut tables| {
            for (at, table) in tables.iter_mut().enumerate() {
                table.name = format!("{} {suffix}{at}", table.name);
            }
            tables
        })
        .boxed()
}

fn table(types: &'static [StoredType]) -> BoxedStrategy<Table> {
    let key = one_of(vec![Key::Single, Key::Single, Key::Composite, Key::Composite, Key::Absent]);
    (name(), key, 1..=MAX_COLUMNS)
        .prop_flat_map(move |(name, key, width)| {
            let columns = proptest::collection::vec((one_of(types.to_vec()), any::<bool>()), width);
            (Just(name), Just(key), names(width), columns, any::<bool>())
        })
        .prop_flat_map(|(name, key, names, columns, backwards)| {
            let primary_key = key_columns(key, &columns, backwards);
            let shape: Vec<(StoredType, bool)> = (0..)
                .zip(columns)
                .map(|(at, (stored, nullable))| (stored, nullable && !primary_key.contains(&at)))
                .collect();
            let cells: Vec<BoxedStrategy<Value>> =
                shape.iter().map(|(stored, nullable)| cell(*stored, *nullable)).collect();
            let columns = names
                .into_iter()
                .zip(&shape)
                .map(|(name, (stored, nullable))| ColumnDef {
                    name,
                    logical_type: stored.logical,
                    native_type: stored.native.to_owned(),
                    nullable: *nullable,
                })
                .collect();
            let empty = Table { name, kind: "table".to_owned(), columns, primary_key, rows: Vec::new() };
            (Just(empty), proptest::collection::vec(cells, 0..=MAX_ROWS))
        })
        .prop_map(|(table, rows)| filled(table, rows))
        .boxed()
}

/// The positions of the key: columns whose type has an order, in either sequence.
fn key_columns(key: Key, columns: &[(StoredType, bool)], backwards: bool) -> Vec<usize> {
    let wanted = match key {
        Key::Single => 1,
        Key::Composite => 3,
        Key::Absent => 0,
    };
    let orderable = |at: &usize| columns.get(*at).is_some_and(|(stored, _)| stored.logical.orderable());
    let mut positions: Vec<usize> = (0..columns.len()).filter(orderable).collect();
    if backwards {
        positions.reverse();
    }
    positions.truncate(wanted);
    positions
}

fn cell(stored: StoredType, nullable: bool) -> BoxedStrategy<Value> {
    if nullable { prop_oneof![1 => Just(Value::Null), 2 => value(stored)].boxed() } else { value(stored) }
}

/// The table with those of the rows that it can hold.
fn filled(mut table: Table, rows: Vec<Vec<Value>>) -> Table {
    // Without a key, rows that tie must be the same in every column, or no page of them is determined.
    let has_order = |column: &ColumnDef| column.logical_type.orderable();
    if table.primary_key.is_empty() && !table.columns.iter().all(has_order) {
        let keep: Vec<bool> = table.columns.iter().map(has_order).collect();
        if !keep.contains(&true) {
            return unordered(table, rows);
        }
        table.columns = kept(table.columns, &keep);
        table.rows = rows.into_iter().map(|row| kept(row, &keep)).collect();
        return table;
    }
    for row in rows {
        let repeated =
            !table.primary_key.is_empty() && table.rows.iter().any(|known| table.same_key(known, &row));
        if !repeated {
            table.rows.push(row);
        }
    }
    table
}

/// A table in which nothing has an order: at most one row leaves nothing to order.
fn unordered(mut table: Table, rows: Vec<Vec<Value>>) -> Table {
    table.rows = rows.into_iter().take(1).collect();
    table
}

fn kept<T>(items: Vec<T>, keep: &[bool]) -> Vec<T> {
    items.into_iter().zip(keep).filter_map(|(item, keep)| keep.then_some(item)).collect()
}

/// The first of the types that is of this kind.
pub(crate) fn of_kind(types: &[StoredType], logical: LogicalType) -> Option<StoredType> {
    types.iter().find(|stored| stored.logical == logical).copied()
}
