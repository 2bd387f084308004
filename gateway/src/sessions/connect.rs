//! `GET /connect`: a runner's upgrade request.
//!
//! A refusal is said in the socket: the upgrade happens, then the close frame with its code and reason. A client library
//! rarely shows the body of a refused upgrade, and a person has to be told which of id and token is wrong.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::ws::{WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{IntoResponse as _, Response};
use runner_protocol::limits::MAX_FRAME_BYTES;
use runner_protocol::{CloseCode, features, headers};
use serde_json::json;

use super::credentials::{Admission, Credentials};
use super::{Closing, serve, writing};
use crate::app::App;
use crate::http::{ApiError, Peer};
use crate::store::AuditEntry;

/// How much is read from a socket at once. Most sockets are idle, and each holds this much; a chunk of 64 KiB then takes
/// eight reads, a few microseconds.
const READ_BUFFER: usize = 8 * 1024;
/// How much is written at once. Frames to a runner are jobs, mostly under a kilobyte.
const WRITE_BUFFER: usize = 4 * 1024;
/// The largest frame that is read from a socket, though one over the protocol's limit is then refused: only a peer whose
/// frame was read to its end is sure to see the close frame. A frame beyond even this is refused by its header.
const LARGEST_READ: usize = 2 * MAX_FRAME_BYTES;
/// The most that may wait to be written: one job with options of the largest size, and a frame beside it.
const MAX_WRITE_BUFFER: usize = 2 * MAX_FRAME_BYTES;

/// Upgrades, then either serves the socket or closes it with the reason.
pub(crate) async fn connect(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => {
            return ApiError::new(
                rejection.status(),
                "bad_upgrade",
                "this is a runner's socket; it takes a WebSocket upgrade",
            )
            .into_response();
        }
    };
    let address = peer.address(&headers, app.behind_proxy);
    let credentials = Credentials::of(&headers, &uri);
    let admission = match credentials.check(&*app.store, &app.directory).await {
        Ok(admission) => admission,
        Err(error) => return ApiError::from(error).into_response(),
    };
    if let Admission::Refused(reason) = admission
        && let Some(response) = refuse(&app, address, &credentials, reason).await
    {
        return response;
    }
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(MAX_WRITE_BUFFER)
        .max_frame_size(LARGEST_READ)
        .max_message_size(LARGEST_READ)
        .on_failed_upgrade(|error| tracing::debug!(%error, "a runner's upgrade was not completed"));
    let served = Arc::clone(&app);
    let mut response = upgrade.on_upgrade(move |socket| async move {
        // Counted, so that a stopping gateway waits until the socket has been told.
        served.tasks.clone().track_future(run(&served, socket, admission, &credentials.runner)).await;
    });
    response.headers_mut().insert(headers::FEATURES, HeaderValue::from_static(features::PROBE));
    response
}

async fn run(app: &Arc<App>, socket: WebSocket, admission: Admission, presented: &str) {
    match admission {
        Admission::Refused(reason) => {
            writing::refuse(socket, Closing { code: CloseCode::Unauthorized, reason }).await;
        }
        Admission::Admitted { .. } if app.is_stopping() => writing::refuse(socket, Closing::DRAINING).await,
        Admission::Admitted { runner, token } => serve::serve(app, socket, &runner, token, presented).await,
    }
}

/// Writes the refusal down. An address that has been refused too often gets an answer here instead of a socket.
async fn refuse(
    app: &App,
    address: IpAddr,
    credentials: &Credentials,
    reason: &'static str,
) -> Option<Response> {
    if let Err(retry_after) = app.refusals.note(address) {
        return Some(ApiError::too_many_refusals(retry_after).into_response());
    }
    // The id is a stranger's text: cut, and escaped by the log.
    let presented: String = credentials.runner.chars().take(64).collect();
    tracing::warn!(%address, runner = ?presented, reason, "runner refused");
    let entry = AuditEntry {
        actor: address.to_string(),
        action: "auth.refused",
        subject_type: "runner",
        subject_id: Some(presented),
        detail: json!({ "reason": reason, "at": "/connect" }),
    };
    if let Err(error) = app.store.audit(&entry).await {
        tracing::error!(%error, "a refusal could not be written to the audit log");
    }
    None
}
