//! A PostgreSQL server.

mod cluster;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio_postgres::Client;

use crate::certificates::{CertificateFiles, Certificates, ServerCertificate};
use crate::launch::Launch;
use crate::process::{Exit, Process};
use crate::workspace::ServerDirectory;
use crate::{Signal, install, url};
use cluster::{
    ADMIN_USER, access_rules, connect_as_admin, initialise, server, start_on_a_free_port, until_it_answers,
    with_port,
};

/// The user that tests connect as; it owns the database of the same name.
pub const APP_USER: &str = "app";
/// Its password: every character that URLs, connection strings and configuration files treat specially.
pub const APP_PASSWORD: &str = "p@:/%w #?&='\"\\x";

/// The longest it may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// How a server is to be set up.
#[derive(Debug, Clone, Default)]
pub struct PostgresOptions {
    /// The certificate to show; without one the server does not speak TLS.
    pub tls: Option<ServerCertificate>,
    /// The set that certificate is from; a new one when `None`.
    pub certificates: Option<Arc<Certificates>>,
    /// Further settings, as in `postgresql.conf`.
    pub settings: Vec<(String, String)>,
    /// Lines that go before the others in `pg_hba.conf`.
    pub access_rules: Vec<String>,
}

impl PostgresOptions {
    /// With TLS and the good certificate.
    #[must_use]
    pub fn with_tls() -> Self {
        Self { tls: Some(ServerCertificate::Good), ..Self::default() }
    }

    /// Adds a setting.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running server with SCRAM passwords. It ends when dropped.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    port: u16,
    launch: Launch,
    certificates: Arc<Certificates>,
    files: CertificateFiles,
    // Last, so that the server has ended before its files go.
    directory: ServerDirectory,
}

impl Postgres {
    /// Makes a database cluster, starts a server on it and waits until it answers.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or does not start; the error shows what it printed.
    pub async fn start(options: PostgresOptions) -> Result<Self> {
        let programs = install::postgres_programs()?;
        let directory = ServerDirectory::new("pg")?;
        let data = directory.path().join("data");
        initialise(&programs, &directory, &data).await?;

        let certificates = match options.certificates {
            Some(certificates) => certificates,
            None => Arc::new(Certificates::generate(APP_USER)?),
        };
        let files = certificates.write(&directory, options.tls.unwrap_or_default())?;
        let rules = access_rules(&options.access_rules, options.tls.is_some());
        std::fs::write(data.join("pg_hba.conf"), rules).context("writing pg_hba.conf")?;
        let launch = server(&programs, &directory, &data, &files, options.tls.is_some(), &options.settings);

        let (process, port) = start_on_a_free_port(&launch, directory.path()).await?;
        let server = Self { process, port, launch, certificates, files, directory };
        server.make_user().await?;
        Ok(server)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The directory with the Unix socket.
    #[must_use]
    pub fn socket_directory(&self) -> &Path {
        self.directory.path()
    }

    /// The certificates in use.
    #[must_use]
    pub const fn certificates(&self) -> &Arc<Certificates> {
        &self.certificates
    }

    /// A file with the authority's certificate, for `sslrootcert`.
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
        url::postgres(APP_USER, APP_PASSWORD, self.port, APP_USER, parameters)
    }

    /// A superuser's connection to the tests' database, over the Unix socket.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn admin(&self) -> Result<Client> {
        connect_as_admin(self.directory.path(), self.port, APP_USER).await
    }

    /// The server's process, to be watched.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// Kills the server and all its backends, as a power cut would.
    ///
    /// # Errors
    /// When something survives.
    pub async fn kill(&self) -> Result<()> {
        self.process.kill9().await
    }

    /// Stops the server in order, breaking connections off (`pg_ctl stop -m fast`).
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop(&self) -> Result<()> {
        self.process.signal(Signal::INT)?;
        match self.process.wait(STOP_LIMIT).await? {
            Exit::Code(0) => Ok(()),
            exit => bail!("PostgreSQL ended with {exit:?}:\n{}", self.process.tail()),
        }
    }

    /// Starts the server again, on the same data and port; kills it before when it still runs.
    ///
    /// # Errors
    /// When it does not start, for example because another process has taken the port.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill().await?;
        self.process = Process::start(&with_port(&self.launch, self.port))?;
        until_it_answers(&self.process, self.directory.path(), self.port).await
    }

    /// Stops the server and all its backends in their tracks: connections stay, nothing answers.
    ///
    /// # Errors
    /// When the server has ended.
    pub fn freeze(&self) -> Result<()> {
        self.process.signal_all(Signal::STOP)
    }

    /// Lets a frozen server go on.
    ///
    /// # Errors
    /// When the server has ended.
    pub fn thaw(&self) -> Result<()> {
        self.process.signal_all(Signal::CONT)
    }

    async fn make_user(&self) -> Result<()> {
        let admin = connect_as_admin(self.directory.path(), self.port, ADMIN_USER).await?;
        // A literal with a backslash needs the E form, in which it is doubled.
        let password = APP_PASSWORD.replace('\\', "\\\\").replace('\'', "''");
        admin.batch_execute(&format!("CREATE ROLE {APP_USER} LOGIN PASSWORD E'{password}'")).await?;
        admin.batch_execute(&format!("CREATE DATABASE {APP_USER} OWNER {APP_USER}")).await?;
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // An immediate shutdown removes the shared memory segment that SIGKILL would leave in the kernel
        // for good. Dropping the process afterwards kills whatever did not follow.
        if self.process.exit().is_none() {
            let _thawed = self.thaw();
            let _asked = self.process.signal(Signal::QUIT);
            let _ended = self.process.wait_blocking(STOP_LIMIT);
        }
    }
}
