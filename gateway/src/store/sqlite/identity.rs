//! `orgs`, `environments`, `runners` and `api_keys`.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use super::{SqliteStore, audit, conflict, moment, now_ms, optional_moment, optional_uuid, uuid};
use crate::store::{
    AuditEntry, Home, IdentityStore, KeyRecord, NewKey, NewRunner, Page, RunnerRecord, StoreError,
};
use crate::tokens::TokenHash;

/// The organisation that the first start makes.
const ORG: &str = "default";
/// The environment that the first start makes.
const ENVIRONMENT: &str = "production";

const KEY_BY_ID: &str = "SELECT id, kind, environment_id, runner_id, name, prefix, last4, created_at, \
     revoked_at, last_used_at FROM api_keys WHERE id = ?1";

#[async_trait]
impl IdentityStore for SqliteStore {
    async fn home(&self) -> Result<Home, StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query("INSERT INTO orgs (id, slug) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
            .bind(Uuid::now_v7().to_string())
            .bind(ORG)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO environments (id, org_id, slug) SELECT ?1, id, ?2 FROM orgs WHERE slug = ?3 \
             ON CONFLICT DO NOTHING",
        )
        .bind(Uuid::now_v7().to_string())
        .bind(ENVIRONMENT)
        .bind(ORG)
        .execute(&mut *transaction)
        .await?;
        let row = sqlx::query(
            "SELECT o.id AS org_id, e.id AS environment_id FROM orgs o JOIN environments e \
             ON e.org_id = o.id WHERE o.slug = ?1 AND e.slug = ?2",
        )
        .bind(ORG)
        .bind(ENVIRONMENT)
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Home {
            org_id: uuid(&row, "org_id")?,
            org_slug: ORG.to_owned(),
            environment_id: uuid(&row, "environment_id")?,
            environment_slug: ENVIRONMENT.to_owned(),
        })
    }

    async fn create_runner(
        &self,
        runner: &NewRunner,
        key: &NewKey,
        audit: &AuditEntry,
    ) -> Result<RunnerRecord, StoreError> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query(concat!(
            "INSERT INTO runners (id, org_id, name, created_at) VALUES (?1, ?2, ?3, ",
            now_ms!(),
            ") RETURNING id, name, created_at, revoked_at, last_seen_at"
        ))
        .bind(runner.id.to_string())
        .bind(runner.org_id.to_string())
        .bind(&runner.name)
        .fetch_one(&mut *transaction)
        .await
        .map_err(conflict("runner"))?;
        insert_key(&mut transaction, key).await?;
        audit::write(&mut transaction, audit).await?;
        transaction.commit().await?;
        runner_record(&row)
    }

    async fn runner(&self, id_or_name: &str) -> Result<Option<RunnerRecord>, StoreError> {
        let row = sqlx::query(
            "SELECT id, name, created_at, revoked_at, last_seen_at FROM runners \
             WHERE id = lower(?1) OR name = ?1 ORDER BY id = lower(?1) DESC LIMIT 1",
        )
        .bind(id_or_name)
        .fetch_optional(&self.reader)
        .await?;
        row.as_ref().map(runner_record).transpose()
    }

    async fn runners(&self, page: Page) -> Result<Vec<RunnerRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, name, created_at, revoked_at, last_seen_at FROM runners \
             WHERE ?1 IS NULL OR (created_at, id) > (?1, ?2) ORDER BY created_at, id LIMIT ?3",
        )
        .bind(page.after.map(|last| last.at.0))
        .bind(page.after.map(|last| last.id.to_string()))
        .bind(page.limit)
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(runner_record).collect()
    }

    async fn rotate_runner(&self, runner: Uuid, key: &NewKey, audit: &AuditEntry) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        revoke_runner_keys(&mut transaction, runner).await?;
        insert_key(&mut transaction, key).await?;
        audit::write(&mut transaction, audit).await?;
        Ok(transaction.commit().await?)
    }

    async fn revoke_runner(&self, runner: Uuid, audit: &AuditEntry) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(concat!(
            "UPDATE runners SET revoked_at = coalesce(revoked_at, ",
            now_ms!(),
            ") WHERE id = ?1"
        ))
        .bind(runner.to_string())
        .execute(&mut *transaction)
        .await?;
        revoke_runner_keys(&mut transaction, runner).await?;
        audit::write(&mut transaction, audit).await?;
        Ok(transaction.commit().await?)
    }

    async fn create_key(&self, key: &NewKey, audit: &AuditEntry) -> Result<KeyRecord, StoreError> {
        let mut transaction = self.begin().await?;
        insert_key(&mut transaction, key).await?;
        audit::write(&mut transaction, audit).await?;
        let row = sqlx::query(KEY_BY_ID).bind(key.id.to_string()).fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        key_record(&row)
    }

    async fn key_by_hash(&self, hash: &TokenHash) -> Result<Option<KeyRecord>, StoreError> {
        let row = sqlx::query(
            "SELECT id, kind, environment_id, runner_id, name, prefix, last4, created_at, revoked_at, \
             last_used_at FROM api_keys WHERE sha256 = ?1",
        )
        .bind(hash.as_bytes())
        .fetch_optional(&self.reader)
        .await?;
        row.as_ref().map(key_record).transpose()
    }

    async fn has_admin_key(&self) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT EXISTS (SELECT 1 FROM api_keys WHERE kind = 'admin' AND revoked_at IS NULL) AS found",
        )
        .fetch_one(&self.reader)
        .await?;
        Ok(row.try_get("found")?)
    }

    async fn keys(&self, page: Page) -> Result<Vec<KeyRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, kind, environment_id, runner_id, name, prefix, last4, created_at, revoked_at, \
             last_used_at FROM api_keys WHERE ?1 IS NULL OR (created_at, id) > (?1, ?2) \
             ORDER BY created_at, id LIMIT ?3",
        )
        .bind(page.after.map(|last| last.at.0))
        .bind(page.after.map(|last| last.id.to_string()))
        .bind(page.limit)
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(key_record).collect()
    }

    async fn revoke_key(&self, id: Uuid, audit: &AuditEntry) -> Result<Option<KeyRecord>, StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(concat!(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, ",
            now_ms!(),
            ") WHERE id = ?1"
        ))
        .bind(id.to_string())
        .execute(&mut *transaction)
        .await?;
        let Some(row) = sqlx::query(KEY_BY_ID).bind(id.to_string()).fetch_optional(&mut *transaction).await?
        else {
            return Ok(None);
        };
        audit::write(&mut transaction, audit).await?;
        transaction.commit().await?;
        key_record(&row).map(Some)
    }

    async fn touch_keys(&self, ids: &[Uuid]) -> Result<(), StoreError> {
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        sqlx::query(concat!(
            "UPDATE api_keys SET last_used_at = ",
            now_ms!(),
            " WHERE id IN (SELECT value FROM json_each(?1))"
        ))
        .bind(serde_json::Value::from(ids).to_string())
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}

