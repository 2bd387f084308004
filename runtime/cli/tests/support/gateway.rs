//! A gateway that says what a test tells it to say.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// Longer than anything that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Gateway {
    listener: TcpListener,
}

impl From<TcpListener> for Gateway {
    fn from(listener: TcpListener) -> Self {
        Gateway { listener }
    }
}

impl Gateway {
    pub(crate) async fn open() -> Self {
        Gateway { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub(crate) async fn at(port: u16) -> Self {
        Gateway { listener: TcpListener::bind(("127.0.0.1", port)).await.unwrap() }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/connect", self.listener.local_addr().unwrap())
    }

    /// The next WebSocket.
    pub(crate) async fn accept(&self) -> Session {
        let (stream, _) =
            tokio::time::timeout(PATIENCE, self.listener.accept()).await.expect("nobody connects").unwrap();
        Session { socket: tokio_tungstenite::accept_async(stream).await.unwrap(), others: Vec::new() }
    }

    /// A session whose hello is answered with these sources.
    pub(crate) async fn greet(&self, sources: Value) -> (Session, Value) {
        let mut session = self.accept().await;
        let hello = session.frame("hello").await;
        let features = hello["features"].clone();
        session
            .send(json!({"type": "hello-ack", "serverVersion": 1, "assignedSources": sources, "features": features, "sessionId": "s"}))
            .await;
        (session, hello)
    }
}

pub(crate) struct Session {
    socket: WebSocketStream<TcpStream>,
    /// Frames of other jobs than the one that a test was waiting for.
    others: Vec<Value>,
}

impl Session {
    pub(crate) async fn send(&mut self, frame: Value) {
        self.socket.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next frame that is no heartbeat.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        tokio::time::timeout(PATIENCE, self.receive()).await.expect("the runner says nothing")
    }

    async fn receive(&mut self) -> Option<Value> {
        loop {
            match self.socket.next().await? {
                Ok(Message::Text(text)) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if frame["type"] != "heartbeat" {
                        return Some(frame);
                    }
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next frame, which must be of this type.
    pub(crate) async fn frame(&mut self, kind: &str) -> Value {
        let frame = self.next().await.expect("the runner has gone");
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }

    /// A job's chunks and its end. Frames of other jobs are kept for whoever asks for them.
    pub(crate) async fn answer(&mut self, id: &str) -> (Vec<Value>, Value) {
        let (mut frames, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.others).into_iter().partition(|frame| frame["id"] == id);
        self.others = others;
        while frames.last().is_none_or(|frame| frame["type"] == "chunk") {
            let frame = self.next().await.expect("the runner has gone");
            let place = if frame["id"] == id { &mut frames } else { &mut self.others };
            place.push(frame);
        }
        let end = frames.pop().unwrap();
        (frames, end)
    }

    pub(crate) async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        self.socket.close(Some(frame)).await.unwrap();
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}

/// A job frame.
pub(crate) fn job(id: &str, source: &Value, kind: &str, target: Option<&str>, options: Value) -> Value {
    json!({"type": "job", "id": id, "params": {"source": source, "job": {"kind": kind, "target": target, "options": options}}, "deadlineMs": 20_000})
}

/// A source that this machine configures.
pub(crate) fn local(name: &str, bridge: &str) -> Value {
    json!({"id": format!("id-{name}"), "name": name, "bridge": bridge, "credentialsLocation": "runner-local"})
}

/// A source that the gateway configures.
pub(crate) fn managed(name: &str, bridge: &str, config: Value) -> Value {
    json!({"id": format!("id-{name}"), "name": name, "bridge": bridge, "credentialsLocation": "managed", "config": config})
}
