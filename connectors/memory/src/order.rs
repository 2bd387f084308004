//! Ordering, and where a page ended.

use std::cmp::Ordering;

use connector_model::cursor::{CursorKind, Position, Scope};
use connector_model::error::{Error, Result};
use connector_model::request::Order;
use connector_model::target::LogicalType;

use crate::profile::Profile;
use crate::table::Table;
use crate::value::Value;

/// A total order of a table's rows (rows that tie are the same in every column that has an order).
#[derive(Debug)]
pub struct RowOrder<'t> {
    table: &'t Table,
    profile: &'t Profile,
    /// Positions and whether the largest comes first.
    columns: Vec<(usize, bool)>,
    text: String,
}

/// Where the rows of a page begin.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// After the row with these ordered values.
    After(Vec<Value>),
    /// After this many rows.
    Offset(u64),
}

impl<'t> RowOrder<'t> {
    /// The order that a request asks for, ties broken by the key, or by every other column that has an order when
    /// there is no key.
    ///
    /// # Errors
    /// `INVALID_JOB` naming `orderBy` and the column that does not exist.
    pub fn new(table: &'t Table, profile: &'t Profile, orders: &[Order]) -> Result<RowOrder<'t>> {
        let mut columns = Vec::new();
        for order in orders {
            columns.push((table.position("orderBy", &order.column)?, order.descending));
        }
        let orderable = |at: &usize| table.columns.get(*at).is_some_and(|c| c.logical_type.orderable());
        let breakers: Vec<usize> = match table.key() {
            [] => (0..table.columns.len()).filter(orderable).collect(),
            key => key.to_vec(),
        };
        for at in breakers {
            if !columns.iter().any(|(known, _)| *known == at) {
                columns.push((at, false));
            }
        }
        let parts: Vec<String> = columns
            .iter()
            .filter_map(|(at, descending)| {
                let direction = if *descending { "desc" } else { "asc" };
                table.columns.get(*at).map(|column| format!("{} {direction}", column.name))
            })
            .collect();
        Ok(RowOrder { table, profile, columns, text: parts.join(", ") })
    }

    /// Whether pages resume after a key or after a number of rows.
    pub fn cursor_kind(&self) -> CursorKind {
        if self.table.key().is_empty() { CursorKind::Offset } else { CursorKind::Keyset }
    }

    /// Two rows in this order.
    pub fn compare(&self, left: &[Value], right: &[Value]) -> Ordering {
        self.compare_by(|at| (left.get(at), right.get(at)))
    }

    fn compare_by<'v>(&self, cells: impl Fn(usize) -> (Option<&'v Value>, Option<&'v Value>)) -> Ordering {
        let one = |(at, descending): &(usize, bool)| {
            let (left, right) = cells(*at);
            let order = self.profile.compare(left.unwrap_or(&Value::Null), right.unwrap_or(&Value::Null));
            if *descending { order.reverse() } else { order }
        };
        self.columns.iter().map(one).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }

    /// Whether `row` comes after the row whose ordered values are `key`.
    pub fn is_after(&self, row: &[Value], key: &[Value]) -> bool {
        let of_key = |at: usize| self.columns.iter().position(|(column, _)| *column == at);
        self.compare_by(|at| (row.get(at), of_key(at).and_then(|place| key.get(place)))).is_gt()
    }

    fn scope(&self) -> Scope<'_> {
        let plain = match (self.table.key(), self.columns.as_slice()) {
            ([key], [(ordered, false)]) if key == ordered => {
                self.table.columns.get(*key).is_some_and(|column| {
                    use LogicalType::{Integer, Text, Uuid};
                    matches!(column.logical_type, Integer | Text | Uuid)
                })
            }
            _ => false,
        };
        Scope { target: &self.table.name, order: &self.text, plain }
    }

    /// The cursor of a page that ended with `last` and left `passed` rows behind it.
    pub fn issue(&self, last: &[Value], passed: u64) -> String {
        let position = match self.cursor_kind() {
            CursorKind::Offset | CursorKind::Scan => Position::Offset(passed),
            CursorKind::Keyset => Position::After(
                self.columns.iter().map(|(at, _)| last.get(*at).and_then(Value::to_part)).collect(),
            ),
        };
        self.scope().issue(&position)
    }

    /// Where the page of a cursor begins.
    ///
    /// # Errors
    /// `INVALID_JOB` naming `cursor` when it does not belong to this table and order.
    pub fn start(&self, cursor: &str) -> Result<Start> {
        let foreign = || Error::option("cursor", "is not one that this request issued");
        match (self.scope().read(cursor, self.columns.len())?, self.cursor_kind()) {
            (Position::Offset(rows), CursorKind::Offset) => Ok(Start::Offset(rows)),
            (Position::After(parts), CursorKind::Keyset) => {
                let value = |(part, (at, _)): (&Option<String>, &(usize, bool))| match part {
                    None => Some(Value::Null),
                    Some(part) => Value::from_part(part, self.table.columns.get(*at)?.logical_type),
                };
                let key: Option<Vec<Value>> = parts.iter().zip(&self.columns).map(value).collect();
                key.map(Start::After).ok_or_else(foreign)
            }
            _ => Err(foreign()),
        }
    }
}
