//! PgBouncer, a connection pooler, before a PostgreSQL server.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::Instant;
use tokio_postgres::{Client, NoTls};

use crate::certificates::{CertificateFiles, Certificates, ServerCertificate};
use crate::launch::Launch;
use crate::port::free_port;
use crate::postgres::{APP_PASSWORD, APP_USER, Postgres};
use crate::process::Process;
use crate::workspace::ServerDirectory;
use crate::{Signal, install, url};

/// The longest it may take to answer.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Starts tried, since the port found free may be taken by another.
const STARTS: usize = 5;

/// How PgBouncer is to be set up.
#[derive(Debug, Clone)]
pub struct PgBouncerOptions {
    /// `transaction`, `session` or `statement`.
    pub pool_mode: String,
    /// Server connections for the tests' user and database; few, so that clients do share them.
    pub pool_size: u32,
    /// The certificate to show to clients that ask for TLS; without one it speaks none.
    pub tls: Option<ServerCertificate>,
    /// Further settings of the `[pgbouncer]` section.
    pub settings: Vec<(String, String)>,
}

impl Default for PgBouncerOptions {
    /// Transaction pooling over two server connections, without TLS.
    fn default() -> Self {
        Self { pool_mode: "transaction".to_owned(), pool_size: 2, tls: None, settings: Vec::new() }
    }
}

/// A running PgBouncer. It ends when dropped.
#[derive(Debug)]
pub struct PgBouncer {
    process: Process,
    port: u16,
    certificates: Arc<Certificates>,
    files: CertificateFiles,
    // Last, so that the program has ended before its files go.
    _directory: ServerDirectory,
}

impl PgBouncer {
    /// Starts PgBouncer before `postgres` and waits until a query passes through it.
    ///
    /// # Errors
    /// When it is not installed, or does not start; the error shows what it printed.
    pub async fn start(postgres: &Postgres, options: &PgBouncerOptions) -> Result<Self> {
        let program = install::program("pgbouncer", "pgbouncer")?;
        let directory = ServerDirectory::new("pgb")?;
        let certificates = postgres.certificates().clone();
        let files = certificates.write(&directory, options.tls.unwrap_or_default())?;
        let users =
            directory.write("users.txt", &format!("{} {}\n", quoted(APP_USER), quoted(APP_PASSWORD)))?;

        let mut last = None;
        for _ in 0..STARTS {
            let port = free_port()?;
            let text = configuration(postgres.port(), port, options, &files, &users.display().to_string());
            let launch = Launch::new(&program)
                .arg(directory.write("pgbouncer.ini", &text)?)
                .env("HOME", directory.path())
                .current_dir(directory.path())
                .unprivileged();
            let process = Process::start(&launch)?;
            match until_it_answers(&process, port).await {
                Ok(()) => return Ok(Self { process, port, certificates, files, _directory: directory }),
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

    /// A file with the authority's certificate, for `sslrootcert`.
    #[must_use]
    pub fn authority_file(&self) -> &std::path::Path {
        &self.files.authority
    }

    /// The URL of the tests' database through the pooler, with user and password.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_with(&[])
    }

    /// The same, with parameters.
    #[must_use]
    pub fn url_with(&self, parameters: &[(&str, &str)]) -> String {
        url::postgres(APP_USER, APP_PASSWORD, self.port, APP_USER, parameters)
    }

    /// A connection of the tests' user through the pooler, in clear.
    ///
    /// # Errors
    /// When PgBouncer or the server behind it does not answer.
    pub async fn client(&self) -> Result<Client> {
        connect(self.port).await
    }

    /// The pooler's process, to be watched.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// Kills it.
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
}

/// PgBouncer's quoting: a quote inside is doubled, nothing else is special.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn configuration(
    server: u16,
    port: u16,
    options: &PgBouncerOptions,
    files: &CertificateFiles,
    users: &str,
) -> String {
    let mut text = format!(
        "[databases]\n\
         * = host=127.0.0.1 port={server}\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {port}\n\
         unix_socket_dir =\n\
         auth_type = scram-sha-256\n\
         auth_file = {users}\n\
         admin_users = {APP_USER}\n\
         pool_mode = {}\n\
         default_pool_size = {}\n\
         max_client_conn = 1000\n",
        options.pool_mode, options.pool_size,
    );
    if options.tls.is_some() {
        // `allow`: clients choose, so that the same instance serves tests of both kinds.
        text += &format!(
            "client_tls_sslmode = allow\nclient_tls_cert_file = {}\nclient_tls_key_file = {}\nclient_tls_ca_file = {}\n",
            files.certificate.display(),
            files.key.display(),
            files.authority.display(),
        );
    }
    for (name, value) in &options.settings {
        text += &format!("{name} = {value}\n");
    }
    text
}

async fn until_it_answers(process: &Process, port: u16) -> Result<()> {
    const STEP: Duration = Duration::from_millis(10);
    let deadline = Instant::now() + START_LIMIT;
    loop {
        let refused = match connect(port).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        if let Some(exit) = process.exit() {
            bail!("PgBouncer ended with {exit:?} while starting:\n{}", process.tail());
        }
        if Instant::now() > deadline {
            return Err(refused.context(format!("PgBouncer does not answer:\n{}", process.tail())));
        }
        tokio::time::sleep(STEP).await;
    }
}

async fn connect(port: u16) -> Result<Client> {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(port).user(APP_USER).password(APP_PASSWORD).dbname(APP_USER);
    let (client, connection) = config.connect(NoTls).await.context("connecting through PgBouncer")?;
    // It ends when the client is dropped; what broke it off, the client's next call reports.
    tokio::spawn(connection);
    client.simple_query("SELECT 1").await.context("a query through PgBouncer")?;
    Ok(client)
}
