//! `/v1/sources`, but for the jobs.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::auth::Admin;
use super::body;
use super::errors::ApiError;
use super::listing::{PageQuery, Query, page_body};
use crate::administration::SourceRequest;
use crate::app::App;
use crate::store::Position;

/// `GET /v1/sources`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _admin: Admin,
    Query(query): Query<PageQuery>,
) -> Result<Json<Value>, ApiError> {
    let page = query.page()?;
    let sources = app.administration.sources(page).await?;
    Ok(Json(page_body("sources", &sources, page.limit, |one| Position { at: one.created_at, id: one.id })))
}

/// `POST /v1/sources`: `{name, bridge, credentialsLocation?, timeoutMs?}`.
pub(super) async fn connect(
    State(app): State<Arc<App>>,
    Admin(actor): Admin,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let request: SourceRequest = body::change(&headers, body).await?;
    let source = app.administration.connect_source(&actor, &request).await?;
    Ok((StatusCode::CREATED, Json(json!({ "source": source }))))
}

/// `GET /v1/sources/{name}`.
pub(super) async fn one(
    State(app): State<Arc<App>>,
    _admin: Admin,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "source": app.administration.source(&name).await? })))
}

/// `DELETE /v1/sources/{name}`.
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Admin(actor): Admin,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    app.administration.delete_source(&actor, &name).await?;
    Ok(Json(json!({ "deleted": true })))
}
