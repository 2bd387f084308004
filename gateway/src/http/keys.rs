//! `/v1/keys`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::auth::Admin;
use super::body;
use super::errors::ApiError;
use super::listing::{PageQuery, Query, page_body};
use crate::administration::KeyRequest;
use crate::app::App;
use crate::store::Position;

/// `GET /v1/keys`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _admin: Admin,
    Query(query): Query<PageQuery>,
) -> Result<Json<Value>, ApiError> {
    let page = query.page()?;
    let keys = app.administration.keys(page).await?;
    Ok(Json(page_body("keys", &keys, page.limit, |one| Position { at: one.created_at, id: one.id })))
}

/// `POST /v1/keys`: `{kind, name?}` → the key and its text, shown once.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Admin(actor): Admin,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let request: KeyRequest = body::change(&headers, body).await?;
    let created = app.administration.create_key(&actor, &request).await?;
    Ok((StatusCode::CREATED, Json(json!({ "key": created.key, "token": created.token.reveal() }))))
}

/// `POST /v1/keys/{id}/revoke`.
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Admin(actor): Admin,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let id = Uuid::parse_str(&id).map_err(|_| ApiError::bad_request("a key is named by its id, a UUID"))?;
    Ok(Json(json!({ "key": app.administration.revoke_key(&actor, id).await? })))
}
