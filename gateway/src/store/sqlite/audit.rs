//! `audit_log`.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use super::{SqliteStore, milliseconds, moment, now_ms, uuid};
use crate::store::{AuditEntry, AuditFilter, AuditRecord, AuditStore, StoreError};

/// Writes `entry` on a connection that may be inside the transaction of the change it describes.
pub(super) async fn write(connection: &mut SqliteConnection, entry: &AuditEntry) -> Result<(), StoreError> {
    sqlx::query(concat!(
        "INSERT INTO audit_log (id, at, actor, action, subject_type, subject_id, detail) VALUES (?1, ",
        now_ms!(),
        ", ?2, ?3, ?4, ?5, ?6)"
    ))
    .bind(Uuid::now_v7().to_string())
    .bind(&entry.actor)
    .bind(entry.action)
    .bind(entry.subject_type)
    .bind(entry.subject_id.as_deref())
    .bind(entry.detail.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

#[async_trait]
impl AuditStore for SqliteStore {
    async fn audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let mut connection = self.writer.acquire().await?;
        write(&mut connection, entry).await
    }

    async fn audit_entries(&self, filter: &AuditFilter) -> Result<Vec<AuditRecord>, StoreError> {
        let rows = sqlx::query(concat!(
            "SELECT id, at, actor, action, subject_type, subject_id, detail FROM audit_log \
             WHERE (?1 IS NULL OR subject_id = ?1) AND (?2 IS NULL OR id < ?2) AND (?3 IS NULL OR at >= ",
            now_ms!(),
            " - ?3) ORDER BY id DESC LIMIT ?4"
        ))
        .bind(filter.subject.as_deref())
        .bind(filter.before.map(|id| id.to_string()))
        .bind(filter.since.map(milliseconds))
        .bind(filter.limit)
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(entry).collect()
    }
}

fn entry(row: &SqliteRow) -> Result<AuditRecord, StoreError> {
    let detail: &str = row.try_get("detail")?;
    Ok(AuditRecord {
        id: uuid(row, "id")?,
        at: moment(row, "at")?,
        actor: row.try_get("actor")?,
        action: row.try_get("action")?,
        subject_type: row.try_get("subject_type")?,
        subject_id: row.try_get("subject_id")?,
        detail: serde_json::from_str(detail).map_err(|_| StoreError::Corrupt { column: "detail" })?,
    })
}
