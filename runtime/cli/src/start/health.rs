//! The endpoints under `PORT`: `/health`, `/livez`, `/readyz`, `/metrics`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::http::{self, Answer, Content, Request, Status};
use super::metrics::Metrics;
use super::readiness::{Readiness, State};
use crate::settings::ConfigError;

/// Connections served at once: probes are few and short. More wait in the system's queue.
const MAX_CONNECTIONS: usize = 64;
/// How long to wait when the system has no file descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The open port.
pub(super) struct Health {
    listener: TcpListener,
    readiness: Readiness,
}

impl Health {
    /// Opens the port on every IPv4 address of this machine.
    ///
    /// # Errors
    /// A port that is in use, or that this user may not open.
    pub(super) async fn open(port: u16, readiness: Readiness) -> Result<Self, ConfigError> {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await.map_err(|error| {
            let problem = match error.kind() {
                std::io::ErrorKind::AddrInUse => {
                    "the port is in use by another process; stop it, or set PORT to a free one".to_owned()
                }
                std::io::ErrorKind::PermissionDenied => {
                    "this user may not open the port; ports from 1024 on are open to everybody".to_owned()
                }
                _ => format!("the port cannot be opened: {error}"),
            };
            ConfigError::Port { port, problem }
        })?;
        Ok(Health { listener, readiness })
    }

    /// The address that is listened on.
    pub(super) fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers for ever; without `metrics` there is no `/metrics`.
    pub(super) async fn serve(self, metrics: Option<Metrics>) {
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let Ok(slot) = slots.clone().acquire_owned().await else { return };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!("health: a connection was not accepted: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let (readiness, metrics) = (self.readiness.clone(), metrics.clone());
            tokio::spawn(async move {
                if let Err(error) =
                    http::serve(stream, |request| answer(request, &readiness, metrics.as_ref())).await
                {
                    tracing::debug!("health: a request was not answered: {error}");
                }
                drop(slot);
            });
        }
    }
}

fn answer(request: &Request, readiness: &Readiness, metrics: Option<&Metrics>) -> Answer {
    let ok =
        || Answer { status: Status::Ok, content: Content::Json, body: json!({ "ok": true }).to_string() };
    match request.path.as_str() {
        // That there is an answer at all says that the event loop turns.
        "/health" | "/livez" => ok(),
        "/readyz" => match readiness.state() {
            State::Ready => ok(),
            State::Draining => unavailable("draining"),
            State::Away { reason } => unavailable(&reason),
        },
        "/metrics" => match metrics {
            Some(metrics) => Answer { status: Status::Ok, content: Content::Metrics, body: metrics.text() },
            None => Status::NotFound.alone(),
        },
        _ => Status::NotFound.alone(),
    }
}

fn unavailable(reason: &str) -> Answer {
    let body = json!({ "ok": false, "reason": reason }).to_string();
    Answer { status: Status::Unavailable, content: Content::Json, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(path: &str, readiness: &Readiness) -> Answer {
        answer(&Request { head_only: false, path: path.to_owned() }, readiness, None)
    }

    #[test]
    fn ready_only_between_hello_ack_and_the_drain() {
        let readiness = Readiness::new();
        let body = ask("/readyz", &readiness).body;
        assert_eq!(body, r#"{"ok":false,"reason":"connecting to the gateway"}"#);
        readiness.set(State::Ready);
        assert_eq!(ask("/readyz", &readiness).status, Status::Ok);
        readiness.set(State::Draining);
        assert_eq!(ask("/readyz", &readiness).status, Status::Unavailable);
        assert_eq!(ask("/health", &readiness).body, r#"{"ok":true}"#);
        assert_eq!(ask("/livez", &readiness).status, Status::Ok);
        assert_eq!(ask("/", &readiness).status, Status::NotFound);
    }

    #[tokio::test]
    async fn a_port_in_use_is_named() {
        let taken = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let Err(error) = Health::open(port, Readiness::new()).await else { panic!("opened twice") };
        assert!(error.to_string().starts_with(&format!("PORT={port}: the port is in use")), "{error}");
    }
}
