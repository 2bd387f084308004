//! A runner written by hand: it says exactly what a test tells it to.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::world::World;

/// Longest wait for anything that is to happen.
pub const SOON: Duration = Duration::from_secs(20);

/// A socket to the gateway.
pub struct FakeRunner {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub response: Response,
}

impl FakeRunner {
    /// Opens a socket with these credentials in the header form, and says nothing yet.
    pub async fn dial(world: &World, id: &str, token: &str) -> Self {
        let mut request = world.gateway.connect_url().into_client_request().expect("a request");
        let bearer = format!("Bearer {token}").parse().expect("a value");
        request.headers_mut().insert("authorization", bearer);
        request.headers_mut().insert("x-semilayer-runner-id", id.parse().expect("a value"));
        Self::open(request).await
    }

    /// Opens a socket with these credentials in the query form.
    pub async fn dial_query(world: &World, id: &str, token: &str) -> Self {
        let url = format!("{}?runnerId={id}&token={token}", world.gateway.connect_url());
        Self::open(url.into_client_request().expect("a request")).await
    }

    async fn open(request: tokio_tungstenite::tungstenite::handshake::client::Request) -> Self {
        // A test may send frames that the gateway has to refuse.
        let config = WebSocketConfig::default().max_frame_size(None).max_message_size(None);
        let (socket, response) =
            connect_async_with_config(request, Some(config), true).await.expect("an upgrade");
        Self { socket, response }
    }

    /// Opens a socket, says hello with these features, and waits for the acknowledgement.
    pub async fn connect(world: &World, features: &[&str]) -> Self {
        let mut runner = Self::dial(world, &world.runner_id, &world.runner_token).await;
        runner.hello(&world.runner_id, features).await;
        let ack = runner.next().await;
        assert_eq!(ack["type"], "hello-ack", "{ack}");
        runner
    }

    pub async fn hello(&mut self, id: &str, features: &[&str]) {
        let hello = json!({
            "type": "hello", "version": 1, "runnerId": id, "capabilities": ["@semilayer/bridge-postgres"],
            "runtimeVersion": "0.0.0-test", "features": features,
        });
        self.send(&hello).await;
    }

    pub async fn send(&mut self, frame: &Value) {
        self.send_text(frame.to_string()).await;
    }

    pub async fn send_text(&mut self, text: String) {
        self.socket.send(Message::text(text)).await.expect("a socket that takes frames");
    }

    /// The next frame.
    pub async fn next(&mut self) -> Value {
        loop {
            match timeout(SOON, self.socket.next()).await.expect("a frame in time") {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).expect("JSON"),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no frame but {other:?}"),
            }
        }
    }

    /// The next frame, if one comes within this time.
    pub async fn next_within(&mut self, time: Duration) -> Option<Value> {
        timeout(time, self.next()).await.ok()
    }

    /// Returns once the gateway has read everything sent so far: it answers pings in order.
    pub async fn barrier(&mut self) {
        self.socket
            .send(Message::Ping(b"barrier".to_vec().into()))
            .await
            .expect("a socket that takes frames");
        loop {
            match timeout(SOON, self.socket.next()).await.expect("a pong in time") {
                Some(Ok(Message::Pong(payload))) if &payload[..] == b"barrier" => return,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no pong but {other:?}"),
            }
        }
    }

    /// The next frame, which must be a job; its id.
    pub async fn job(&mut self) -> String {
        let frame = self.next().await;
        assert_eq!(frame["type"], "job", "{frame}");
        frame["id"].as_str().expect("an id").to_owned()
    }

    /// The next frame, which must cancel `job`; then ends that job as a runner does.
    pub async fn expect_cancel(&mut self, job: &str) {
        let frame = self.next().await;
        assert_eq!((&frame["type"], &frame["id"]), (&json!("cancel"), &json!(job)), "{frame}");
        self.error(job, "CANCELLED", false).await;
    }

    pub async fn chunk(&mut self, job: &str, rows: &Value) {
        self.send(&json!({ "type": "chunk", "id": job, "rows": rows })).await;
    }

    pub async fn done(&mut self, job: &str, count: u64) {
        let meta = json!({ "count": count, "durationMs": 1 });
        self.send(&json!({ "type": "done", "id": job, "meta": meta })).await;
    }

    pub async fn error(&mut self, job: &str, code: &str, retryable: bool) {
        let message = format!("a {code}");
        self.send(
            &json!({ "type": "error", "id": job, "code": code, "message": message, "retryable": retryable }),
        )
        .await;
    }

    /// Reads to the close frame; its code and reason.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match timeout(SOON, self.socket.next()).await.expect("a close in time") {
                Some(Ok(Message::Close(Some(frame)))) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(_)) => {}
                Some(Err(Error::Protocol(error))) => panic!("no close frame but {error}"),
                other => panic!("no close frame but {other:?}"),
            }
        }
    }

    /// Drops the connection without a close frame.
    pub fn vanish(self) {
        drop(self.socket);
    }
}
