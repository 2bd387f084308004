//! Whether the gateway lives and can serve.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::errors::ApiError;
use crate::app::App;

/// `GET /health`: for humans and old scripts.
pub(super) async fn health() -> Json<Value> {
    Json(json!({ "ok": true }))
}

/// `GET /livez`: the process answers.
pub(super) async fn live() -> Json<Value> {
    Json(json!({ "ok": true }))
}

/// `GET /readyz`: the database answers and the gateway is not stopping.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Json<Value>, ApiError> {
    if app.is_stopping() {
        return Err(ApiError::stopping());
    }
    app.store.ping().await?;
    Ok(Json(json!({ "ok": true })))
}
