//! Organisations, environments, runners and keys.

use async_trait::async_trait;
use serde::Serialize;
use uuid::Uuid;

use super::{AuditEntry, Moment, Page, StoreError};
use crate::tokens::{TokenHash, TokenKind};

/// The organisation and environment that the first start makes.
#[derive(Debug, Clone)]
pub struct Home {
    /// The organisation's id.
    pub org_id: Uuid,
    /// Its slug, which runner tokens carry.
    pub org_slug: String,
    /// The environment's id.
    pub environment_id: Uuid,
    /// Its slug, which service tokens carry.
    pub environment_slug: String,
}

/// A runner as stored.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunnerRecord {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique in the organisation.
    pub name: String,
    /// When it was created.
    pub created_at: Moment,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Moment>,
    /// When a socket of it was last known to live.
    pub last_seen_at: Option<Moment>,
}

/// A runner to be made.
#[derive(Debug, Clone)]
pub struct NewRunner {
    /// Its id.
    pub id: Uuid,
    /// Its organisation.
    pub org_id: Uuid,
    /// Its name.
    pub name: String,
}

/// A key to be stored; never its text.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Its id.
    pub id: Uuid,
    /// The organisation it belongs to.
    pub org_id: Uuid,
    /// The environment a service key opens.
    pub environment_id: Option<Uuid>,
    /// What it opens.
    pub kind: TokenKind,
    /// The runner whose socket a runner key opens.
    pub runner_id: Option<Uuid>,
    /// A label chosen by whoever made it.
    pub name: Option<String>,
    /// The hash of its text.
    pub hash: TokenHash,
    /// The readable beginning.
    pub prefix: String,
    /// The last four characters.
    pub last4: String,
}

/// A key as stored.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyRecord {
    /// Its id.
    pub id: Uuid,
    /// `rk`, `sk`, `pk` or `admin`.
    pub kind: String,
    /// The environment a service key opens.
    pub environment_id: Option<Uuid>,
    /// The runner whose socket a runner key opens.
    pub runner_id: Option<Uuid>,
    /// Its label.
    pub name: Option<String>,
    /// The readable beginning.
    pub prefix: String,
    /// The last four characters.
    pub last4: String,
    /// When it was made.
    pub created_at: Moment,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Moment>,
    /// When it last opened something, to within half a minute.
    pub last_used_at: Option<Moment>,
}

/// Runners and keys, and whom they belong to.
#[async_trait]
pub trait IdentityStore: Send + Sync + 'static {
    /// Makes organisation `default` and environment `production` unless they exist, and returns them.
    async fn home(&self) -> Result<Home, StoreError>;

    /// Stores a runner and its first key. [`StoreError::Conflict`] when the name is taken.
    async fn create_runner(
        &self,
        runner: &NewRunner,
        key: &NewKey,
        audit: &AuditEntry,
    ) -> Result<RunnerRecord, StoreError>;

    /// The runner with this id, or else this name.
    async fn runner(&self, id_or_name: &str) -> Result<Option<RunnerRecord>, StoreError>;

    /// Runners, in the order of creation.
    async fn runners(&self, page: Page) -> Result<Vec<RunnerRecord>, StoreError>;

    /// Revokes every key of the runner and stores a new one.
    async fn rotate_runner(&self, runner: Uuid, key: &NewKey, audit: &AuditEntry) -> Result<(), StoreError>;

    /// Revokes the runner and its keys. Revoking twice keeps the first time.
    async fn revoke_runner(&self, runner: Uuid, audit: &AuditEntry) -> Result<(), StoreError>;

    /// Stores a service or admin key.
    async fn create_key(&self, key: &NewKey, audit: &AuditEntry) -> Result<KeyRecord, StoreError>;

    /// The key with this hash, revoked or not.
    async fn key_by_hash(&self, hash: &TokenHash) -> Result<Option<KeyRecord>, StoreError>;

    /// Whether an admin key exists that is not revoked.
    async fn has_admin_key(&self) -> Result<bool, StoreError>;

    /// Keys, in the order of creation.
    async fn keys(&self, page: Page) -> Result<Vec<KeyRecord>, StoreError>;

    /// Revokes a key; `None` when there is no such key.
    async fn revoke_key(&self, id: Uuid, audit: &AuditEntry) -> Result<Option<KeyRecord>, StoreError>;

    /// Notes that these keys were used by now.
    async fn touch_keys(&self, ids: &[Uuid]) -> Result<(), StoreError>;
}
