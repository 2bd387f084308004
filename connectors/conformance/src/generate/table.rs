//! Tables with rows.

use connector_memory::{ColumnDef, Table, Value};
use connector_model::target::LogicalType;
use proptest::prelude::*;
use proptest::sample::Index;

use super::name::{name, names};
use super::one_of;
use super::value::{Mood, value};
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
    /// No primary key, but a unique index over one column or three.
    UniqueIndex(bool),
    Absent,
}

/// `count` tables of these types, whose names end with `suffix` and a number. Each but the first has a column whose
/// values are mostly those of a column of the table before it.
pub fn tables(types: &'static [StoredType], count: usize, suffix: &str) -> BoxedStrategy<Vec<Table>> {
    let suffix = suffix.to_owned();
    let picks = proptest::collection::vec(any::<Index>(), MAX_ROWS);
    (proptest::collection::vec(table(types), count), proptest::collection::vec(picks, count))
        .prop_map(move |(mut tables, picks)| {
            for (at, table) in tables.iter_mut().enumerate() {
                table.name = format!("{} {suffix}{at}", table.name);
            }
            let mut before: Option<Table> = None;
            for (table, picks) in tables.iter_mut().zip(picks) {
                if let Some(before) = &before {
                    refer(table, before, &picks);
                }
                before = Some(table.clone());
            }
            tables
        })
        .boxed()
}

/// What the column that refers to another table is called.
pub(super) const REFERENCE: &str = "the other's";

/// Adds a column with values of the other table's first column that has an order, and NULLs.
fn refer(table: &mut Table, other: &Table, picks: &[Index]) {
    let first = other.columns.iter().position(|column| column.logical_type.orderable());
    let Some((at, column)) = first.and_then(|at| Some((at, other.columns.get(at)?))) else { return };
    table.columns.push(ColumnDef { name: REFERENCE.to_owned(), nullable: true, ..column.clone() });
    for (row, pick) in table.rows.iter_mut().zip(picks) {
        let chosen = other.rows.get(pick.index(other.rows.len() + 2));
        row.push(chosen.and_then(|chosen| chosen.get(at)).cloned().unwrap_or(Value::Null));
    }
}

fn table(types: &'static [StoredType]) -> BoxedStrategy<Table> {
    let keys = [Key::Single, Key::Composite, Key::Single, Key::Composite, Key::Absent];
    let key = one_of(keys.into_iter().chain([Key::UniqueIndex(false), Key::UniqueIndex(true)]).collect());
    (name(), key, 1..=MAX_COLUMNS)
        .prop_flat_map(move |(name, key, width)| {
            let mood = prop_oneof![Just(Mood::Extreme), Just(Mood::Calm)];
            let columns = proptest::collection::vec((one_of(weighted(types)), any::<bool>(), mood), width);
            (Just(name), Just(key), names(width), columns, any::<bool>())
        })
        .prop_flat_map(|(name, key, names, columns, backwards)| {
            let positions = key_columns(key, &columns, backwards);
            let shape: Vec<(StoredType, bool, Mood)> = (0..)
                .zip(columns)
                .map(|(at, (stored, nullable, mood))| (stored, nullable && !positions.contains(&at), mood))
                .collect();
            let cells: Vec<BoxedStrategy<Value>> =
                shape.iter().map(|(stored, nullable, mood)| cell(*stored, *nullable, *mood)).collect();
            let columns = names
                .into_iter()
                .zip(&shape)
                .map(|(name, (stored, nullable, _))| ColumnDef {
                    name,
                    logical_type: stored.logical,
                    native_type: stored.native.to_owned(),
                    nullable: *nullable,
                })
                .collect();
            let (primary_key, unique_index) = match key {
                Key::UniqueIndex(_) => (Vec::new(), positions),
                _ => (positions, Vec::new()),
            };
            let kind = "table".to_owned();
            let empty = Table { name, kind, columns, primary_key, unique_index, rows: Vec::new() };
            (Just(empty), proptest::collection::vec(cells, 0..=MAX_ROWS))
        })
        .prop_map(|(table, rows)| filled(table, rows))
        .boxed()
}

/// The types, those that most can be asked about more often.
fn weighted(types: &[StoredType]) -> Vec<StoredType> {
    let weight = |stored: &StoredType| match stored.logical {
        LogicalType::Text => 3,
        LogicalType::Integer => 2,
        _ => 1,
    };
    types.iter().flat_map(|stored| std::iter::repeat_n(*stored, weight(stored))).collect()
}

/// The positions of the key: columns whose type has an order, in either sequence.
fn key_columns(key: Key, columns: &[(StoredType, bool, Mood)], backwards: bool) -> Vec<usize> {
    let wanted = match key {
        Key::Single | Key::UniqueIndex(false) => 1,
        Key::Composite | Key::UniqueIndex(true) => 3,
        Key::Absent => 0,
    };
    let orderable = |at: &usize| columns.get(*at).is_some_and(|(stored, ..)| stored.logical.orderable());
    let mut positions: Vec<usize> = (0..columns.len()).filter(orderable).collect();
    if backwards {
        positions.reverse();
    }
    // A key that begins with a boolean alone leaves two rows.
    let narrow =
        |at: &usize| columns.get(*at).is_some_and(|(stored, ..)| stored.logical == LogicalType::Boolean);
    positions.sort_by_key(narrow);
    positions.truncate(wanted);
    positions
}

fn cell(stored: StoredType, nullable: bool, mood: Mood) -> BoxedStrategy<Value> {
    let value = value(stored, mood);
    if nullable { prop_oneof![1 => Just(Value::Null), 2 => value].boxed() } else { value }
}

/// The table with those of the rows that it can hold.
fn filled(mut table: Table, rows: Vec<Vec<Value>>) -> Table {
    // Without a key, rows that tie must be the same in every column, or no page of them is determined.
    let has_order = |column: &ColumnDef| column.logical_type.orderable();
    if table.key().is_empty() && !table.columns.iter().all(has_order) {
        let keep: Vec<bool> = table.columns.iter().map(has_order).collect();
        if !keep.contains(&true) {
            return unordered(table, rows);
        }
        table.columns = kept(table.columns, &keep);
        table.rows = rows.into_iter().map(|row| kept(row, &keep)).collect();
        return table;
    }
    for row in rows {
        let repeated = !table.key().is_empty() && table.rows.iter().any(|known| table.same_key(known, &row));
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
