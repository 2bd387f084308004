//! A MariaDB server.

mod installation;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};

use crate::certificates::{CertificateFiles, Certificates, ServerCertificate};
use crate::launch::Launch;
use crate::postgres::{APP_PASSWORD, APP_USER};
use crate::process::{Exit, Process};
use crate::workspace::ServerDirectory;
use crate::{Signal, install, url};
use installation::{install, server, start_on_a_free_port, until_it_answers, with_port};

/// The Debian package with the server and what sets it up.
const PACKAGE: &str = "mariadb-server";
/// The longest it may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// How a server is to be set up.
#[derive(Debug, Clone, Default)]
pub struct MariaDbOptions {
    /// The certificate to show; without one the server does not speak TLS.
    pub tls: Option<ServerCertificate>,
    /// The set that certificate is from; a new one when `None`.
    pub certificates: Option<Arc<Certificates>>,
    /// Further options, without the hyphens before them: `("sql-mode", "ANSI_QUOTES")`.
    pub settings: Vec<(String, String)>,
}

impl MariaDbOptions {
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

/// A running server with one user and a database of the same name. It ends when dropped.
#[derive(Debug)]
pub struct MariaDb {
    process: Process,
    port: u16,
    launch: Launch,
    certificates: Arc<Certificates>,
    files: CertificateFiles,
    // Last, so that the server has ended before its files go.
    directory: ServerDirectory,
}

impl MariaDb {
    /// Makes a data directory, starts a server on it and waits until it answers.
    ///
    /// # Errors
    /// When MariaDB is not installed, or does not start; the error shows what it printed.
    pub async fn start(options: MariaDbOptions) -> Result<Self> {
        let installer = install::program("mariadb-install-db", PACKAGE)?;
        let program = install::program("mariadbd", PACKAGE)?;
        let directory = ServerDirectory::new("my")?;
        install(&installer, &directory).await?;

        let certificates = match options.certificates {
            Some(certificates) => certificates,
            None => Arc::new(Certificates::generate(APP_USER)?),
        };
        let files = certificates.write(&directory, options.tls.unwrap_or_default())?;
        let launch = server(&program, &directory, options.tls.map(|_| &files), &options.settings);
        let (process, port) = start_on_a_free_port(&launch, &socket(&directory)).await?;
        let server = Self { process, port, launch, certificates, files, directory };
        server.make_user().await?;
        Ok(server)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The path of the Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        socket(&self.directory)
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

    /// The URL of the tests' database, with user and password.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_with(&[])
    }

    /// The same, with parameters (`sslmode`, `sslrootcert`, …).
    #[must_use]
    pub fn url_with(&self, parameters: &[(&str, &str)]) -> String {
        url::mysql(APP_USER, APP_PASSWORD, self.port, APP_USER, parameters)
    }

    /// The superuser's connection to the tests' database, over the Unix socket.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn admin(&self) -> Result<Conn> {
        let mut admin = connect_as_admin(&self.socket()).await?;
        admin.query_drop(format!("USE {APP_USER}")).await?;
        Ok(admin)
    }

    /// The server's process, to be watched.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// Kills the server, as a power cut would.
    ///
    /// # Errors
    /// When it survives.
    pub async fn kill(&self) -> Result<()> {
        self.process.kill9().await
    }

    /// Stops the server in order.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop(&self) -> Result<()> {
        self.process.signal(Signal::TERM)?;
        match self.process.wait(STOP_LIMIT).await? {
            Exit::Code(0) => Ok(()),
            exit => bail!("MariaDB ended with {exit:?}:\n{}", self.process.tail()),
        }
    }

    /// Starts the server again, on the same data and port; kills it before when it still runs.
    ///
    /// # Errors
    /// When it does not start, for example because another process has taken the port.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill().await?;
        self.process = Process::start(&with_port(&self.launch, self.port))?;
        until_it_answers(&self.process, &self.socket()).await
    }

    async fn make_user(&self) -> Result<()> {
        let mut admin = connect_as_admin(&self.socket()).await?;
        let password = APP_PASSWORD.replace('\\', "\\\\").replace('\'', "\\'");
        for statement in [
            "SET sql_mode = ''".to_owned(),
            format!("CREATE DATABASE {APP_USER} CHARACTER SET utf8mb4"),
            format!("CREATE USER {APP_USER}@'%' IDENTIFIED BY '{password}'"),
            format!("GRANT SELECT ON {APP_USER}.* TO {APP_USER}@'%'"),
        ] {
            admin.query_drop(statement).await.context("making the tests' user")?;
        }
        Ok(())
    }
}

fn socket(directory: &ServerDirectory) -> PathBuf {
    directory.path().join("socket")
}

async fn connect_as_admin(socket: &Path) -> Result<Conn> {
    let options = OptsBuilder::default().socket(Some(socket.display().to_string())).user(Some("root"));
    Conn::new(options).await.context("connecting as the superuser")
}
