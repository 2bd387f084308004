//! What stands before `tursodb`: TLS, tokens, streams as libSQL's server has them, and faults.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

use super::TursoOptions;
use super::exchange::{Message, ask, read, write};
use crate::certificates::{Certificates, Credential};

/// What goes wrong with every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TursoFault {
    /// It is answered with this status and body.
    Status(u16, String),
    /// The answer breaks off in the middle of its body.
    BreakOff,
    /// It is never answered.
    Silence,
    /// It is answered with this body, and status 200.
    Body(String),
}

/// One request, as the server got it.
#[derive(Debug, Clone)]
pub struct TursoRequest {
    /// Where to: `/v2/pipeline`.
    pub path: String,
    /// What stood in the header `Authorization`.
    pub authorization: Option<String>,
    /// The body.
    pub body: String,
}

/// The listener with its connections; all end when it is dropped.
#[derive(Debug)]
pub(super) struct Front {
    port: u16,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    upstream: u16,
    token: Option<String>,
    keeps_streams: bool,
    max_answer: Option<usize>,
    fault: Mutex<Option<TursoFault>>,
    requests: watch::Sender<Vec<TursoRequest>>,
}

impl Front {
    pub(super) async fn start(
        options: &TursoOptions,
        certificates: &Certificates,
        upstream: u16,
    ) -> Result<Self> {
        let tls = options.tls.map(|which| acceptor(certificates.server(which))).transpose()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listening on loopback")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            upstream,
            token: options.token.clone(),
            keeps_streams: options.keeps_streams,
            max_answer: options.max_answer,
            fault: Mutex::new(None),
            requests: watch::Sender::new(Vec::new()),
        });
        let accepting = tokio::spawn(accept(listener, tls, shared.clone()));
        Ok(Self { port, shared, accepting: Some(accepting) })
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn requests(&self) -> Vec<TursoRequest> {
        self.shared.requests.borrow().clone()
    }

    pub(super) async fn until_asked(&self, part: &str) {
        let mut requests = self.shared.requests.subscribe();
        // The sender lives as long as this does.
        let _asked = requests.wait_for(|all| all.iter().any(|request| request.body.contains(part))).await;
    }

    pub(super) fn set_fault(&self, fault: Option<TursoFault>) {
        *self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    pub(super) async fn stop(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            // Only then the port is free and the connections are closed: the task owns them.
            let _aborted = accepting.await;
        }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

fn acceptor(credential: &Credential) -> Result<TlsAcceptor> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(credential.certificate.as_bytes()).collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(credential.key.as_bytes())?;
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((tcp, _)) = accepted else { return };
                let (tls, shared) = (tls.clone(), shared.clone());
                connections.spawn(async move {
                    // A client that breaks off, or refuses the certificate, sees the end of its connection.
                    let _ended = match tls {
                        None => serve(tcp, &shared).await,
                        Some(tls) => match tls.accept(tcp).await {
                            Ok(stream) => serve(stream, &shared).await,
                            Err(error) => Err(error.into()),
                        },
                    };
                });
            }
            Some(_ended) = connections.join_next() => {}
        }
    }
}

/// One request, one answer, the end.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: &Shared) -> Result<()> {
    let request = read(&mut stream).await?;
    shared.requests.send_modify(|all| {
        all.push(TursoRequest {
            path: request.path().to_owned(),
            authorization: request.header("authorization").map(str::to_owned),
            body: String::from_utf8_lossy(&request.body).into_owned(),
        });
    });
    let fault = shared.fault.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match fault {
        Some(TursoFault::Status(status, body)) => {
            write(&mut stream, &Message::response(status, body.into_bytes())).await?;
        }
        Some(TursoFault::Body(body)) => {
            write(&mut stream, &Message::response(200, body.into_bytes())).await?;
        }
        Some(TursoFault::Silence) => std::future::pending::<()>().await,
        Some(TursoFault::BreakOff) => {
            let answer = shared.answer(&request).await?.bytes();
            let half = answer.len() - answer.len() / 4;
            stream.write_all(answer.get(..half).unwrap_or_default()).await?;
            stream.flush().await?;
        }
        None => write(&mut stream, &shared.answer(&request).await?).await?,
    }
    // TLS ends with a word of its own; a client that has gone does not hear it.
    let _ended = stream.shutdown().await;
    Ok(())
}

impl Shared {
    async fn answer(&self, request: &Message) -> Result<Message> {
        if let Some(token) = &self.token
            && request.header("authorization") != Some(&format!("Bearer {token}"))
        {
            let problem = json!({"error": "Unauthorized: The JWT is invalid"});
            return Ok(Message::response(401, problem.to_string().into_bytes()));
        }
        if request.path() != "/v2/pipeline" {
            return Ok(Message::response(404, json!({"error": "not found"}).to_string().into_bytes()));
        }
        let mut body: Value = match serde_json::from_slice(&request.body) {
            Ok(body) => body,
            Err(error) => return Ok(Message::response(400, error.to_string().into_bytes())),
        };
        let closes = self.keeps_streams && take_close(&mut body);
        let mut upstream = TcpStream::connect(("127.0.0.1", self.upstream)).await?;
        let answer = ask(&mut upstream, &Message::request(&body.to_string())).await?;
        if answer.status() != Some(200) {
            return Ok(answer);
        }
        if self.max_answer.is_some_and(|most| answer.body.len() > most) {
            let error = json!({"message": "Response is too large", "code": "RESPONSE_TOO_LARGE"});
            let body = json!({"baton": null, "results": [{"type": "error", "error": error}]});
            return Ok(Message::response(200, body.to_string().into_bytes()));
        }
        match self.keeps_streams {
            false => Ok(answer),
            true => Ok(Message::response(200, with_stream(&answer.body, closes)?)),
        }
    }
}

/// Takes the end of the stream out of the requests; whether it was there.
fn take_close(body: &mut Value) -> bool {
    let Some(requests) = body.get_mut("requests").and_then(Value::as_array_mut) else { return false };
    let all = requests.len();
    requests.retain(|request| request.get("type").and_then(Value::as_str) != Some("close"));
    requests.len() < all
}

/// The answer as a server gives it that keeps a stream, unless it was closed. The results stay as they are written.
fn with_stream(body: &[u8], closed: bool) -> Result<Vec<u8>> {
    let text = std::str::from_utf8(body)?;
    if !closed {
        return Ok(text.replacen("\"baton\":null", "\"baton\":\"kept\"", 1).into_bytes());
    }
    let results = text.trim_end().strip_suffix("]}").context("an answer that ends with its results")?;
    Ok(format!("{results},{{\"type\":\"ok\",\"response\":{{\"type\":\"close\"}}}}]}}").into_bytes())
}
