//! What should become of a job.

use std::sync::Arc;

use connector_memory::order::RowOrder;
use connector_memory::{Database, MemorySession, Profile, Table, aggregate, answer};
use connector_model::error::Result;
use connector_model::request::{Query, Request};

use crate::groups::ExpectedGroups;
use crate::job::{Job, Outcome, execute};
use crate::subject::Change;

/// What errors of the oracle call it; the judge does not look at that.
const BRIDGE: &str = "@semilayer/bridge-memory";

/// The right answer, and which of its rows may come in any order among themselves.
#[derive(Debug)]
pub struct Expected {
    /// The answer.
    pub outcome: Outcome,
    /// The lengths of runs of rows that tie; together they are all rows.
    pub ties: Vec<usize>,
    /// The groups, for an aggregate.
    pub groups: Option<ExpectedGroups>,
}

/// The tables of one dataset, in memory.
pub struct Oracle {
    database: Arc<Database>,
}

impl Oracle {
    /// An oracle over these tables.
    ///
    /// # Errors
    /// As [`Database::new`].
    pub fn new(tables: Vec<Table>, profile: Profile) -> Result<Oracle> {
        Ok(Oracle { database: Arc::new(Database::new(tables, profile)?) })
    }

    /// Its tables.
    pub fn tables(&self) -> &[Table] {
        self.database.tables()
    }

    /// How it shows and orders values.
    pub fn profile(&self) -> &Profile {
        self.database.profile()
    }

    /// A session over them.
    pub fn session(&self) -> MemorySession {
        MemorySession::new(Arc::clone(&self.database))
    }

    /// What should become of a job.
    pub async fn expect(&self, job: &Job) -> Expected {
        let outcome = execute(&mut self.session(), BRIDGE, job, &job.target).await;
        let ties = match (&outcome, job.request(BRIDGE, &job.target)) {
            (Outcome::Rows(rows, _), Ok(Request::Query(query))) => {
                self.ties(&query).unwrap_or_else(|| vec![1; rows.len()])
            }
            (Outcome::Rows(rows, _), _) => vec![1; rows.len()],
            _ => Vec::new(),
        };
        let groups = match (&outcome, job.request(BRIDGE, &job.target)) {
            (Outcome::Rows(..), Ok(Request::Aggregate(request))) => {
                let groups = aggregate::groups(&self.database, &request);
                groups.ok().map(|groups| ExpectedGroups::new(&request, self.profile(), &groups))
            }
            _ => None,
        };
        Expected { outcome, ties, groups }
    }

    /// Takes rows out of a table and puts others in.
    ///
    /// # Errors
    /// As [`Database::new`].
    pub fn change(&mut self, name: &str, change: &Change) -> Result<()> {
        let mut tables = self.tables().to_vec();
        for table in tables.iter_mut().filter(|table| table.name == name) {
            table.rows.retain(|row| !change.gone.contains(row));
            table.rows.extend(change.come.iter().cloned());
        }
        self.database = Arc::new(Database::new(tables, *self.profile())?);
        Ok(())
    }

    /// The runs of rows that the caller's own order leaves open. Pages have to continue one another, so a limit, an
    /// offset or a cursor closes it: `None`.
    fn ties(&self, query: &Query) -> Option<Vec<usize>> {
        let whole = query.limit.is_none() && query.offset == 0 && query.cursor.is_none();
        if !whole {
            return None;
        }
        let answer = answer::query(&self.database, query).ok()?;
        if query.order_by.is_empty() {
            return Some(vec![answer.rows.len()]);
        }
        // Only the caller's columns: a table that has them all as its key breaks no further ties.
        let asked: Vec<usize> = query
            .order_by
            .iter()
            .filter_map(|order| answer.table.position("orderBy", &order.column).ok())
            .collect();
        let keyed =
            Table { primary_key: asked, unique_index: Vec::new(), rows: Vec::new(), ..answer.table.clone() };
        let order = RowOrder::new(&keyed, self.database.profile(), &query.order_by).ok()?;
        let runs = answer.rows.chunk_by(|left, right| order.compare(left, right).is_eq());
        Some(runs.map(<[_]>::len).collect())
    }
}
