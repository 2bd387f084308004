//! `/v1/jobs` and `/v1/audit`: what happened, newest first.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;

use super::auth::Admin;
use super::errors::ApiError;
use super::listing::{Query, limit, page_body, since};
use crate::app::App;
use crate::store::{AuditFilter, JobFilter, Position};

/// `?runner=&source=&status=&since=&limit=&cursor=`.
#[derive(Debug, Deserialize)]
pub(super) struct JobQuery {
    runner: Option<String>,
    source: Option<String>,
    status: Option<String>,
    since: Option<String>,
    limit: Option<u32>,
    cursor: Option<Position>,
}

/// `?runner=&since=&limit=&cursor=`.
#[derive(Debug, Deserialize)]
pub(super) struct AuditQuery {
    runner: Option<String>,
    since: Option<String>,
    limit: Option<u32>,
    cursor: Option<Position>,
}

/// `GET /v1/jobs`.
pub(super) async fn jobs(
    State(app): State<Arc<App>>,
    _admin: Admin,
    Query(query): Query<JobQuery>,
) -> Result<Json<Value>, ApiError> {
    let runner = match &query.runner {
        Some(runner) => Some(app.administration.runner(runner).await?.id),
        None => None,
    };
    let source = match &query.source {
        Some(source) => Some(app.administration.source(source).await?.id),
        None => None,
    };
    let filter = JobFilter {
        runner,
        source,
        status: query.status,
        since: since(query.since.as_deref())?,
        before: query.cursor,
        limit: limit(query.limit)?,
    };
    let jobs = app.store.jobs(&filter).await?;
    Ok(Json(page_body("jobs", &jobs, filter.limit, |one| Position { at: one.created_at, id: one.id })))
}

/// `GET /v1/audit`.
pub(super) async fn audit(
    State(app): State<Arc<App>>,
    _admin: Admin,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Value>, ApiError> {
    let subject = match &query.runner {
        Some(runner) => Some(app.administration.runner(runner).await?.id.to_string()),
        None => None,
    };
    let filter = AuditFilter {
        subject,
        since: since(query.since.as_deref())?,
        before: query.cursor,
        limit: limit(query.limit)?,
    };
    let entries = app.store.audit_entries(&filter).await?;
    Ok(Json(page_body("entries", &entries, filter.limit, |one| Position { at: one.at, id: one.id })))
}
