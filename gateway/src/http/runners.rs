//! `/v1/runners`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::Admin;
use super::body;
use super::errors::ApiError;
use super::listing::{PageQuery, Query, page_body};
use crate::administration::{CreatedRunner, RunnerOverview};
use crate::app::App;
use crate::store::Position;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRunnerBody {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssignBody {
    source: String,
}

/// `GET /v1/runners`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _admin: Admin,
    Query(query): Query<PageQuery>,
) -> Result<Json<Value>, ApiError> {
    let page = query.page()?;
    let runners = app.administration.runners(page).await?;
    Ok(Json(page_body("runners", &runners, page.limit, |one| Position {
        at: one.runner.created_at,
        id: one.runner.id,
    })))
}

/// `POST /v1/runners`: `{name}` → the runner, its token and its environment, shown once.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Admin(actor): Admin,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let request: NewRunnerBody = body::change(&headers, body).await?;
    let created = app.administration.create_runner(&actor, &request.name).await?;
    Ok((StatusCode::CREATED, Json(shown_once(&app, &created))))
}

/// `GET /v1/runners/{id}`.
pub(super) async fn one(
    State(app): State<Arc<App>>,
    _admin: Admin,
    Path(id): Path<String>,
) -> Result<Json<RunnerOverview>, ApiError> {
    Ok(Json(app.administration.runner_overview(&id).await?))
}

/// `POST /v1/runners/{id}/rotate` → a new token, shown once.
pub(super) async fn rotate(
    State(app): State<Arc<App>>,
    Admin(actor): Admin,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let rotated = app.administration.rotate_runner(&actor, &id).await?;
    Ok(Json(shown_once(&app, &rotated)))
}

/// `POST /v1/runners/{id}/revoke`.
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Admin(actor): Admin,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let runner = app.administration.revoke_runner(&actor, &id).await?;
    Ok(Json(json!({ "runner": runner })))
}

/// `GET /v1/runners/{id}/assignments`.
pub(super) async fn assignments(
    State(app): State<Arc<App>>,
    _admin: Admin,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "sources": app.administration.assignments(&id).await? })))
}

/// `POST /v1/runners/{id}/assignments`: `{source}`.
pub(super) async fn assign(
    State(app): State<Arc<App>>,
    Admin(actor): Admin,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let request: AssignBody = body::change(&headers, body).await?;
    app.administration.assign(&actor, &id, &request.source).await?;
    Ok(Json(json!({ "sources": app.administration.assignments(&id).await? })))
}

/// `DELETE /v1/runners/{id}/assignments/{source}`.
pub(super) async fn unassign(
    State(app): State<Arc<App>>,
    Admin(actor): Admin,
    Path((id, source)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    app.administration.unassign(&actor, &id, &source).await?;
    Ok(Json(json!({ "sources": app.administration.assignments(&id).await? })))
}

fn shown_once(app: &App, created: &CreatedRunner) -> Value {
    json!({
        "runner": created.runner,
        "token": created.token.reveal(),
        "gatewayUrl": app.connect_url,
    })
}
