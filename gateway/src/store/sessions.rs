//! Live sockets, as leases that expire by themselves.

use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use uuid::Uuid;

use super::{Moment, StoreError};

/// A socket that has just been acknowledged.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The session's id.
    pub id: Uuid,
    /// Whose socket it is.
    pub runner_id: Uuid,
    /// The instance that holds it.
    pub instance_id: Uuid,
    /// The version the runner reported.
    pub runtime_version: Option<String>,
    /// The features agreed on, as a JSON array.
    pub features: String,
    /// The connectors it reported, as a JSON array.
    pub connectors: String,
}

/// What a renewal writes for one session.
#[derive(Debug, Clone, Serialize)]
pub struct SessionLease {
    /// The session.
    pub id: Uuid,
    /// How long ago the runner was last heard, in milliseconds.
    pub heard_ago_ms: u64,
    /// Jobs in flight.
    pub active_jobs: u32,
    /// The health of its sources as it last reported it, as JSON.
    pub source_health: String,
}

/// A session as stored.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionRecord {
    /// The session.
    pub id: Uuid,
    /// Whose socket it is.
    pub runner_id: Uuid,
    /// The instance that holds it.
    pub instance_id: Uuid,
    /// The version the runner reported.
    pub runtime_version: Option<String>,
    /// When it was acknowledged.
    pub connected_at: Moment,
    /// When the runner was last heard.
    pub last_heartbeat_at: Moment,
    /// When it counts as offline unless renewed.
    pub lease_expires_at: Moment,
}

/// Instances and the sessions they hold.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Registers this instance with a lease.
    async fn begin_instance(&self, id: Uuid, address: &str, lease: Duration) -> Result<(), StoreError>;

    /// Removes the instance and every session it still has.
    async fn end_instance(&self, id: Uuid) -> Result<(), StoreError>;

    /// Stores a session with a lease and notes that its runner was seen.
    async fn open_session(&self, session: &NewSession, lease: Duration) -> Result<(), StoreError>;

    /// Removes a session and notes that its runner was seen just now.
    async fn close_session(&self, id: Uuid) -> Result<(), StoreError>;

    /// Renews the instance and all its sessions in one statement a table.
    async fn renew(
        &self,
        instance: Uuid,
        sessions: &[SessionLease],
        lease: Duration,
    ) -> Result<(), StoreError>;

    /// Removes instances and sessions whose lease has run out, and returns how many sessions that were.
    async fn sweep(&self) -> Result<u64, StoreError>;

    /// Sessions whose lease is live.
    async fn live_sessions(&self) -> Result<Vec<SessionRecord>, StoreError>;
}
