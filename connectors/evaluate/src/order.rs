//! The order of rows, and where a page of them ended.

use std::cmp::Ordering;

use connector_model::cursor::{CursorKind, Position, Scope};
use connector_model::error::{Error, Result};
use connector_model::json;
use connector_model::request::Order;
use connector_model::target::LogicalType;
use serde::de::IgnoredAny;

use crate::condition::Place;
use crate::table::Table;
use crate::value::{NULL, text};

/// A total order where the target has a key, else the best there is: every column that has an order.
#[derive(Debug, Clone)]
pub struct RowOrder {
    target: String,
    /// Each with whether the largest comes first.
    columns: Vec<(Place, bool)>,
    /// The order as text, by which a cursor of another one is recognised.
    text: String,
    kind: CursorKind,
    /// Whether the cursor is the plain text of one key.
    plain: bool,
    nulls_last: bool,
}

/// Where the rows of a page begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// After the row whose ordered cells these are.
    After(Vec<Vec<u8>>),
    /// After this many rows.
    Offset(u64),
}

impl RowOrder {
    /// What is asked for, ties broken by the key.
    ///
    /// # Errors
    /// `INVALID_JOB` naming `orderBy` and a column that is not there.
    pub fn new(table: &Table, order_by: &[Order]) -> Result<RowOrder> {
        let mut columns: Vec<(Place, bool)> = Vec::new();
        for order in order_by {
            columns.push((table.place("orderBy", &order.column)?, order.descending));
        }
        let fields = table.fields().iter().enumerate();
        let breakers = fields.filter(|(at, field)| match table.key() {
            [] => field.logical_type.orderable(),
            key => key.contains(at),
        });
        let mut breakers: Vec<Place> = breakers.map(|(at, field)| field.at(at)).collect();
        // A key's columns in the key's own order.
        breakers.sort_by_key(|place| table.key().iter().position(|at| *at == place.at));
        for place in breakers {
            if columns.iter().all(|(known, _)| known.at != place.at) {
                columns.push((place, false));
            }
        }
        let part = |(place, descending): &(Place, bool)| {
            let field = table.fields().get(place.at)?;
            Some(format!("{} {}", field.name, if *descending { "desc" } else { "asc" }))
        };
        let text = columns.iter().filter_map(part).collect::<Vec<_>>().join(", ");
        let keyset = !table.key().is_empty() && columns.iter().all(|(place, _)| place.kind.orderable());
        let plain = matches!(
            columns.as_slice(),
            [(Place { kind: LogicalType::Integer | LogicalType::Uuid | LogicalType::Text, .. }, false)]
        );
        Ok(RowOrder {
            target: table.name().to_owned(),
            columns,
            text,
            kind: if keyset { CursorKind::Keyset } else { CursorKind::Offset },
            plain: keyset && plain,
            nulls_last: table.conventions().nulls_last,
        })
    }

    /// The positions of the ordered columns.
    pub fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        self.columns.iter().map(|(place, _)| place.at)
    }

    /// How the end of a page is kept.
    pub fn cursor_kind(&self) -> CursorKind {
        self.kind
    }

    /// The same order over rows of which only these columns are kept, in this sequence.
    #[must_use]
    pub fn over(mut self, kept: &[usize]) -> RowOrder {
        for (place, _) in &mut self.columns {
            // A column that is not kept is NULL.
            place.at = kept.iter().position(|at| *at == place.at).unwrap_or(usize::MAX);
        }
        self
    }

    /// Two rows in this order, given their cells by position.
    pub fn compare<'c>(
        &self,
        left: impl Fn(usize) -> &'c [u8],
        right: impl Fn(usize) -> &'c [u8],
    ) -> Ordering {
        let one = |(place, descending): &(Place, bool)| {
            let order = self.values(*place, left(place.at), right(place.at));
            if *descending { order.reverse() } else { order }
        };
        self.columns.iter().map(one).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }

    /// Whether a row comes after the one whose ordered cells are `key`.
    pub fn is_after<'c>(&self, row: impl Fn(usize) -> &'c [u8], key: &[Vec<u8>]) -> bool {
        let one = |((place, descending), key): (&(Place, bool), &Vec<u8>)| {
            let order = self.values(*place, row(place.at), key);
            if *descending { order.reverse() } else { order }
        };
        let ordered = self.columns.iter().zip(key).map(one).find(|order| order.is_ne());
        ordered.is_some_and(Ordering::is_gt)
    }

    fn values(&self, place: Place, left: &[u8], right: &[u8]) -> Ordering {
        match (left == NULL, right == NULL) {
            (true, true) => Ordering::Equal,
            (false, false) => place.read(left).order(&place.read(right)),
            (left_is_null, _) if left_is_null == self.nulls_last => Ordering::Greater,
            _ => Ordering::Less,
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope { target: &self.target, order: &self.text, plain: self.plain }
    }

    /// The cursor of a page that ended with the row of these cells and left `passed` rows behind it.
    pub fn issue<'c>(&self, last: impl Fn(usize) -> &'c [u8], passed: u64) -> String {
        let part = |(place, _): &(Place, bool)| {
            let cell = last(place.at);
            match cell {
                NULL => None,
                // The key's own text, as the published bridges issue it.
                _ if self.plain => Some(text(cell).into_owned()),
                _ => Some(String::from_utf8_lossy(cell).into_owned()),
            }
        };
        self.scope().issue(&match self.kind {
            CursorKind::Keyset => Position::After(self.columns.iter().map(part).collect()),
            CursorKind::Offset | CursorKind::Scan => Position::Offset(passed),
        })
    }

    /// Where the page of a cursor begins.
    ///
    /// # Errors
    /// `INVALID_JOB` naming `cursor` when it does not belong to this target and order.
    pub fn start(&self, cursor: &str) -> Result<Start> {
        let foreign = || Error::option("cursor", "is not one that this request issued");
        match (self.scope().read(cursor, self.columns.len())?, self.kind) {
            (Position::Offset(rows), CursorKind::Offset) => Ok(Start::Offset(rows)),
            (Position::After(parts), CursorKind::Keyset) => {
                let cells = parts.into_iter().zip(&self.columns);
                let cells = cells.map(|(part, (place, _))| self.cell(part, place.kind));
                cells.collect::<Option<_>>().map(Start::After).ok_or_else(foreign)
            }
            _ => Err(foreign()),
        }
    }

    /// The cell of a cursor's part; `None` for what none can be.
    fn cell(&self, part: Option<String>, kind: LogicalType) -> Option<Vec<u8>> {
        let Some(part) = part else { return Some(NULL.to_vec()) };
        if !self.plain {
            serde_json::from_str::<IgnoredAny>(&part).ok()?;
            return Some(part.into_bytes());
        }
        if kind == LogicalType::Integer {
            part.parse::<i128>().ok()?;
        }
        let mut cell = Vec::with_capacity(part.len() + 2);
        json::text(&mut cell, &part);
        Some(cell)
    }
}
