//! Sources, and which runners serve them.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AuditEntry, Moment, Page, RunnerRecord, StoreError};

/// Where a source's credentials live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialsLocation {
    /// In the gateway, encrypted; sent to the runner with the assignment.
    Managed,
    /// In the runner's own environment; the gateway never sees them.
    RunnerLocal,
}

impl CredentialsLocation {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Managed => "managed",
            Self::RunnerLocal => "runner-local",
        }
    }
}

/// A source as stored, without any configuration.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceRecord {
    /// Its id.
    pub id: Uuid,
    /// The environment it belongs to.
    pub environment_id: Uuid,
    /// Its name, unique in the environment.
    pub name: String,
    /// The bridge that speaks to it, by its full name.
    pub bridge: String,
    /// Where its credentials live.
    pub credentials_location: CredentialsLocation,
    /// The deadline of its jobs unless the caller names one, in milliseconds.
    pub timeout_ms: u32,
    /// When it was connected.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
}

/// A source to be stored.
#[derive(Debug, Clone)]
pub struct NewSource {
    /// Its id.
    pub id: Uuid,
    /// The environment it belongs to.
    pub environment_id: Uuid,
    /// Its name.
    pub name: String,
    /// The bridge's full name.
    pub bridge: String,
    /// Where its credentials live.
    pub credentials_location: CredentialsLocation,
    /// The default deadline of its jobs, in milliseconds.
    pub timeout_ms: u32,
}

/// Sources and assignments.
#[async_trait]
pub trait SourceStore: Send + Sync + 'static {
    /// Stores a source. [`StoreError::Conflict`] when the name is taken.
    async fn create_source(&self, source: &NewSource, audit: &AuditEntry)
    -> Result<SourceRecord, StoreError>;

    /// The source of this environment with this id, or else this name.
    async fn source(&self, environment: Uuid, id_or_name: &str) -> Result<Option<SourceRecord>, StoreError>;

    /// Sources, in the order of creation.
    async fn sources(&self, page: Page) -> Result<Vec<SourceRecord>, StoreError>;

    /// Deletes a source and its assignments; false when there was none.
    async fn delete_source(&self, source: Uuid, audit: &AuditEntry) -> Result<bool, StoreError>;

    /// Lets a runner serve a source; false when it did already.
    async fn assign(&self, runner: Uuid, source: Uuid, audit: &AuditEntry) -> Result<bool, StoreError>;

    /// Takes a source from a runner; false when it had not been assigned.
    async fn unassign(&self, runner: Uuid, source: Uuid, audit: &AuditEntry) -> Result<bool, StoreError>;

    /// The sources that a runner serves, by name.
    async fn sources_of(&self, runner: Uuid) -> Result<Vec<SourceRecord>, StoreError>;

    /// The runners, not revoked, that serve a source.
    async fn runners_of(&self, source: Uuid) -> Result<Vec<RunnerRecord>, StoreError>;

    /// Every assignment as (runner, source name, bridge), ordered.
    async fn assignments(&self) -> Result<Vec<(Uuid, String, String)>, StoreError>;
}
