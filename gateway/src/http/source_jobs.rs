//! `POST /v1/sources/{name}/{kind}`: one operation on one source, its answer streamed.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use runner_protocol::limits::MAX_DEADLINE;
use runner_protocol::{Opaque, codes, kinds};
use serde::Deserialize;

use super::auth::Caller;
use super::body::{self, JOB_LIMIT};
use super::errors::ApiError;
use super::render::{Format, Renderer};
use crate::app::App;
use crate::dispatch::{Answer, JobRequest, RunningJob, Step};

/// The operations that a caller may ask for.
const KINDS: [&str; 8] = [
    kinds::READ,
    kinds::QUERY,
    kinds::BATCH_READ,
    kinds::COUNT,
    kinds::AGGREGATE,
    kinds::LIST_TARGETS,
    kinds::INTROSPECT_TARGET,
    kinds::TEST,
];
/// Longest target, in bytes: far beyond any database's names.
const LONGEST_TARGET: usize = 4_096;
/// What names the job in the answer's head.
const JOB_HEADER: &str = "x-semilayer-job";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JobBody {
    #[serde(default)]
    target: Option<String>,
    #[serde(default)]
    options: Option<Opaque>,
    #[serde(default)]
    deadline_ms: Option<u64>,
}

/// Runs the job and streams its answer. The status is held back until the first rows, the end or an error.
pub(super) async fn run(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((name, kind)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let Some(kind) = KINDS.into_iter().find(|known| *known == kind) else {
        return Err(ApiError::not_found(format!(
            "there is no operation `{kind}`; there are: {}",
            KINDS.join(", ")
        )));
    };
    if caller.is_admin && kind != kinds::TEST {
        return Err(ApiError::forbidden("an admin token only tests a source; reading it takes an sk_ key"));
    }
    let bytes = body::read(&headers, body, JOB_LIMIT).await?;
    let job: JobBody =
        body::object(&bytes).map_err(|problem| invalid(format!("the request body: {problem}")))?;
    if job.target.as_ref().is_some_and(|target| target.len() > LONGEST_TARGET) {
        return Err(invalid(format!("`target` is over {LONGEST_TARGET} bytes")));
    }
    if app.is_stopping() {
        return Err(ApiError::stopping());
    }
    let Some(route) = app.directory.route(caller.environment, &name).await? else {
        return Err(ApiError::not_found(format!("there is no source `{name}` in this environment")));
    };
    let deadline = match job.deadline_ms {
        None | Some(0) => Duration::from_millis(u64::from(route.source.timeout_ms)),
        Some(ms) => Duration::from_millis(ms).min(MAX_DEADLINE),
    };
    let request = JobRequest { route, kind, target: job.target, options: job.options, deadline };
    let answer = app.dispatcher.run(&request).await.map_err(ApiError::of_job)?;
    Ok(respond(answer, format_for(&headers)))
}

fn invalid(message: String) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, codes::INVALID_JOB, message)
}

fn format_for(headers: &HeaderMap) -> Format {
    let wants_lines = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|range| range.trim().eq_ignore_ascii_case(Format::Lines.media_type()));
    if wants_lines { Format::Lines } else { Format::Document }
}

fn respond(answer: Answer, format: Format) -> Response {
    let Answer { first, mut job } = answer;
    let id = job.id;
    let mut renderer = Renderer::new(format, id);
    let mut out = VecDeque::new();
    let running = advance(first, &mut job, &mut renderer, &mut out).then_some(job);
    let pieces = Pieces { out, renderer, running };
    let mut response = Body::from_stream(stream::unfold(pieces, next_piece)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(JOB_HEADER, id);
    }
    response
}

/// The rest of an answer. Dropped when the caller goes away, which drops the job, which cancels it.
struct Pieces {
    out: VecDeque<Bytes>,
    renderer: Renderer,
    running: Option<RunningJob>,
}

/// The next piece for the caller. The server asks only once it has room, so a caller that does not read stops the job's
/// frames, and nothing else.
async fn next_piece(mut pieces: Pieces) -> Option<(Result<Bytes, Infallible>, Pieces)> {
    loop {
        if let Some(piece) = pieces.out.pop_front() {
            return Some((Ok(piece), pieces));
        }
        let mut job = pieces.running.take()?;
        let step = job.next().await;
        if advance(step, &mut job, &mut pieces.renderer, &mut pieces.out) {
            pieces.running = Some(job);
        }
    }
}

/// Renders a step; false when it was the last.
fn advance(step: Step, job: &mut RunningJob, renderer: &mut Renderer, out: &mut VecDeque<Bytes>) -> bool {
    let outcome = match step {
        Step::Chunk(chunk) => match renderer.chunk(*chunk, out) {
            Ok(rows) => {
                job.count_rows(rows);
                return true;
            }
            Err(reason) => Err(job.reject(reason)),
        },
        Step::Done(meta) => Ok(meta),
        Step::Failed(failure) => Err(failure),
    };
    renderer.end(outcome, out);
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_sent_to_those_who_ask_for_them() {
        let mut headers = HeaderMap::new();
        assert_eq!(format_for(&headers), Format::Document);
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/html, Application/X-NDJSON;q=0.9"));
        assert_eq!(format_for(&headers), Format::Lines);
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        assert_eq!(format_for(&headers), Format::Document);
    }
}