async fn insert_key(connection: &mut SqliteConnection, key: &NewKey) -> Result<(), StoreError> {
    sqlx::query(concat!(
        "INSERT INTO api_keys (id, org_id, environment_id, kind, runner_id, name, sha256, prefix, last4, \
         created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ",
        now_ms!(),
        ")"
    ))
    .bind(key.id.to_string())
    .bind(key.org_id.to_string())
    .bind(key.environment_id.map(|id| id.to_string()))
    .bind(key.kind.as_str())
    .bind(key.runner_id.map(|id| id.to_string()))
    .bind(key.name.as_deref())
    .bind(key.hash.as_bytes())
    .bind(&key.prefix)
    .bind(&key.last4)
    .execute(connection)
    .await
    .map_err(conflict("key"))?;
    Ok(())
}

async fn revoke_runner_keys(connection: &mut SqliteConnection, runner: Uuid) -> Result<(), StoreError> {
    sqlx::query(concat!(
        "UPDATE api_keys SET revoked_at = ",
        now_ms!(),
        " WHERE runner_id = ?1 AND revoked_at IS NULL"
    ))
    .bind(runner.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) fn runner_record(row: &SqliteRow) -> Result<RunnerRecord, StoreError> {
    Ok(RunnerRecord {
        id: uuid(row, "id")?,
        name: row.try_get("name")?,
        created_at: moment(row, "created_at")?,
        revoked_at: optional_moment(row, "revoked_at")?,
        last_seen_at: optional_moment(row, "last_seen_at")?,
    })
}

fn key_record(row: &SqliteRow) -> Result<KeyRecord, StoreError> {
    Ok(KeyRecord {
        id: uuid(row, "id")?,
        kind: row.try_get("kind")?,
        environment_id: optional_uuid(row, "environment_id")?,
        runner_id: optional_uuid(row, "runner_id")?,
        name: row.try_get("name")?,
        prefix: row.try_get("prefix")?,
        last4: row.try_get("last4")?,
        created_at: moment(row, "created_at")?,
        revoked_at: optional_moment(row, "revoked_at")?,
        last_used_at: optional_moment(row, "last_used_at")?,
    })
}
