//! One socket from `hello` to its close.

use std::sync::Arc;

use axum::extract::ws::WebSocket;
use futures_util::StreamExt as _;
use runner_protocol::{CloseCode, GatewayFrame, Hello, HelloAck, PROTOCOL_VERSION, features, reasons};
use tokio::time::{Duration, timeout};
use uuid::Uuid;

use super::reading::{self, End};
use super::session::{Closing, Session};
use super::writing;
use crate::app::App;
use crate::directory::assigned;
use crate::store::{NewSession, RunnerRecord, StoreError};
use crate::tokens::TokenHash;

/// What this gateway offers beyond version 1.
const FEATURES: [&str; 2] = [features::CREDIT, features::DRAIN];
/// How long a probe may stay: it has seen what it came for after the acknowledgement.
const PROBE_STAY: Duration = Duration::from_secs(30);
/// How long the writer may take over its last frames once the socket has ended.
const WRITER_END: Duration = Duration::from_secs(3);
/// Longest list of connectors kept in the store, as JSON.
const LONGEST_CONNECTORS: usize = 256 * 1024;

const OTHER_RUNNER: Closing =
    Closing { code: CloseCode::ProtocolError, reason: "protocol error: hello names another runner" };
const OTHER_VERSION: Closing =
    Closing { code: CloseCode::UnsupportedVersion, reason: reasons::UNSUPPORTED_VERSION };
const STORE_DOWN: Closing = Closing { code: CloseCode::Other(1011), reason: "the gateway's database failed" };
const PROBE_DONE: Closing = Closing { code: CloseCode::Other(1000), reason: "probe answered" };

/// Runs the socket of an admitted runner.
pub(super) async fn serve(
    app: &Arc<App>,
    mut socket: WebSocket,
    runner: &RunnerRecord,
    token: TokenHash,
    presented: &str,
) {
    let hello = tokio::select! {
        hello = reading::hello(&mut socket, app.timings.hello) => hello,
        () = app.stopping.cancelled() => Err(End::Close(Closing::DRAINING)),
    };
    let hello = match hello {
        Ok(hello) => hello,
        Err(end) => return refuse(socket, end).await,
    };
    if hello.version != PROTOCOL_VERSION {
        tracing::warn!(runner = %runner.name, theirs = hello.version, ours = PROTOCOL_VERSION, "version not spoken");
        return writing::refuse(socket, OTHER_VERSION).await;
    }
    let names_itself = hello.runner_id.eq_ignore_ascii_case(&runner.id.to_string())
        || hello.runner_id == runner.name
        || hello.runner_id == presented;
    if !names_itself {
        return writing::refuse(socket, OTHER_RUNNER).await;
    }
    let probe = features::has(&hello.features, features::PROBE);
    let (session, ends) = Session::new(Uuid::now_v7(), runner, token, &hello);
    let session = Arc::new(session);
    if let Err(error) = begin(app, &session, &hello, probe).await {
        tracing::error!(%error, runner = %runner.name, "the session could not be opened");
        // It may have been selectable for a moment.
        withdraw(app, &session);
        writing::refuse(socket, STORE_DOWN).await;
        if !probe {
            close_row(app, &session).await;
        }
        return;
    }
    let (sink, mut stream) = socket.split();
    let mut writer = tokio::spawn(writing::write(sink, ends, app.timings.ping, app.timings.dead_peer));

    let end = tokio::select! {
        end = reading::read(&mut stream, &session, app.timings.dead_peer) => end,
        closing = session.closing() => End::Close(closing),
        // Without a reason to close, the writer ends only when the socket fails under it.
        _ = &mut writer => End::Gone,
        () = tokio::time::sleep(PROBE_STAY), if probe => End::Close(PROBE_DONE),
    };

    // From here on nothing is accepted from the runner, however long its socket takes to go.
    withdraw(app, &session);
    match end {
        End::Gone => writer.abort(),
        End::Close(closing) => {
            session.close(closing);
            let written = async {
                if !writer.is_finished() && timeout(WRITER_END, &mut writer).await.is_err() {
                    tracing::debug!(session = %session.id, "the close frame did not go out in time");
                    writer.abort();
                }
            };
            tokio::join!(written, writing::linger(&mut stream, closing));
        }
    }
    if !probe {
        tracing::info!(runner = %session.runner_name, session = %session.id, how = ?end, "runner disconnected");
        close_row(app, &session).await;
    }
}

/// Ends what the session has, and keeps further jobs away from it.
fn withdraw(app: &App, session: &Session) {
    app.registry.remove(session);
    session.lose_jobs();
}

async fn close_row(app: &App, session: &Session) {
    if let Err(error) = app.store.close_session(session.id).await {
        tracing::warn!(%error, session = %session.id, "the session's row stays until its lease runs out");
    }
}

/// Acknowledges the socket, and makes it selectable unless it is a probe.
async fn begin(app: &App, session: &Arc<Session>, hello: &Hello, probe: bool) -> Result<(), StoreError> {
    let agreed = if probe {
        vec![features::PROBE.to_owned()]
    } else {
        features::in_common(&FEATURES, &hello.features)
    };
    if !probe {
        let row = NewSession {
            id: session.id,
            runner_id: session.runner_id,
            instance_id: app.instance,
            runtime_version: session.runtime_version.clone(),
            features: serde_json::Value::from(agreed.clone()).to_string(),
            connectors: connectors(hello),
        };
        app.store.open_session(&row, app.timings.lease).await?;
    }
    {
        // A change of assignments waits here, so that its frame comes after the acknowledgement that lacks it.
        let _order = app.administration.assignments.lock().await;
        let sources = app.store.sources_of(session.runner_id).await?;
        let ack = HelloAck {
            server_version: PROTOCOL_VERSION,
            assigned_sources: sources.iter().map(assigned).collect::<Vec<_>>().into(),
            features: agreed,
            session_id: Some(session.id.to_string()),
        };
        if session.outgoing().send(GatewayFrame::HelloAck(ack).encode().into()).await.is_err() {
            tracing::debug!(session = %session.id, "the socket was gone before its acknowledgement");
        }
        if !probe {
            app.registry.add(session);
        }
    }
    if probe {
        return Ok(());
    }
    tracing::info!(
        runner = %session.runner_name,
        session = %session.id,
        version = session.runtime_version.as_deref().unwrap_or("not said"),
        bridges = hello.capabilities.len(),
        "runner connected"
    );
    // A revocation or a stop between the check of the credentials and this moment has not seen the socket.
    match app.directory.key(session.token).await? {
        Some(key) if !key.revoked => {}
        _ => session.close(Closing::REVOKED),
    }
    if app.is_stopping() {
        session.close(Closing::DRAINING);
    }
    Ok(())
}

/// The connectors as JSON for the store, without their manifests; none when the list is too long to keep.
fn connectors(hello: &Hello) -> String {
    let named: Vec<_> = hello
        .connectors
        .iter()
        .map(|one| serde_json::json!({ "name": one.name, "version": one.version, "kind": one.kind, "digest": one.digest }))
        .collect();
    let text = serde_json::Value::from(named).to_string();
    if text.len() > LONGEST_CONNECTORS { "[]".to_owned() } else { text }
}

/// Closes a socket that did not get as far as a session. One that is gone needs nothing.
async fn refuse(socket: WebSocket, end: End) {
    if let End::Close(closing) = end {
        writing::refuse(socket, closing).await;
    }
}
