//! `runner_jobs`.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::{SqliteStore, count, milliseconds, moment, now_ms, optional_moment, optional_uuid, uuid};
use crate::store::{FinishedJob, JobFilter, JobRecord, JobStore, StartedJob, StoreError};

/// Rows deleted in one transaction: a few milliseconds of the only writer.
const FORGET_GROUP: u32 = 5_000;
const FORGET_JOBS: &str = concat!(
    "DELETE FROM runner_jobs WHERE seq IN (SELECT seq FROM runner_jobs WHERE created_at < ",
    now_ms!(),
    " - ?1 AND finished_at IS NOT NULL LIMIT ?2)"
);
const FORGET_AUDIT: &str = concat!(
    "DELETE FROM audit_log WHERE (at, id) IN (SELECT at, id FROM audit_log WHERE at < ",
    now_ms!(),
    " - ?1 LIMIT ?2)"
);

#[async_trait]
impl JobStore for SqliteStore {
    async fn record_jobs(
        &self,
        started: &[(StartedJob, u64)],
        finished: &[(FinishedJob, u64)],
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for (job, age_ms) in started {
            sqlx::query(concat!(
                "INSERT INTO runner_jobs (id, source_id, runner_id, session_id, kind, target, status, \
                 attempt, created_at, dispatched_at, deadline_at, request_id) \
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, 'dispatched', ?7, made, made, made + ?8, ?10 \
                 FROM (SELECT ",
                now_ms!(),
                " - ?9 AS made)"
            ))
            .bind(job.id.to_string())
            .bind(job.source_id.to_string())
            .bind(job.runner_id.map(|id| id.to_string()))
            .bind(job.session_id.map(|id| id.to_string()))
            .bind(job.kind)
            .bind(job.target.as_deref())
            .bind(job.attempt)
            .bind(signed(job.deadline_ms))
            .bind(signed(*age_ms))
            .bind(job.request_id.to_string())
            .execute(&mut *transaction)
            .await?;
        }
        for (job, age_ms) in finished {
            sqlx::query(concat!(
                "UPDATE runner_jobs SET status = ?2, rows = ?3, bytes = ?4, error_code = ?5, \
                 error_message = ?6, finished_at = ",
                now_ms!(),
                " - ?7 WHERE id = ?1"
            ))
            .bind(job.id.to_string())
            .bind(job.status.as_str())
            .bind(signed(job.rows))
            .bind(signed(job.bytes))
            .bind(job.error_code.as_deref())
            .bind(job.error_message.as_deref())
            .bind(signed(*age_ms))
            .execute(&mut *transaction)
            .await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn fail_abandoned_jobs(&self) -> Result<u64, StoreError> {
        let failed = sqlx::query(concat!(
            "UPDATE runner_jobs SET status = 'failed', error_code = 'runner_failed', \
             error_message = 'the gateway stopped while the job ran', finished_at = ",
            now_ms!(),
            " WHERE status IN ('claimed', 'dispatched')"
        ))
        .execute(&self.writer)
        .await?;
        Ok(failed.rows_affected())
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<Vec<JobRecord>, StoreError> {
        // Only the conditions that are asked for: one that may be absent would keep every index out of the plan.
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT j.*, r.name AS runner_name, s.name AS source_name FROM runner_jobs j \
             LEFT JOIN runners r ON r.id = j.runner_id LEFT JOIN sources s ON s.id = j.source_id WHERE TRUE",
        );
        let conditions = [
            (" AND j.runner_id = ", filter.runner.map(|id| id.to_string())),
            (" AND j.source_id = ", filter.source.map(|id| id.to_string())),
            (" AND j.status = ", filter.status.clone()),
        ];
        for (condition, value) in conditions {
            if let Some(value) = value {
                query.push(condition).push_bind(value);
            }
        }
        if let Some(last) = filter.before {
            // Where the page's last job is deleted by now, so is what was made with it and before it.
            query.push(" AND (j.created_at, j.seq) < (").push_bind(last.at.0);
            query.push(", coalesce((SELECT seq FROM runner_jobs WHERE id = ");
            query.push_bind(last.id.to_string()).push("), 0))");
        }
        if let Some(span) = filter.since {
            query.push(concat!(" AND j.created_at >= ", now_ms!(), " - ")).push_bind(milliseconds(span));
        }
        query.push(" ORDER BY j.created_at DESC, j.seq DESC LIMIT ").push_bind(filter.limit);
        let rows = query.build().fetch_all(&self.reader).await?;
        rows.iter().map(record).collect()
    }

    async fn forget_older_than(&self, keep: Duration) -> Result<u64, StoreError> {
        // In groups, between which other writers get their turn.
        let keep_ms = milliseconds(keep);
        let mut gone = 0_u64;
        for statement in [FORGET_JOBS, FORGET_AUDIT] {
            loop {
                let deleted = sqlx::query(statement)
                    .bind(keep_ms)
                    .bind(FORGET_GROUP)
                    .execute(&self.writer)
                    .await?
                    .rows_affected();
                gone = gone.saturating_add(deleted);
                if deleted < u64::from(FORGET_GROUP) {
                    break;
                }
            }
        }
        Ok(gone)
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn record(row: &SqliteRow) -> Result<JobRecord, StoreError> {
    Ok(JobRecord {
        id: uuid(row, "id")?,
        source_id: uuid(row, "source_id")?,
        source: row.try_get("source_name")?,
        runner_id: optional_uuid(row, "runner_id")?,
        runner: row.try_get("runner_name")?,
        session_id: optional_uuid(row, "session_id")?,
        kind: row.try_get("kind")?,
        target: row.try_get("target")?,
        status: row.try_get("status")?,
        created_at: moment(row, "created_at")?,
        dispatched_at: optional_moment(row, "dispatched_at")?,
        finished_at: optional_moment(row, "finished_at")?,
        attempt: row.try_get("attempt")?,
        request_id: optional_uuid(row, "request_id")?,
        rows: count(row, "rows")?,
        bytes: count(row, "bytes")?,
        error_code: row.try_get("error_code")?,
        error_message: row.try_get("error_message")?,
    })
}
