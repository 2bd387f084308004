//! Who changed what, and who was refused.

use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Moment, Position, StoreError};

/// An entry to be written.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// Who did it: a key's id, `first start`, or an address for a refusal.
    pub actor: String,
    /// What was done: `runner.create`, `auth.refused` …
    pub action: &'static str,
    /// What it was done to: `runner`, `source`, `key`.
    pub subject_type: &'static str,
    /// Which one.
    pub subject_id: Option<String>,
    /// Anything else worth keeping; never a secret.
    pub detail: Value,
}

/// An entry as stored.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    /// Its id.
    pub id: Uuid,
    /// When.
    pub at: Moment,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what.
    pub subject_type: String,
    /// To which one.
    pub subject_id: Option<String>,
    /// The rest.
    pub detail: Value,
}

/// Which entries to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only those about this subject.
    pub subject: Option<String>,
    /// Only those of this time before now.
    pub since: Option<Duration>,
    /// Only those before this one.
    pub before: Option<Position>,
    /// At most so many.
    pub limit: u32,
}

/// The audit log.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Writes an entry that belongs to no other change.
    async fn audit(&self, entry: &AuditEntry) -> Result<(), StoreError>;

    /// Entries, newest first.
    async fn audit_entries(&self, filter: &AuditFilter) -> Result<Vec<AuditRecord>, StoreError>;
}
