//! Rows one behind the other: keys are looked for, fetched, tested, and written.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use semilayer_connector::prelude::{Column, CursorKind, Fill, Result, RowWriter, Rows};

use crate::commands::Commands;
use crate::condition::Condition;
use crate::document::Fetched;
use crate::fetch::Fetcher;
use crate::keys::Keys;
use crate::paging::{Paging, ScanPlace};
use crate::row::Row;
use crate::session::Keyspace;

/// How long rows wait for others to go out with.
const PATIENCE: Duration = Duration::from_millis(20);

/// The rows that pass a condition, in the order of their keys.
pub struct Passing {
    keys: Keys,
    condition: Condition,
    fetcher: Fetcher,
    waiting: VecDeque<Box<str>>,
    ready: VecDeque<Fetched>,
    ended: bool,
}

impl Passing {
    /// The rows of these keys that pass; `hashes` is what most of them are expected to be.
    pub fn new(keys: Keys, condition: Condition, hashes: bool) -> Passing {
        Passing {
            keys,
            condition,
            fetcher: Fetcher::expecting(hashes),
            waiting: VecDeque::new(),
            ready: VecDeque::new(),
            ended: false,
        }
    }

    /// Puts keys before all others.
    pub fn begin_with(&mut self, carried: Vec<Box<str>>) {
        self.waiting.extend(carried);
    }

    /// The next row that passes; `wanted` is about how many are still to come.
    ///
    /// # Errors
    /// What the server refused, or the network broke.
    pub fn next(&mut self, commands: &mut impl Commands, wanted: Option<u64>) -> Result<Option<Fetched>> {
        loop {
            while let Some(fetched) = self.ready.pop_front() {
                if self.condition.is_open() || self.condition.passes(&Row::of(&fetched)) {
                    return Ok(Some(fetched));
                }
            }
            if !self.waiting.is_empty() {
                self.fetcher.fetch(commands, &mut self.waiting, &mut self.ready)?;
            } else if self.ended {
                return Ok(None);
            } else {
                self.ended = !self.keys.next(commands, wanted, &mut self.waiting)?;
            }
        }
    }

    /// Whether a row may have come twice without being noticed.
    pub fn may_repeat(&self) -> bool {
        self.keys.may_repeat()
    }

    /// Whether the next row need not be waited for.
    fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Where a page in the server's own order ends, before a row that is there.
    fn place_before(&mut self, row: Fetched) -> ScanPlace {
        let place = match &self.keys {
            Keys::Swept(sweep, _) => sweep.place().map(str::to_owned),
            Keys::Listed(_) | Keys::Ordered(_) => None,
        };
        let ready = self.ready.drain(..).map(|row| row.key);
        let carried = std::iter::once(row.key).chain(ready).chain(self.waiting.drain(..)).collect();
        ScanPlace { place, carried }
    }
}

/// What of the rows is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The columns.
    pub columns: Vec<Column>,
    /// Whether members that are none of them are shown too.
    pub all: bool,
}

/// Rows as they come, up to a limit.
pub struct Flow {
    rows: Passing,
    shown: Shown,
    skip: u64,
    /// How many may still be written; `None` is all.
    left: Option<u64>,
    paging: Paging,
    last: Option<Box<str>>,
    object: Vec<u8>,
}

impl Flow {
    /// Passes over `skip` rows, then shows at most `limit` of them.
    pub fn new(rows: Passing, shown: Shown, paging: Paging, skip: u64, limit: Option<u64>) -> Flow {
        Flow { rows, shown, skip, left: limit, paging, last: None, object: Vec::new() }
    }

    /// The limit is reached: there is a cursor if another row follows.
    fn end(&mut self, commands: &mut impl Commands) -> Result<Fill> {
        // A page of no rows has no end to go on from.
        let Some(last) = self.last.take() else { return Ok(Fill::END) };
        let Some(next) = self.rows.next(commands, Some(1))? else { return Ok(Fill::END) };
        if !self.paging.columns().is_empty() {
            return Ok(Fill::page(self.paging.after_key(&last), CursorKind::Keyset));
        }
        let place = self.rows.place_before(next);
        Ok(Fill::page(self.paging.at_place(&place)?, CursorKind::Scan))
    }
}

impl<C: Commands> Rows<Keyspace<C>> for Flow {
    fn columns(&self) -> Vec<Column> {
        self.shown.columns.clone()
    }

    fn fill(&mut self, session: &mut Keyspace<C>, out: &mut RowWriter) -> Result<Fill> {
        let commands = session.commands();
        let began = Instant::now();
        loop {
            // Few rows of many: those that were found go out meanwhile.
            if !self.rows.is_ready() && out.rows() > 0 && began.elapsed() >= PATIENCE {
                return Ok(Fill::Wait);
            }
            if self.left == Some(0) {
                return self.end(commands);
            }
            let wanted = self.left.map(|left| left.saturating_add(self.skip));
            let Some(fetched) = self.rows.next(commands, wanted)? else { return Ok(Fill::END) };
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.object.clear();
            Row::of(&fetched).write(&mut self.object, &self.shown.columns, self.shown.all)?;
            out.splice(1, &self.object)?;
            self.left = self.left.map(|left| left - 1);
            self.last = Some(fetched.key);
            if out.is_full() {
                return Ok(Fill::More);
            }
        }
    }
}
