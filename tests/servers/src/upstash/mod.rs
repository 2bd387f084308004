//! A double of Upstash: its REST interface before a real Redis
//! (<https://upstash.com/docs/redis/features/restapi>).

mod exchange;

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

use crate::certificates::{Credential, ServerCertificate};
use crate::redis::{Redis, RedisClient, RedisOptions, RedisReply};
use exchange::Request;

/// What the double shows and demands.
#[derive(Debug, Clone)]
pub struct UpstashOptions {
    /// The token that requests have to bring.
    pub token: String,
    /// A token that may read, but not `SCAN`, as the service's own read-only tokens.
    pub reading_token: String,
    /// The certificate to show; without one it speaks plain HTTP.
    pub tls: Option<ServerCertificate>,
    /// Whether texts come in base64 where a request asks for it.
    pub encodes: bool,
}

impl Default for UpstashOptions {
    fn default() -> Self {
        Self {
            token: "AX9sASQgN2E+/==".to_owned(),
            reading_token: "reading".to_owned(),
            tls: None,
            encodes: true,
        }
    }
}

/// What goes wrong with every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstashFault {
    /// It is answered with this status and body.
    Answer(u16, String),
    /// The answer breaks off in the middle of its body.
    BreakOff,
    /// It is never answered.
    Silence,
}

/// The double with its Redis. Both end when it is dropped.
#[derive(Debug)]
pub struct Upstash {
    redis: Redis,
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    options: UpstashOptions,
    redis: Mutex<RedisClient>,
    fault: StdMutex<Option<UpstashFault>>,
}

impl Upstash {
    /// Starts both.
    ///
    /// # Errors
    /// As [`Redis::start`]; when no port is free.
    pub async fn start(options: UpstashOptions) -> Result<Self> {
        let redis = Redis::start(RedisOptions::default()).await?;
        let tls = options.tls.map(|which| acceptor(redis.certificates().server(which))).transpose()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listening on loopback")?;
        let port = listener.local_addr()?.port();
        let client = Mutex::new(redis.admin().await?);
        let shared = Arc::new(Shared { options, redis: client, fault: StdMutex::new(None) });
        let accepting = tokio::spawn(accept(listener, tls, Arc::clone(&shared)));
        Ok(Self { redis, port, shared, accepting })
    }

    /// The address for requests.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.shared.options.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The token that may do everything.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.shared.options.token
    }

    /// The Redis behind it.
    #[must_use]
    pub const fn redis(&self) -> &Redis {
        &self.redis
    }

    /// What goes wrong from now on.
    pub fn set_fault(&self, fault: Option<UpstashFault>) {
        *self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

impl Drop for Upstash {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn acceptor(credential: &Credential) -> Result<TlsAcceptor> {
    let chain =
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
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        connections.spawn(async move {
            // A client that goes, or does not like the certificate, is the client's affair.
            let _served = serve(stream, tls, &shared).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, tls: Option<TlsAcceptor>, shared: &Shared) -> Result<()> {
    stream.set_nodelay(true)?;
    match tls {
        None => requests(stream, shared).await,
        Some(tls) => requests(tls.accept(stream).await?, shared).await,
    }
}

/// One request behind the other on one connection.
async fn requests(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: &Shared) -> Result<()> {
    let mut buffer = Vec::new();
    while let Some(request) = exchange::read(&mut stream, &mut buffer).await? {
        let fault = shared.fault.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (status, body) = match &fault {
            Some(UpstashFault::Silence) => std::future::pending().await,
            Some(UpstashFault::Answer(status, body)) => (*status, body.clone()),
            Some(UpstashFault::BreakOff) | None => {
                let (status, body) = shared.answer(&request).await?;
                (status, body.to_string())
            }
        };
        let bytes = exchange::response(status, &body);
        if fault == Some(UpstashFault::BreakOff) {
            stream.write_all(bytes.get(..bytes.len() - body.len() / 2 - 1).unwrap_or_default()).await?;
            return Ok(stream.shutdown().await?);
        }
        stream.write_all(&bytes).await?;
        stream.flush().await?;
    }
    Ok(())
}

impl Shared {
    async fn answer(&self, request: &Request) -> Result<(u16, Value)> {
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let is_reading = token == Some(&self.options.reading_token);
        if token != Some(&self.options.token) && !is_reading {
            return Ok((401, json!({"error": "Unauthorized"})));
        }
        let encoded = self.options.encodes && request.header("upstash-encoding") == Some("base64");
        let body = serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
        match (request.method(), request.path(), body) {
            ("POST", "/pipeline", Value::Array(commands)) => {
                let mut answers = Vec::with_capacity(commands.len());
                for command in &commands {
                    answers.push(self.run(command, encoded, is_reading).await?.1);
                }
                Ok((200, Value::Array(answers)))
            }
            ("POST", "/", command) => self.run(&command, encoded, is_reading).await,
            _ => Ok((404, json!({"error": "Not Found"}))),
        }
    }

    async fn run(&self, command: &Value, encoded: bool, is_reading: bool) -> Result<(u16, Value)> {
        let words: Option<Vec<Vec<u8>>> = command
            .as_array()
            .filter(|words| !words.is_empty())
            .and_then(|words| words.iter().map(|word| Some(word.as_str()?.as_bytes().to_vec())).collect());
        let Some(words) = words else {
            return Ok((400, json!({"error": "ERR failed to parse command"})));
        };
        if is_reading && words.first().is_some_and(|name| name.eq_ignore_ascii_case(b"SCAN")) {
            let text = "NOPERM this user has no permissions to run the 'scan' command";
            return Ok((400, json!({"error": text})));
        }
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        Ok(match self.redis.lock().await.ask(&words).await? {
            RedisReply::Error(message) => (400, json!({"error": message})),
            reply => (200, json!({"result": shown(reply, encoded)})),
        })
    }
}

fn shown(reply: RedisReply, encoded: bool) -> Value {
    match reply {
        RedisReply::Nil => Value::Null,
        RedisReply::Integer(number) => number.into(),
        RedisReply::Text(bytes) if encoded && bytes != b"OK" => STANDARD.encode(bytes).into(),
        RedisReply::Text(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
        RedisReply::List(items) => items.into_iter().map(|item| shown(item, encoded)).collect(),
        RedisReply::Error(message) => message.into(),
    }
}
