//! `GET /`: the runners' state on one page, for reading; no script.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};

use super::auth::AdminPage;
use super::errors::ApiError;
use crate::administration::RunnerOverview;
use crate::app::App;
use crate::store::Page;

/// Nothing may be loaded or run but the page's own style.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The page's style.
const STYLE: &str = include_str!("../../templates/page.css");

#[derive(Template)]
#[template(path = "runners.html")]
struct RunnersPage<'a> {
    runners: &'a [RunnerOverview],
    truncated: bool,
    version: &'static str,
}

/// Shows the first thousand runners.
pub(super) async fn runners(State(app): State<Arc<App>>, _admin: AdminPage) -> Result<Response, ApiError> {
    let runners = app.administration.runners(Page::first()).await?;
    let page = RunnersPage {
        truncated: u32::try_from(runners.len()).is_ok_and(|count| count == Page::MOST),
        runners: &runners,
        version: env!("CARGO_PKG_VERSION"),
    };
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "the page could not be made");
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the page could not be made")
    })?;
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Html(html)).into_response())
}

/// `GET /page.css`.
pub(super) async fn style() -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (headers, STYLE).into_response()
}
