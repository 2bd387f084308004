//! A Turso server: `tursodb` with a front of ours that checks tokens, speaks TLS and breaks off when it is told to.

mod exchange;
mod front;
mod installation;
mod sqlite;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::certificates::{Certificates, ServerCertificate};
use crate::launch::Launch;
use crate::port::free_port;
use crate::process::Process;
use crate::workspace::ServerDirectory;

use exchange::Message;
use front::Front;
pub use front::{TursoFault, TursoRequest};
use sqlite::SqliteServer;

/// The longest it may take to answer.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Starts tried, since the port found free may be taken by another.
const STARTS: usize = 5;

/// What runs the statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TursoEngine {
    /// `tursodb`, the rewrite in Rust.
    #[default]
    Tursodb,
    /// SQLite, which libSQL's server and so Turso's cloud runs a fork of.
    Sqlite,
}

/// How a server is to be set up.
#[derive(Debug, Clone, Default)]
pub struct TursoOptions {
    /// What runs the statements.
    pub engine: TursoEngine,
    /// The certificate to show; without one it speaks plain HTTP.
    pub tls: Option<ServerCertificate>,
    /// The token that requests have to bring, if they have to bring one.
    pub token: Option<String>,
    /// Whether streams are kept and have to be closed, as on libSQL's server; `tursodb` by itself refuses the request.
    pub keeps_streams: bool,
    /// The largest answer, in bytes: libSQL's server refuses what is larger (10 MB unless it is told otherwise).
    pub max_answer: Option<usize>,
}

/// A running server with an empty database. It ends when dropped.
#[derive(Debug)]
pub struct Turso {
    front: Front,
    engine: Engine,
    port: u16,
    certificates: Arc<Certificates>,
    tls: bool,
    authority_file: std::path::PathBuf,
    // Last, so that the program has ended before its files go.
    _directory: ServerDirectory,
}

#[derive(Debug)]
enum Engine {
    Tursodb(Process),
    Sqlite(SqliteServer),
}

impl Turso {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// When `tursodb` is not installed, or does not start; the error shows what it printed.
    pub async fn start(options: TursoOptions) -> Result<Self> {
        let directory = ServerDirectory::new("turso")?;
        let certificates = Arc::new(Certificates::generate("app")?);
        let authority_file = certificates.write(&directory, options.tls.unwrap_or_default())?.authority;
        let (engine, port) = match options.engine {
            TursoEngine::Tursodb => start_tursodb(&directory).await?,
            TursoEngine::Sqlite => {
                let server = SqliteServer::start(&directory.path().join("test.db")).await?;
                let port = server.port;
                (Engine::Sqlite(server), port)
            }
        };
        let front = Front::start(&options, &certificates, port).await?;
        let tls = options.tls.is_some();
        Ok(Self { front, engine, port, certificates, tls, authority_file, _directory: directory })
    }

    /// What runs the statements.
    #[must_use]
    pub const fn engine(&self) -> TursoEngine {
        match self.engine {
            Engine::Tursodb(_) => TursoEngine::Tursodb,
            Engine::Sqlite(_) => TursoEngine::Sqlite,
        }
    }

    /// The port of the front on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.front.port()
    }

    /// The URL of the front; the name is in the good certificate.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://localhost:{}", if self.tls { "https" } else { "http" }, self.port())
    }

    /// The URL of the engine itself, which checks nothing.
    #[must_use]
    pub fn bare_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The certificates in use.
    #[must_use]
    pub const fn certificates(&self) -> &Arc<Certificates> {
        &self.certificates
    }

    /// A file with the authority's certificate.
    #[must_use]
    pub fn authority_file(&self) -> &Path {
        &self.authority_file
    }

    /// Runs statements without rows, past the front, in one request.
    ///
    /// # Errors
    /// What the server says of the first that fails.
    pub async fn execute<S: AsRef<str>>(&self, statements: &[S]) -> Result<()> {
        let answer = ask(self.port, &requests(statements)).await?;
        let results = answer.get("results").and_then(Value::as_array).context("an answer without results")?;
        for (statement, result) in statements.iter().zip(results) {
            if let Some(error) = result.get("error") {
                let shown: String = statement.as_ref().chars().take(500).collect();
                bail!("{error} in: {shown}");
            }
        }
        if results.len() == statements.len() { Ok(()) } else { bail!("statements were left unanswered") }
    }

    /// Every request that came to the front so far.
    #[must_use]
    pub fn requests(&self) -> Vec<TursoRequest> {
        self.front.requests()
    }

    /// Waits until a request with this text in its body has come.
    pub async fn until_asked(&self, part: &str) {
        self.front.until_asked(part).await;
    }

    /// What goes wrong from now on; `None` lets everything go well again.
    pub fn set_fault(&self, fault: Option<TursoFault>) {
        self.front.set_fault(fault);
    }

    /// Kills the server and the front: every connection breaks, and nothing listens any more.
    ///
    /// # Errors
    /// When it survives.
    pub async fn kill(&mut self) -> Result<()> {
        self.front.stop().await;
        match &self.engine {
            Engine::Tursodb(process) => process.kill9().await,
            Engine::Sqlite(server) => {
                server.stop();
                Ok(())
            }
        }
    }
}

/// `tursodb` on a free port.
async fn start_tursodb(directory: &ServerDirectory) -> Result<(Engine, u16)> {
    let program = installation::reachable(&installation::tursodb()?, directory)?;
    let mut last = None;
    for _ in 0..STARTS {
        let port = free_port()?;
        let launch = Launch::new(&program)
            .arg(directory.path().join("test.db"))
            .arg("--sync-server")
            .arg(format!("127.0.0.1:{port}"))
            .arg("--experimental-without-rowid")
            .env("HOME", directory.path())
            .current_dir(directory.path())
            .unprivileged();
        let process = Process::start(&launch)?;
        match until_it_answers(&process, port).await {
            Ok(()) => {
                // Before it holds anything, `tursodb` 0.6 cannot even read its own schema.
                ask(port, &requests(&["CREATE TABLE begun (x)", "DROP TABLE begun"])).await?;
                return Ok((Engine::Tursodb(process), port));
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("no start was tried")))
}

fn requests<S: AsRef<str>>(statements: &[S]) -> Value {
    let request = |sql: &S| json!({"type": "execute", "stmt": {"sql": sql.as_ref(), "args": []}});
    json!({"baton": null, "requests": statements.iter().map(request).collect::<Vec<Value>>()})
}

/// One pipeline, straight to `tursodb`.
async fn ask(port: u16, body: &Value) -> Result<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.context("connecting to tursodb")?;
    let request = Message::request(&body.to_string());
    let answer = exchange::ask(&mut stream, &request).await?;
    if answer.status() != Some(200) {
        bail!("tursodb answers: {}", answer.text());
    }
    serde_json::from_slice(&answer.body).context("reading tursodb's answer")
}

async fn until_it_answers(process: &Process, port: u16) -> Result<()> {
    const STEP: Duration = Duration::from_millis(10);
    let deadline = Instant::now() + START_LIMIT;
    let question = json!({"requests": [{"type": "execute", "stmt": {"sql": "SELECT 1", "args": []}}]});
    loop {
        let refused = match ask(port, &question).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        if let Some(exit) = process.exit() {
            bail!("tursodb ended with {exit:?} while starting:\n{}", process.tail());
        }
        if Instant::now() > deadline {
            return Err(refused.context(format!("tursodb does not answer:\n{}", process.tail())));
        }
        tokio::time::sleep(STEP).await;
    }
}
