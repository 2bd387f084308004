//! The double as a server: it listens, and keeps what its connections share.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_rustls::rustls::ServerConfig;

use super::options::{SqlServerEncryption, SqlServerFault, SqlServerOptions};
use super::record::{Records, SqlServerSession, SqlServerStatement};
use super::{secure, session};
use crate::certificates::Certificates;
use crate::postgres::{APP_PASSWORD, APP_USER};
use crate::tsql::Engine;
use crate::url;
use crate::workspace::ServerDirectory;

/// Expressions nest, and a nested evaluation takes its stack; only what is used of it becomes memory.
const STACK: usize = 256 << 20;
/// Sessions below this number belong to the server itself.
const FIRST_SPID: u16 = 51;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) engine: Arc<Engine>,
    pub(super) records: Records,
    encryption: SqlServerEncryption,
    tls: Arc<ServerConfig>,
    faults: Mutex<Vec<SqlServerFault>>,
    spid: AtomicU16,
    /// Changes when every connection is to end.
    epoch: watch::Sender<u64>,
}

impl Shared {
    pub(super) const fn encryption(&self) -> SqlServerEncryption {
        self.encryption
    }

    pub(super) fn tls(&self) -> Arc<ServerConfig> {
        self.tls.clone()
    }

    pub(super) fn find_fault<T>(&self, find: impl FnMut(&SqlServerFault) -> Option<T>) -> Option<T> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).iter().find_map(find)
    }

    pub(super) fn has_fault(&self, is_it: impl Fn(&SqlServerFault) -> bool) -> bool {
        self.find_fault(|fault| is_it(fault).then_some(())).is_some()
    }

    /// The epoch that connections are born in.
    fn epoch(&self) -> u64 {
        *self.epoch.borrow()
    }

    /// Whether connections of that epoch are to end.
    pub(super) fn is_over(&self, epoch: u64) -> bool {
        self.epoch() != epoch
    }

    /// Waits until connections of that epoch are to end.
    pub(super) async fn over(&self, epoch: u64) {
        // The sender lives as long as this does, so that waiting ends with a change only.
        let mut changes = self.epoch.subscribe();
        let _changed = changes.wait_for(|now| *now != epoch).await;
    }
}

/// A server that speaks TDS and runs T-SQL on tables in memory; it ends when dropped.
///
/// Columns that name no collation compare by code unit (`Latin1_General_100_BIN2`), as does the database.
#[derive(Debug)]
pub struct SqlServer {
    runtime: Option<Runtime>,
    shared: Arc<Shared>,
    certificates: Arc<Certificates>,
    authority_file: std::path::PathBuf,
    address: SocketAddr,
    accepting: Option<tokio::task::JoinHandle<()>>,
    _directory: ServerDirectory,
}

impl SqlServer {
    /// Starts a server with an empty database.
    ///
    /// # Errors
    /// When a certificate cannot be made or no port is to be had.
    pub async fn start(options: SqlServerOptions) -> Result<Self> {
        let certificates = match options.certificates {
            Some(certificates) => certificates,
            None => Arc::new(Certificates::generate(APP_USER)?),
        };
        let directory = ServerDirectory::new("tds")?;
        let files = certificates.write(&directory, options.certificate)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sqlserver-double")
            .thread_stack_size(STACK)
            .enable_all()
            .build()
            .context("starting the server's threads")?;
        let shared = Arc::new(Shared {
            engine: Arc::new(Engine::new(
                APP_USER,
                options.major_version.unwrap_or(15),
                options.snapshot_isolation,
            )),
            records: Records::default(),
            encryption: options.encryption,
            tls: secure::server_config(certificates.server(options.certificate))?,
            faults: Mutex::new(options.faults),
            spid: AtomicU16::new(FIRST_SPID),
            epoch: watch::Sender::new(0),
        });
        let mut server = Self {
            runtime: Some(runtime),
            shared,
            certificates,
            authority_file: files.authority,
            address: SocketAddr::from((options.address.unwrap_or(Ipv4Addr::LOCALHOST), 0)),
            accepting: None,
            _directory: directory,
        };
        server.restart().await?;
        Ok(server)
    }

    /// The port, on 127.0.0.1 unless another address was chosen.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// The URL of the tests' database, with user and password.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_with(&[])
    }

    /// The same, with parameters.
    #[must_use]
    pub fn url_with(&self, parameters: &[(&str, &str)]) -> String {
        let (user, password) = (url::encode(APP_USER), url::encode(APP_PASSWORD));
        let mut url = format!("mssql://{user}:{password}@{}/{}", self.address, url::encode(APP_USER));
        for (position, (name, value)) in parameters.iter().enumerate() {
            url.push(if position == 0 { '?' } else { '&' });
            url.push_str(&format!("{}={}", url::encode(name), url::encode(value)));
        }
        url
    }

    /// The certificates in use.
    #[must_use]
    pub const fn certificates(&self) -> &Arc<Certificates> {
        &self.certificates
    }

    /// A file with the authority's certificate.
    #[must_use]
    pub fn authority_file(&self) -> &std::path::Path {
        &self.authority_file
    }

    /// Runs T-SQL in the tests' database, past the network: tables are made and filled with it.
    ///
    /// # Errors
    /// The number, line and text of the server's error.
    pub async fn execute(&self, sql: &str) -> Result<()> {
        let (engine, sql) = (self.shared.engine.clone(), sql.to_owned());
        let runtime = self.runtime.as_ref().context("the server has ended")?;
        runtime.spawn(async move { tokio::task::block_in_place(|| engine.execute(&sql)) }).await?
    }

    /// Every login so far.
    #[must_use]
    pub fn sessions(&self) -> Vec<SqlServerSession> {
        self.shared.records.sessions()
    }

    /// Every batch and call so far.
    #[must_use]
    pub fn statements(&self) -> Vec<SqlServerStatement> {
        self.shared.records.statements()
    }

    /// Forgets the batches and calls so far.
    pub fn clear_statements(&self) {
        self.shared.records.clear_statements();
    }

    /// What goes wrong from now on; an empty list lets everything go well again.
    pub fn set_faults(&self, faults: Vec<SqlServerFault>) {
        *self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// Ends every connection: none answers what is sent from now on. New ones are welcome.
    pub fn disconnect_all(&self) {
        self.shared.epoch.send_modify(|epoch| *epoch += 1);
    }

    /// Ends every connection and takes no more.
    pub async fn stop(&mut self) {
        self.disconnect_all();
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            // Only then is the port free: the task owns the listener.
            let _aborted = accepting.await;
        }
    }

    /// Listens again, on the same port and with the same tables.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await;
        let runtime = self.runtime.as_ref().context("the server has ended")?;
        let address = self.address;
        let listener = runtime.spawn(TcpListener::bind(address)).await?.context("listening on loopback")?;
        self.address = listener.local_addr()?;
        let shared = self.shared.clone();
        self.accepting = Some(runtime.spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let shared = shared.clone();
                let epoch = shared.epoch();
                tokio::spawn(async move {
                    let spid = shared.spid.fetch_add(1, Ordering::SeqCst);
                    tokio::select! {
                        // A client that breaks the protocol, or off, sees the end of its connection.
                        _ended = session::serve(&shared, tcp, spid, epoch) => {}
                        () = shared.over(epoch) => {}
                    }
                    shared.records.session(spid, |session| session.ended = true);
                });
            }
        }));
        Ok(())
    }
}

impl Drop for SqlServer {
    fn drop(&mut self) {
        self.disconnect_all();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
