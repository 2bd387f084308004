//! Starting and stopping a gateway in this process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::administration::{Actor, Administration, ChangeError, KeyRequest};
use crate::app::App;
use crate::directory::Directory;
use crate::dispatch::{Dispatcher, Recorder};
use crate::refusals::Refusals;
use crate::serve::{Listener, ListenerError};
use crate::sessions::{Closing, Registry, keep_leases};
use crate::settings::{Database, Settings, SettingsError};
use crate::store::sqlite::SqliteStore;
use crate::store::{AuditEntry, Store, StoreError};
use crate::{http, tokens};

/// How often a stopping gateway looks whether its jobs have ended.
const DRAIN_LOOK: Duration = Duration::from_millis(50);
/// How long the runners' sockets may take to close.
const SOCKETS_END: Duration = Duration::from_secs(5);
/// How long each other part may take to end; connections have 5 s for their last answers.
const PART_END: Duration = Duration::from_secs(8);

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings contradict themselves.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address or the certificate.
    #[error(transparent)]
    Listener(#[from] ListenerError),
    /// The first admin token could not be made.
    #[error("the first admin token could not be made: {0}")]
    FirstToken(#[from] ChangeError),
}

/// A gateway that serves. [`Running::stop`] ends it cleanly; dropping it leaves that to the runtime's end.
pub struct Running {
    address: SocketAddr,
    url: String,
    connect_url: String,
    admin_token: Option<SecretString>,
    app: Arc<App>,
    serving: JoinHandle<()>,
    recording: JoinHandle<()>,
    recorded: CancellationToken,
    leasing: JoinHandle<()>,
}

/// Starts a gateway: opens the database, makes what the first start needs, and listens.
///
/// # Errors
/// When the settings, the database, the address or the certificate cannot be used.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    settings.check()?;
    let Database::Sqlite(path) = &settings.database;
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(path).await?);
    let listener = Listener::bind(&settings).await?;
    let address = listener.address();
    let home = store.home().await?;
    let instance = Uuid::now_v7();
    let abandoned = store.fail_abandoned_jobs().await?;
    if abandoned > 0 {
        tracing::warn!(jobs = abandoned, "jobs of a gateway that did not stop cleanly were failed");
    }
    store.begin_instance(instance, &address.to_string(), settings.timings.lease).await?;

    let registry = Arc::new(Registry::new());
    let directory = Arc::new(Directory::new(Arc::clone(&store), settings.admin_token.as_ref()));
    let (stopping, ended) = (CancellationToken::new(), CancellationToken::new());
    // The recorder outlives everything that writes to it, so its end is its own.
    let recorded = CancellationToken::new();
    let (recorder, record) = Recorder::new(Arc::clone(&store), recorded.clone());
    let administration = Arc::new(Administration {
        store: Arc::clone(&store),
        directory: Arc::clone(&directory),
        registry: Arc::clone(&registry),
        home,
        assignments: tokio::sync::Mutex::new(()),
    });
    let admin_token = admin_token(&settings, &administration).await?;
    let url = base_url(&settings, address);
    let connect_url = connect_url(&url);
    let app = Arc::new(App {
        dispatcher: Dispatcher::new(Arc::clone(&registry), recorder, settings.timings.deadline_grace),
        store,
        directory,
        registry,
        administration,
        refusals: Refusals::default(),
        instance,
        retention: settings.retention,
        behind_proxy: settings.behind_proxy,
        connect_url: connect_url.clone(),
        timings: settings.timings,
        stopping,
        ended: ended.clone(),
        tasks: TaskTracker::new(),
    });
    tracing::info!(%address, url, "gateway serves");
    Ok(Running {
        address,
        url,
        connect_url,
        admin_token,
        serving: tokio::spawn(listener.serve(http::router(Arc::clone(&app)), ended)),
        recording: tokio::spawn(record),
        recorded,
        leasing: tokio::spawn(keep_leases(Arc::clone(&app))),
        app,
    })
}

/// The admin token, where this start knows it: given by the environment, or made now.
async fn admin_token(
    settings: &Settings,
    administration: &Administration,
) -> Result<Option<SecretString>, StartError> {
    if let Some(given) = &settings.admin_token {
        return Ok(Some(given.clone()));
    }
    if administration.store.has_admin_key().await? {
        return Ok(None);
    }
    let request = KeyRequest {
        kind: tokens::TokenKind::Admin.as_str().to_owned(),
        name: Some("first start".to_owned()),
    };
    let created = administration.create_key(&Actor("first start".to_owned()), &request).await?;
    Ok(Some(created.token.secret))
}

fn base_url(settings: &Settings, address: SocketAddr) -> String {
    match (&settings.public_url, &settings.tls) {
        (Some(url), _) => url.clone(),
        (None, Some(_)) => format!("https://{address}"),
        (None, None) => format!("http://{address}"),
    }
}

fn connect_url(base: &str) -> String {
    let socket = match base.strip_prefix("https://") {
        Some(rest) => format!("wss://{rest}"),
        None => format!("ws://{}", base.strip_prefix("http://").unwrap_or(base)),
    };
    format!("{socket}/connect")
}

impl Running {
    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL for callers: the public one when it is set.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its URL for runners.
    pub fn connect_url(&self) -> &str {
        &self.connect_url
    }

    /// The admin token, when this start was given it or made it.
    pub const fn admin_token(&self) -> Option<&SecretString> {
        self.admin_token.as_ref()
    }

    /// Creates runners, sources and keys, by the very code that the HTTP API uses.
    pub fn administration(&self) -> &Administration {
        &self.app.administration
    }

    /// Stops: nothing more is dispatched, running jobs get their time, sockets are closed with 4503, records are
    /// written, the database is let go of.
    pub async fn stop(self) {
        self.app.stopping.cancel();
        let until = Instant::now() + self.app.timings.drain;
        while self.app.registry.in_flight() > 0 && Instant::now() < until {
            tokio::time::sleep(DRAIN_LOOK).await;
        }
        let cut = self.app.registry.in_flight();
        if cut > 0 {
            tracing::warn!(jobs = cut, "jobs were still running at the end of the drain time");
        }
        for session in self.app.registry.all() {
            session.close(Closing::DRAINING);
        }
        self.app.tasks.close();
        if timeout(SOCKETS_END, self.app.tasks.wait()).await.is_err() {
            tracing::warn!(sockets = self.app.tasks.len(), "sockets were still open at the end");
        }
        self.app.ended.cancel();
        finish("connections", self.serving).await;
        finish("leases", self.leasing).await;
        self.recorded.cancel();
        finish("records", self.recording).await;
        let entry = AuditEntry {
            actor: "gateway".to_owned(),
            action: "gateway.stop",
            subject_type: "instance",
            subject_id: Some(self.app.instance.to_string()),
            detail: json!({}),
        };
        if let Err(error) = self.app.store.audit(&entry).await {
            tracing::warn!(%error, "the stop was not written to the audit log");
        }
        if let Err(error) = self.app.store.end_instance(self.app.instance).await {
            tracing::warn!(%error, "this instance's rows stay until their leases run out");
        }
        self.app.store.close().await;
        tracing::info!("gateway stopped");
    }
}

/// Waits for a part of the gateway to end, which it has been told to.
async fn finish(what: &'static str, task: JoinHandle<()>) {
    match timeout(PART_END, task).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, what, "a part of the gateway failed"),
        Err(_) => tracing::warn!(what, "a part of the gateway did not end in time"),
    }
}
