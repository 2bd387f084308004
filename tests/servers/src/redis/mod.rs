//! A Redis server.

mod client;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

use crate::certificates::{CertificateFiles, Certificates, ServerCertificate};
use crate::launch::Launch;
use crate::port::free_port;
use crate::postgres::{APP_PASSWORD, APP_USER};
use crate::process::Process;
use crate::workspace::ServerDirectory;
use crate::{Signal, install, url};

pub use client::{RedisClient, RedisReply};

/// The Debian package with the server.
const PACKAGE: &str = "redis-server";
/// The longest it may take to answer; it takes 20 ms on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Starts tried, since the port found free may be taken by another.
const STARTS: usize = 5;

/// How a server is to be set up.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// The certificate to show; without one the server does not speak TLS, with one nothing else.
    pub tls: Option<ServerCertificate>,
    /// Further options, without the hyphens before them: `("maxclients", "10")`.
    pub settings: Vec<(String, String)>,
}

impl RedisOptions {
    /// With TLS and the good certificate.
    #[must_use]
    pub fn with_tls() -> Self {
        Self { tls: Some(ServerCertificate::Good), ..Self::default() }
    }

    /// Adds an option.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running server that keeps nothing on disk. Its default user has the tests' password and may do everything; the tests'
/// user may read. It ends when dropped.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    port: u16,
    launch: Launch,
    tls: bool,
    certificates: Arc<Certificates>,
    files: CertificateFiles,
    // Last, so that the server has ended before its files go.
    _directory: ServerDirectory,
}

impl Redis {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// When Redis is not installed, or does not start; the error shows what it printed.
    pub async fn start(options: RedisOptions) -> Result<Self> {
        let program = install::program("redis-server", PACKAGE)?;
        let directory = ServerDirectory::new("redis")?;
        let certificates = Arc::new(Certificates::generate(APP_USER)?);
        let files = certificates.write(&directory, options.tls.unwrap_or_default())?;
        let launch = server(&program, &directory, options.tls.map(|_| &files), &options.settings);
        let tls = options.tls.is_some();
        let mut last = None;
        for _ in 0..STARTS {
            let port = free_port()?;
            let process = Process::start(&with_port(&launch, port, tls))?;
            match until_it_answers(&process, port, tls.then_some(&*certificates)).await {
                Ok(()) => {
                    return Ok(Self {
                        process,
                        port,
                        launch,
                        tls,
                        certificates,
                        files,
                        _directory: directory,
                    });
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("no start was tried")))
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The certificates in use.
    #[must_use]
    pub const fn certificates(&self) -> &Arc<Certificates> {
        &self.certificates
    }

    /// A file with the authority's certificate.
    #[must_use]
    pub fn authority_file(&self) -> &Path {
        &self.files.authority
    }

    /// The URL of the tests' user, with the password.
    #[must_use]
    pub fn url(&self) -> String {
        url::redis(self.tls, (APP_USER, APP_PASSWORD), self.port)
    }

    /// A connection of the user who may do everything.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn admin(&self) -> Result<RedisClient> {
        RedisClient::connect(self.port, self.tls.then_some(&*self.certificates)).await
    }

    /// The server's process, to be watched.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// Kills the server, as a power cut would; its data is gone.
    ///
    /// # Errors
    /// When it survives.
    pub async fn kill(&self) -> Result<()> {
        self.process.kill9().await
    }

    /// Stops it in its tracks: connections stay, nothing answers.
    ///
    /// # Errors
    /// When it has ended.
    pub fn freeze(&self) -> Result<()> {
        self.process.signal(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it has ended.
    pub fn thaw(&self) -> Result<()> {
        self.process.signal(Signal::CONT)
    }

    /// Starts the server again on the same port, empty; kills it before when it still runs.
    ///
    /// # Errors
    /// When it does not start, for example because another process has taken the port.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill().await?;
        self.process = Process::start(&with_port(&self.launch, self.port, self.tls))?;
        until_it_answers(&self.process, self.port, self.tls.then_some(&*self.certificates)).await
    }
}

fn server(
    program: &Path,
    directory: &ServerDirectory,
    tls: Option<&CertificateFiles>,
    settings: &[(String, String)],
) -> Launch {
    let mut launch = Launch::new(program)
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
        .arg(directory.path())
        .args(["--requirepass", APP_PASSWORD])
        .args(["--user", APP_USER, "on", &format!(">{APP_PASSWORD}"), "~*", "+@read", "+@connection"]);
    if let Some(files) = tls {
        launch = launch
            .arg("--tls-cert-file")
            .arg(&files.certificate)
            .arg("--tls-key-file")
            .arg(&files.key)
            .arg("--tls-ca-cert-file")
            .arg(&files.authority)
            .args(["--tls-auth-clients", "no"]);
    }
    for (name, value) in settings {
        launch = launch.arg(format!("--{name}")).args(value.split(' '));
    }
    launch.current_dir(directory.path()).unprivileged()
}

fn with_port(launch: &Launch, port: u16, tls: bool) -> Launch {
    let port = port.to_string();
    match tls {
        true => launch.clone().args(["--port", "0", "--tls-port", &port]),
        false => launch.clone().args(["--port", &port]),
    }
}

async fn until_it_answers(process: &Process, port: u16, tls: Option<&Certificates>) -> Result<()> {
    const STEP: Duration = Duration::from_millis(10);
    let deadline = Instant::now() + START_LIMIT;
    loop {
        let refused = match RedisClient::connect(port, tls).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        if let Some(exit) = process.exit() {
            bail!("Redis ended with {exit:?} while starting:\n{}", process.tail());
        }
        if Instant::now() > deadline {
            return Err(refused.context(format!("Redis does not answer:\n{}", process.tail())));
        }
        tokio::time::sleep(STEP).await;
    }
}
