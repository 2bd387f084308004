//! The gateway's end of the socket, as a test writes it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use runner_protocol::{
    AssignedSource, Cancel, CredentialsLocation, Credit, GatewayFrame, Hello, HelloAck, Incoming, Job,
    JobParams, JobSpec, RunnerFrame, decode_runner,
};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};
use turmoil::net::{TcpListener, TcpStream};

pub(crate) const PORT: u16 = 3001;

/// Listens where runners connect to.
pub(crate) async fn listen() -> TcpListener {
    TcpListener::bind(("0.0.0.0", PORT)).await.unwrap()
}

/// One runner's connection.
pub(crate) struct Peer {
    pub(crate) socket: WebSocketStream<TcpStream>,
    pub(crate) request: Request,
}

/// Waits for a runner and accepts its upgrade, with `headers` in the answer.
pub(crate) async fn accept_with(listener: &TcpListener, headers: &[(&'static str, &'static str)]) -> Peer {
    let (stream, _) = listener.accept().await.unwrap();
    let mut seen = None;
    #[allow(clippy::result_large_err, reason = "the library's signature")]
    let callback = |request: &Request, mut response: Response| {
        seen = Some(request.clone());
        for (name, value) in headers {
            response.headers_mut().insert(*name, value.parse().unwrap());
        }
        Ok(response)
    };
    let socket = accept_hdr_async(stream, callback).await.unwrap();
    Peer { socket, request: seen.unwrap() }
}

/// Waits for a runner and accepts its upgrade.
pub(crate) async fn accept(listener: &TcpListener) -> Peer {
    accept_with(listener, &[]).await
}

/// Waits for a runner and acknowledges its `hello` with `features`.
pub(crate) async fn welcome(listener: &TcpListener, features: &[&str]) -> Peer {
    let mut peer = accept(listener).await;
    peer.hello().await;
    peer.ack(features).await;
    peer
}

impl Peer {
    pub(crate) async fn hello(&mut self) -> Hello {
        match self.frame().await {
            Some(RunnerFrame::Hello(hello)) => *hello,
            other => panic!("expected hello, got {other:?}"),
        }
    }

    pub(crate) async fn ack(&mut self, features: &[&str]) {
        let features = features.iter().map(|feature| (*feature).to_owned()).collect();
        let assigned_sources = vec![source()].into();
        let ack = HelloAck { server_version: 1, assigned_sources, features, session_id: None };
        self.send(GatewayFrame::HelloAck(ack)).await;
    }

    pub(crate) async fn send(&mut self, frame: GatewayFrame) {
        self.text(&frame.encode()).await;
    }

    pub(crate) async fn text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn job(&mut self, id: &str) {
        let spec = JobSpec { kind: "query".into(), target: Some("t".into()), options: None };
        let params = JobParams { source: source(), job: spec };
        self.send(GatewayFrame::Job(Box::new(Job { id: id.into(), params, deadline_ms: 30_000 }))).await;
    }

    pub(crate) async fn cancel(&mut self, id: &str) {
        self.send(GatewayFrame::Cancel(Cancel { id: id.into() })).await;
    }

    pub(crate) async fn credit(&mut self, id: &str, bytes: u64) {
        self.send(GatewayFrame::Credit(Credit { id: id.into(), bytes })).await;
    }

    /// The next frame, or none when the runner has closed.
    pub(crate) async fn frame(&mut self) -> Option<RunnerFrame> {
        loop {
            match self.socket.next().await? {
                Ok(Message::Text(text)) => match decode_runner(&text.into()) {
                    Ok(Incoming::Frame(frame)) => return Some(frame),
                    other => panic!("the runner sent {other:?}"),
                },
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(other) => panic!("the runner sent {other:?}"),
            }
        }
    }

    /// The next frame that is no heartbeat.
    pub(crate) async fn answer(&mut self) -> RunnerFrame {
        loop {
            match self.frame().await {
                Some(RunnerFrame::Heartbeat(_)) => {}
                Some(frame) => return frame,
                None => panic!("the runner closed"),
            }
        }
    }

    /// Reads on until the runner closes, and gives its close code.
    pub(crate) async fn closed_with(&mut self) -> Option<u16> {
        while let Some(Ok(message)) = self.socket.next().await {
            if let Message::Close(frame) = message {
                // Lets the library finish the handshake.
                while let Some(Ok(_)) = self.socket.next().await {}
                return frame.map(|frame| frame.code.into());
            }
        }
        None
    }

    /// Closes, and waits for the runner to agree.
    pub(crate) async fn close(mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        self.socket.close(Some(frame)).await.unwrap();
        let until_gone = async { while let Some(Ok(_)) = self.socket.next().await {} };
        tokio::time::timeout(Duration::from_secs(5), until_gone).await.unwrap();
    }

    /// Keeps reading, which answers pings, for as long as the connection lives.
    pub(crate) async fn keep_alive(&mut self) {
        while self.frame().await.is_some() {}
    }
}

pub(crate) fn source() -> AssignedSource {
    AssignedSource {
        id: "s1".into(),
        name: "orders".into(),
        bridge: "postgres".into(),
        credentials_location: CredentialsLocation::RunnerLocal,
        config: None,
    }
}
