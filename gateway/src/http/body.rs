//! Request bodies, read within a limit of size and time.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::errors::ApiError;

/// Bodies of changes: names and numbers.
pub(super) const CHANGE_LIMIT: usize = 1024 * 1024;
/// Bodies of jobs: as much as fits one frame, beside the source and the target.
pub(super) const JOB_LIMIT: usize = runner_protocol::limits::MAX_FRAME_BYTES - 64 * 1024;
/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(30);
/// How much of a body that is too large is still read, so that its sender gets to see the answer: closing a connection
/// with bytes unread resets it.
const DRAIN_LIMIT: usize = 64 * 1024 * 1024;
/// How long that may take.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Reads a whole body of at most `limit` bytes.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let mut stream = body.into_data_stream();
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<u64>().ok());
    let mut whole = BytesMut::new();
    let mut too_large =
        declared.is_some_and(|declared| u64::try_from(limit).is_ok_and(|limit| declared > limit));
    let mut dropped = 0_usize;
    let mut until = Instant::now() + if too_large { DRAIN_TIME } else { ARRIVAL };
    loop {
        let piece = match timeout_at(until, stream.next()).await {
            Ok(Some(Ok(piece))) => piece,
            Ok(Some(Err(error))) => {
                tracing::debug!(%error, "a request body broke off");
                return Err(ApiError::bad_request("the request body broke off"));
            }
            Ok(None) => break,
            Err(_) if too_large => break,
            Err(_) => {
                let message = format!("the request body did not arrive within {} s", ARRIVAL.as_secs());
                return Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", message));
            }
        };
        if !too_large && whole.len() + piece.len() > limit {
            too_large = true;
            whole = BytesMut::new();
            until = Instant::now() + DRAIN_TIME;
        }
        if too_large {
            dropped = dropped.saturating_add(piece.len());
            if dropped > DRAIN_LIMIT {
                break;
            }
        } else {
            whole.extend_from_slice(&piece);
        }
    }
    if too_large { Err(ApiError::too_large(limit)) } else { Ok(whole.freeze()) }
}

/// Reads a JSON body of a change.
pub(super) async fn change<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, ApiError> {
    let bytes = read(headers, body, CHANGE_LIMIT).await?;
    object(&bytes).map_err(|problem| ApiError::bad_request(format!("the request body: {problem}")))
}

/// Reads a JSON object; nothing at all is an empty one. Says what is wrong otherwise.
pub(super) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match bytes.trim_ascii_start().first() {
        None => serde_json::from_slice(b"{}"),
        Some(b'{') => serde_json::from_slice(bytes),
        // A list would otherwise pass for the fields in their order.
        Some(_) => return Err("a JSON object is expected".to_owned()),
    }
    .map_err(|error| error.to_string())
}
