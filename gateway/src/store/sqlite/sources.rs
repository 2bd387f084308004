//! `sources` and `runner_assignments`.

use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::{SqliteStore, audit, conflict, identity, moment, now_ms, uuid};
use crate::store::{
    AuditEntry, CredentialsLocation, NewSource, Page, RunnerRecord, SourceRecord, SourceStore, StoreError,
};

#[async_trait]
impl SourceStore for SqliteStore {
    async fn create_source(
        &self,
        source: &NewSource,
        audit: &AuditEntry,
    ) -> Result<SourceRecord, StoreError> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query(concat!(
            "INSERT INTO sources (id, environment_id, name, bridge, credentials_location, timeout_ms, \
             created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ",
            now_ms!(),
            ", ",
            now_ms!(),
            ") RETURNING *"
        ))
        .bind(source.id.to_string())
        .bind(source.environment_id.to_string())
        .bind(&source.name)
        .bind(&source.bridge)
        .bind(source.credentials_location.as_str())
        .bind(source.timeout_ms)
        .fetch_one(&mut *transaction)
        .await
        .map_err(conflict("source"))?;
        audit::write(&mut transaction, audit).await?;
        transaction.commit().await?;
        record(&row)
    }

    async fn source(&self, environment: Uuid, id_or_name: &str) -> Result<Option<SourceRecord>, StoreError> {
        let row = sqlx::query(
            "SELECT * FROM sources WHERE environment_id = ?1 AND (id = lower(?2) OR name = ?2) \
             ORDER BY id = lower(?2) DESC LIMIT 1",
        )
        .bind(environment.to_string())
        .bind(id_or_name)
        .fetch_optional(&self.reader)
        .await?;
        row.as_ref().map(record).transpose()
    }

    async fn sources(&self, page: Page) -> Result<Vec<SourceRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM sources WHERE ?1 IS NULL OR (created_at, id) > (?1, ?2) \
             ORDER BY created_at, id LIMIT ?3",
        )
        .bind(page.after.map(|last| last.at.0))
        .bind(page.after.map(|last| last.id.to_string()))
        .bind(page.limit)
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(record).collect()
    }

    async fn delete_source(&self, source: Uuid, audit: &AuditEntry) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query("DELETE FROM runner_assignments WHERE source_id = ?1")
            .bind(source.to_string())
            .execute(&mut *transaction)
            .await?;
        let deleted = sqlx::query("DELETE FROM sources WHERE id = ?1")
            .bind(source.to_string())
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if deleted > 0 {
            audit::write(&mut transaction, audit).await?;
        }
        transaction.commit().await?;
        Ok(deleted > 0)
    }

    async fn assign(&self, runner: Uuid, source: Uuid, audit: &AuditEntry) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let added = sqlx::query(concat!(
            "INSERT INTO runner_assignments (runner_id, source_id, created_at) VALUES (?1, ?2, ",
            now_ms!(),
            ") ON CONFLICT DO NOTHING"
        ))
        .bind(runner.to_string())
        .bind(source.to_string())
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if added > 0 {
            audit::write(&mut transaction, audit).await?;
        }
        transaction.commit().await?;
        Ok(added > 0)
    }

    async fn unassign(&self, runner: Uuid, source: Uuid, audit: &AuditEntry) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let removed = sqlx::query("DELETE FROM runner_assignments WHERE runner_id = ?1 AND source_id = ?2")
            .bind(runner.to_string())
            .bind(source.to_string())
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if removed > 0 {
            audit::write(&mut transaction, audit).await?;
        }
        transaction.commit().await?;
        Ok(removed > 0)
    }

    async fn sources_of(&self, runner: Uuid) -> Result<Vec<SourceRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT s.* FROM sources s JOIN runner_assignments a ON a.source_id = s.id \
             WHERE a.runner_id = ?1 ORDER BY s.name, s.id",
        )
        .bind(runner.to_string())
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(record).collect()
    }

    async fn runners_of(&self, source: Uuid) -> Result<Vec<RunnerRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.id, r.name, r.created_at, r.revoked_at, r.last_seen_at FROM runners r \
             JOIN runner_assignments a ON a.runner_id = r.id \
             WHERE a.source_id = ?1 AND r.revoked_at IS NULL ORDER BY r.created_at, r.id",
        )
        .bind(source.to_string())
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(identity::runner_record).collect()
    }

    async fn assignments(&self) -> Result<Vec<(Uuid, String, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT a.runner_id, s.name, s.bridge FROM runner_assignments a JOIN sources s ON s.id = a.source_id \
             ORDER BY a.runner_id, s.name",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| Ok((uuid(row, "runner_id")?, row.try_get("name")?, row.try_get("bridge")?)))
            .collect()
    }
}

fn record(row: &SqliteRow) -> Result<SourceRecord, StoreError> {
    let location: &str = row.try_get("credentials_location")?;
    Ok(SourceRecord {
        id: uuid(row, "id")?,
        environment_id: uuid(row, "environment_id")?,
        name: row.try_get("name")?,
        bridge: row.try_get("bridge")?,
        credentials_location: match location {
            "managed" => CredentialsLocation::Managed,
            "runner-local" => CredentialsLocation::RunnerLocal,
            _ => return Err(StoreError::Corrupt { column: "credentials_location" }),
        },
        timeout_ms: row.try_get("timeout_ms")?,
        created_at: moment(row, "created_at")?,
        updated_at: moment(row, "updated_at")?,
    })
}
