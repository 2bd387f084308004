//! What the database holds: targets, columns, keys. Kept for a minute, dropped when a statement shows it is stale.

mod describe;
mod list;
mod types;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector_model::request::aggregate::Join;
use connector_model::target::LogicalType;
use connector_sql::{Reading, Table};
use tokio::time::Instant;

pub(crate) use describe::describe;
pub(crate) use list::list;

/// How long a description is trusted.
const LIFE: Duration = Duration::from_secs(60);
/// The most descriptions kept; a source with more targets in use reads some of them anew.
const KEPT: usize = 2_000;

/// A target as the catalogue describes it.
#[derive(Debug)]
pub(crate) struct Described {
    /// What SQL is made from.
    pub(crate) table: Table,
    /// `table`, `view`, …
    pub(crate) kind: &'static str,
    /// The columns of the declared primary key.
    pub(crate) primary_key: Vec<usize>,
    /// The storage engine's estimate of the number of rows.
    pub(crate) estimated_rows: Option<u64>,
    /// The columns whose character set does not have every character.
    pub(super) narrow: Vec<usize>,
}

impl Described {
    /// The table as it is asked about once a filter turned out to hold a character that a column cannot: such columns
    /// are compared as the Unicode text that they hold, which no such operand equals. It costs them their indexes and
    /// their collation, so it is done for that one statement only. The columns that `joins` hold against others are
    /// among them: those may have another collation, which the server says in the same words.
    pub(crate) fn widened(&self, joins: &[Join]) -> Described {
        let mut table = self.table.clone();
        for (position, column) in table.columns.iter_mut().enumerate() {
            let joined = || {
                column.logical_type == LogicalType::Text && joins.iter().any(|join| join.local == column.name)
            };
            if self.narrow.contains(&position) || joined() {
                column.reading = Reading::AsText;
            }
        }
        Described {
            table,
            kind: self.kind,
            primary_key: self.primary_key.clone(),
            estimated_rows: self.estimated_rows,
            narrow: Vec::new(),
        }
    }
}

/// The descriptions of one source's targets, shared by its sessions.
#[derive(Default)]
pub(crate) struct Catalog {
    known: Mutex<HashMap<String, (Instant, Arc<Described>)>>,
}

impl Catalog {
    /// The description under that name, if it is fresh.
    pub(crate) fn get(&self, target: &str) -> Option<Arc<Described>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(target).filter(|(read, _)| read.elapsed() < LIFE).map(|(_, described)| described.clone())
    }

    /// Keeps a description.
    pub(crate) fn put(&self, target: &str, described: Arc<Described>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.retain(|_, (read, _)| read.elapsed() < LIFE);
        }
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(target.to_owned(), (Instant::now(), described));
    }

    /// Forgets a description that turned out stale.
    pub(crate) fn forget(&self, target: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(target);
    }
}
