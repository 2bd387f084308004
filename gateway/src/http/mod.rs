//! The HTTP API: routes, who may use them, and what they answer.

mod auth;
mod body;
mod bridge_manifests;
mod errors;
mod health;
mod keys;
mod listing;
mod page;
mod peer;
mod records;
mod render;
mod runners;
mod source_jobs;
mod sources;

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::routing::{delete, get, post};

use crate::app::App;
use crate::sessions;

pub(crate) use errors::ApiError;
pub(crate) use peer::Peer;

/// Every route.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(page::runners))
        .route("/page.css", get(page::style))
        .route("/health", get(health::health))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/connect", get(sessions::connect))
        .route("/v1/runners", get(runners::list).post(runners::create))
        .route("/v1/runners/{id}", get(runners::one))
        .route("/v1/runners/{id}/rotate", post(runners::rotate))
        .route("/v1/runners/{id}/revoke", post(runners::revoke))
        .route("/v1/runners/{id}/assignments", get(runners::assignments).post(runners::assign))
        .route("/v1/runners/{id}/assignments/{source}", delete(runners::unassign))
        .route("/v1/sources", get(sources::list).post(sources::connect))
        .route("/v1/sources/{name}", get(sources::one).delete(sources::remove))
        .route("/v1/sources/{name}/{kind}", post(source_jobs::run))
        .route("/v1/keys", get(keys::list).post(keys::create))
        .route("/v1/keys/{id}/revoke", post(keys::revoke))
        .route("/v1/jobs", get(records::jobs))
        .route("/v1/audit", get(records::audit))
        .route("/v1/bridge-manifests", get(bridge_manifests::list))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .with_state(app)
}

async fn no_route(uri: Uri) -> ApiError {
    ApiError::not_found(format!("there is nothing at {}", uri.path()))
}

async fn no_method(method: Method, uri: Uri) -> ApiError {
    let message = format!("{method} is not a method of {}", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}
