//! Rows in an order that the server does not have: all are looked at, those that are asked for are held.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use semilayer_connector::error;
use semilayer_connector::prelude::{Column, CursorKind, Fill, Order, Result, RowWriter, Rows};

use crate::cell::Rank;
use crate::commands::Commands;
use crate::flow::{Passing, Shown};
use crate::paging::Paging;
use crate::row::Row;
use crate::session::Keyspace;

/// How many bytes of rows are held while they are sorted: a quarter of the memory that a component has by default.
const HELD_BYTES: usize = 32 * 1024 * 1024;

/// What a held row costs besides its bytes and those it is sorted by, about.
const ROW_BYTES: usize = 192;

/// A row's place in the order.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place(Vec<(Rank, bool)>);

impl Place {
    fn new(ranks: impl IntoIterator<Item = Rank>, orders: &[Order]) -> Place {
        Place(ranks.into_iter().zip(orders.iter().map(|order| order.descending)).collect())
    }

    fn held_bytes(&self) -> usize {
        self.0.iter().map(|(rank, _)| rank.held_bytes()).sum()
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Place) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Place) -> Ordering {
        let one = |((left, descending), (right, _)): (&(Rank, bool), &(Rank, bool))| match descending {
            true => right.cmp(left),
            false => left.cmp(right),
        };
        self.0.iter().zip(&other.0).map(one).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

/// Which of the sorted rows are asked for.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// Only those behind this place.
    pub after: Option<Vec<Rank>>,
    /// So many of them are passed over.
    pub offset: u64,
    /// And so many shown.
    pub limit: Option<u64>,
}

/// Sorted rows.
pub struct Ranked {
    shown: Shown,
    rows: std::vec::IntoIter<Vec<u8>>,
    next_cursor: Option<String>,
}

impl Ranked {
    /// Looks at all rows and sorts those of the window.
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE` when they do not fit into memory; what the server refused, or the network broke.
    pub fn sort(
        commands: &mut impl Commands,
        mut rows: Passing,
        shown: Shown,
        paging: &Paging,
        window: &Window,
    ) -> Result<Ranked> {
        let orders = paging.columns();
        let after = window.after.clone().map(|ranks| Place::new(ranks, orders));
        let limit = window.limit.unwrap_or(u64::MAX);
        // One more shows whether anything follows.
        let held =
            usize::try_from(window.offset.saturating_add(limit).saturating_add(1)).unwrap_or(usize::MAX);
        let mut sorted: BTreeMap<Place, Vec<u8>> = BTreeMap::new();
        let mut bytes = 0;
        while let Some(fetched) = rows.next(commands, None)? {
            let row = Row::of(&fetched);
            let place = Place::new(orders.iter().map(|order| row.rank(&order.column)), orders);
            let is_before = after.as_ref().is_some_and(|after| place <= *after);
            let is_beyond =
                sorted.len() >= held && sorted.last_key_value().is_some_and(|(last, _)| place >= *last);
            if is_before || is_beyond {
                continue;
            }
            let mut object = Vec::new();
            row.write(&mut object, &shown.columns, shown.all)?;
            let cost = |place: &Place, object: &Vec<u8>| place.held_bytes() + object.len() + ROW_BYTES;
            let (place_bytes, added) = (place.held_bytes(), cost(&place, &object));
            bytes += added;
            if let Some(twin) = sorted.insert(place, object) {
                bytes -= place_bytes + twin.len() + ROW_BYTES;
            }
            if sorted.len() > held
                && let Some((place, object)) = sorted.pop_last()
            {
                bytes -= cost(&place, &object);
            }
            if bytes > HELD_BYTES {
                return Err(error::too_large(format!(
                    "sorting these rows takes more than {} MiB, and the server does not sort; set a smaller `limit`, \
                     select fewer columns, or leave `orderBy` out",
                    HELD_BYTES / (1024 * 1024)
                )));
            }
        }
        let offset = usize::try_from(window.offset).unwrap_or(usize::MAX);
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let cut = sorted.len().saturating_sub(offset) > most;
        let mut page: Vec<(Place, Vec<u8>)> = sorted.into_iter().skip(offset).take(most).collect();
        let next_cursor = page.last().filter(|_| cut).map(|(place, _)| {
            let ranks: Vec<Rank> = place.0.iter().map(|(rank, _)| rank.clone()).collect();
            paging.after_ranks(&ranks)
        });
        let rows: Vec<Vec<u8>> = page.drain(..).map(|(_, object)| object).collect();
        Ok(Ranked { shown, rows: rows.into_iter(), next_cursor })
    }
}

impl<C: Commands> Rows<Keyspace<C>> for Ranked {
    fn columns(&self) -> Vec<Column> {
        self.shown.columns.clone()
    }

    fn fill(&mut self, _session: &mut Keyspace<C>, out: &mut RowWriter) -> Result<Fill> {
        for object in self.rows.by_ref() {
            out.splice(1, &object)?;
            if out.is_full() {
                return Ok(Fill::More);
            }
        }
        Ok(match self.next_cursor.take() {
            None => Fill::END,
            Some(cursor) => Fill::page(cursor, CursorKind::Keyset),
        })
    }
}
