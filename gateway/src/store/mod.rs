//! What the gateway remembers, behind a trait a family of tables.
//!
//! The traits are object safe and hold every statement the gateway needs; `sqlite` is the implementation for one
//! instance. Every change takes the audit entry that describes it and commits both or neither.

mod audit;
mod identity;
mod jobs;
mod moment;
mod position;
mod sessions;
mod sources;
pub mod sqlite;

use async_trait::async_trait;

pub use audit::{AuditEntry, AuditFilter, AuditRecord, AuditStore};
pub use identity::{Home, IdentityStore, KeyRecord, NewKey, NewRunner, RunnerRecord};
pub use jobs::{FinishedJob, JobFilter, JobRecord, JobStatus, JobStore, StartedJob};
pub use moment::Moment;
pub use position::Position;
pub use sessions::{NewSession, SessionLease, SessionRecord, SessionStore};
pub use sources::{CredentialsLocation, NewSource, SourceRecord, SourceStore};

/// Everything the gateway asks of its database.
#[async_trait]
pub trait Store: IdentityStore + SourceStore + SessionStore + JobStore + AuditStore {
    /// Succeeds when the database answers.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Finishes what is being written and lets go of the database.
    async fn close(&self);
}

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique name or id is taken.
    #[error("there is already a {what} with this name")]
    Conflict {
        /// The thing that exists: `runner`, `source`, `key`.
        what: &'static str,
    },
    /// A stored value is not of the form this build writes.
    #[error("the database holds a value in `{column}` that this build cannot read")]
    Corrupt {
        /// The column.
        column: &'static str,
    },
    /// Another gateway has the database open.
    #[error("{path} is in use by another semilayer-gateway; an SQLite database serves one instance")]
    InUse {
        /// The lock file.
        path: String,
    },
    /// The database could not be opened or migrated.
    #[error("cannot open the database {path}: {reason}")]
    Open {
        /// The database's path.
        path: String,
        /// What the operating system or the database said.
        reason: String,
    },
    /// The database refused or failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}

/// One page of a list: at most `limit` entries, after `after`.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The last entry of the page before.
    pub after: Option<Position>,
    /// The most entries to return.
    pub limit: u32,
}

impl Page {
    /// The most entries that one page may have.
    pub const MOST: u32 = 1_000;

    /// The first page, as long as a page may be.
    pub const fn first() -> Self {
        Self { after: None, limit: Self::MOST }
    }
}
