//! `gateway_instances` and `runner_sessions`.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::{SqliteStore, milliseconds, moment, now_ms, uuid};
use crate::store::{NewSession, SessionLease, SessionRecord, SessionStore, StoreError};

/// Notes that the runners of the sessions in question were seen, before those rows go.
macro_rules! note_seen {
    ($which:literal) => {
        concat!(
            "UPDATE runners SET last_seen_at = max(coalesce(last_seen_at, 0), s.heard) \
             FROM (SELECT runner_id, max(last_heartbeat_at) AS heard FROM runner_sessions WHERE ",
            $which,
            " GROUP BY runner_id) s WHERE runners.id = s.runner_id"
        )
    };
}

#[async_trait]
impl SessionStore for SqliteStore {
    async fn begin_instance(&self, id: Uuid, address: &str, lease: Duration) -> Result<(), StoreError> {
        sqlx::query(concat!(
            "INSERT INTO gateway_instances (id, started_at, lease_expires_at, address) VALUES (?1, ",
            now_ms!(),
            ", ",
            now_ms!(),
            " + ?2, ?3)"
        ))
        .bind(id.to_string())
        .bind(milliseconds(lease))
        .bind(address)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn end_instance(&self, id: Uuid) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(note_seen!("instance_id = ?1")).bind(id.to_string()).execute(&mut *transaction).await?;
        sqlx::query("DELETE FROM runner_sessions WHERE instance_id = ?1")
            .bind(id.to_string())
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM gateway_instances WHERE id = ?1")
            .bind(id.to_string())
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    async fn open_session(&self, session: &NewSession, lease: Duration) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(concat!(
            "INSERT INTO runner_sessions (id, runner_id, instance_id, runtime_version, features, connectors, \
             source_health, active_jobs, connected_at, last_heartbeat_at, lease_expires_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, '[]', 0, ",
            now_ms!(),
            ", ",
            now_ms!(),
            ", ",
            now_ms!(),
            " + ?7)"
        ))
        .bind(session.id.to_string())
        .bind(session.runner_id.to_string())
        .bind(session.instance_id.to_string())
        .bind(session.runtime_version.as_deref())
        .bind(&session.features)
        .bind(&session.connectors)
        .bind(milliseconds(lease))
        .execute(&mut *transaction)
        .await?;
        sqlx::query(note_seen!("id = ?1")).bind(session.id.to_string()).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    async fn close_session(&self, id: Uuid) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(concat!(
            "UPDATE runners SET last_seen_at = ",
            now_ms!(),
            " WHERE id = (SELECT runner_id FROM runner_sessions WHERE id = ?1)"
        ))
        .bind(id.to_string())
        .execute(&mut *transaction)
        .await?;
        sqlx::query("DELETE FROM runner_sessions WHERE id = ?1")
            .bind(id.to_string())
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    async fn renew(
        &self,
        instance: Uuid,
        sessions: &[SessionLease],
        lease: Duration,
    ) -> Result<(), StoreError> {
        let states =
            serde_json::to_string(sessions).map_err(|_| StoreError::Corrupt { column: "source_health" })?;
        let mut transaction = self.begin().await?;
        // The plus keeps the instance's index out of the plan below: with it, every session would be compared with every
        // other, instead of being found by its id.
        sqlx::query(concat!(
            "UPDATE gateway_instances SET lease_expires_at = ",
            now_ms!(),
            " + ?2 WHERE id = ?1"
        ))
        .bind(instance.to_string())
        .bind(milliseconds(lease))
        .execute(&mut *transaction)
        .await?;
        sqlx::query(concat!(
            "UPDATE runner_sessions SET lease_expires_at = ",
            now_ms!(),
            " + ?2, last_heartbeat_at = ",
            now_ms!(),
            " - (state.value ->> 'heard_ago_ms'), active_jobs = state.value ->> 'active_jobs', \
             source_health = state.value ->> 'source_health' \
             FROM json_each(?3) AS state \
             WHERE runner_sessions.id = state.value ->> 'id' AND +runner_sessions.instance_id = ?1"
        ))
        .bind(instance.to_string())
        .bind(milliseconds(lease))
        .bind(states)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    async fn sweep(&self) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(note_seen!("lease_expires_at < CAST(unixepoch('subsec') * 1000 AS INTEGER)"))
            .execute(&mut *transaction)
            .await?;
        let swept = sqlx::query(concat!("DELETE FROM runner_sessions WHERE lease_expires_at < ", now_ms!()))
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        sqlx::query(concat!(
            "DELETE FROM gateway_instances WHERE lease_expires_at < ",
            now_ms!(),
            " AND NOT EXISTS (SELECT 1 FROM runner_sessions s WHERE s.instance_id = gateway_instances.id)"
        ))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(swept)
    }

    async fn live_sessions(&self) -> Result<Vec<SessionRecord>, StoreError> {
        let rows = sqlx::query(concat!(
            "SELECT id, runner_id, instance_id, runtime_version, connected_at, last_heartbeat_at, \
             lease_expires_at FROM runner_sessions WHERE lease_expires_at >= ",
            now_ms!(),
            " ORDER BY id"
        ))
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(record).collect()
    }
}

fn record(row: &SqliteRow) -> Result<SessionRecord, StoreError> {
    Ok(SessionRecord {
        id: uuid(row, "id")?,
        runner_id: uuid(row, "runner_id")?,
        instance_id: uuid(row, "instance_id")?,
        runtime_version: row.try_get("runtime_version")?,
        connected_at: moment(row, "connected_at")?,
        last_heartbeat_at: moment(row, "last_heartbeat_at")?,
        lease_expires_at: moment(row, "lease_expires_at")?,
    })
}
