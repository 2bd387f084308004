//! `audit_log`.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};
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
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT id, at, actor, action, subject_type, subject_id, detail FROM audit_log WHERE TRUE",
        );
        if let Some(subject) = &filter.subject {
            query.push(" AND subject_id = ").push_bind(subject);
        }
        if let Some(last) = filter.before {
            query.push(" AND (at, id) < (").push_bind(last.at.0).push(", ");
            query.push_bind(last.id.to_string()).push(")");
        }
        if let Some(span) = filter.since {
            query.push(concat!(" AND at >= ", now_ms!(), " - ")).push_bind(milliseconds(span));
        }
        query.push(" ORDER BY at DESC, id DESC LIMIT ").push_bind(filter.limit);
        let rows = query.build().fetch_all(&self.reader).await?;
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
