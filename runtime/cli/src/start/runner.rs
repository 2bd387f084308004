//! A runner: made from settings, then run until it is asked to stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dial::Dialer;
use runner_engine::{Drained, Engine, EngineSettings, FileReader, Limits};
use runner_link::{DialConnect, Outcome, Signals};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::health::Health;
use super::jobs::Service;
use super::links::{Links, Parts};
use super::readiness::{Readiness, State};
use crate::connectors::loading::Loaded;
use crate::exit::Exit;
use crate::mask;
use crate::settings::file::ConfigFile;
use crate::settings::{ConfigError, Settings, connection};

/// How long the last frames have after the jobs have ended, whatever is left of the drain time.
const LAST_FRAMES: Duration = Duration::from_secs(2);

/// Everything that is open before the first connection.
pub struct Runner {
    settings: Settings,
    link_settings: runner_link::Settings,
    connect: DialConnect,
    engine: Engine,
    loaded: Loaded,
    /// Told when other connectors are served than before.
    changed: Arc<Notify>,
    readiness: Readiness,
    health: Option<Health>,
}

impl Runner {
    /// Loads the trusted authorities, the drivers and the modules, and opens the health port if there is to be one. Needs a tokio
    /// runtime.
    ///
    /// # Errors
    /// What of the settings cannot be used after all.
    pub async fn prepare(settings: Settings) -> Result<Runner, ConfigError> {
        let dialer = connection::dialer(&settings.connection.ca_files)?;
        let link_settings = settings.connection.link()?;
        let connect =
            DialConnect::new(dialer.clone(), &settings.connection.gateway.value, settings.connection.tls()?);
        let loaded = Loaded::load(&settings.modules).await;
        let engine = engine(&settings, dialer, &loaded)?;
        let readiness = Readiness::new();
        let health = match settings.serving.port {
            Some(port) => Some(Health::open(port, readiness.clone()).await?),
            None => None,
        };
        Ok(Runner {
            settings,
            link_settings,
            connect,
            engine,
            loaded,
            changed: Arc::default(),
            readiness,
            health,
        })
    }

    /// What reads the configuration file again and gives its sources to the engine.
    pub fn reload(&self) -> impl FnMut() + Send + 'static {
        let (engine, loaded, changed) = (self.engine.clone(), self.loaded.clone(), self.changed.clone());
        let path = self.settings.sources.path.clone();
        move || {
            let file = match path.as_deref().map(ConfigFile::read) {
                None => ConfigFile::default(),
                Some(Ok(file)) => file,
                Some(Err(error)) => {
                    tracing::error!("SIGHUP received, and what was read before stays in force: {error}");
                    return;
                }
            };
            engine.reload(file.sources);
            if let Some(modules) = loaded.modules().cloned() {
                let (engine, loaded, changed) = (engine.clone(), loaded.clone(), changed.clone());
                tokio::spawn(async move {
                    if modules.reconfigure(file.connectors).await {
                        serve(&engine, &loaded, &changed);
                    }
                });
            }
            tracing::info!("SIGHUP received: the sources of the file and the secret files are read again");
        }
    }

    /// Serves jobs until the signals end it or the gateway refuses for good.
    pub async fn run(self, signals: Signals) -> Exit {
        self.announce();
        let health = self.health.map(|health| tokio::spawn(health.serve()));
        let Runner { engine, loaded, readiness, changed, .. } = self;
        let _watch = loaded.modules().map(|modules| {
            let (engine, loaded, changed) = (engine.clone(), loaded.clone(), changed.clone());
            modules.watch(move |_| serve(&engine, &loaded, &changed))
        });
        let service = Service::new(engine.clone(), loaded, self.settings.serving.max_jobs);
        let connect = Arc::new(self.connect);
        let mut links = Links::start(Parts {
            settings: self.link_settings,
            connect,
            service,
            readiness: readiness.clone(),
            changed,
        });
        let ended = tokio::select! {
            ended = links.run() => Some(ended),
            () = signals.drain.cancelled() => None,
            () = signals.stop.cancelled() => None,
        };
        let ended = match ended {
            Some(ended) => {
                engine.drain(Duration::ZERO).await;
                ended
            }
            None => {
                readiness.set(State::Draining);
                stop(&engine, self.settings.serving.drain, &signals, links).await
            }
        };
        if let Some(health) = health {
            health.abort();
        }
        match ended {
            Ok(outcome) => exit(&outcome),
            Err(error) => {
                tracing::error!(panicked = error.is_panic(), "the connection's task has died; this is a bug");
                Exit::Failed
            }
        }
    }

    fn announce(&self) {
        let connection = &self.settings.connection;
        tracing::info!(
            "semilayer-runner {} → {}",
            mask::short_id(&connection.runner_id.value),
            connection.gateway.value
        );
        let bridges = self.engine.bridges();
        let names: Vec<&str> = bridges.names().collect();
        tracing::info!("capabilities: {}", names.join(", "));
        if let Some(Ok(address)) = self.health.as_ref().map(Health::address) {
            tracing::info!("health: http://{address}/health");
        }
        for unread in &self.settings.unread {
            tracing::warn!("{unread}");
        }
        if let Some(oddity) = connection.token_oddity() {
            tracing::warn!("{oddity}");
        }
        if connection.gateway.value.exposes_token() {
            tracing::warn!(
                "the connection to the gateway is not encrypted: the token crosses the network in clear"
            );
        }
    }
}

/// Gives the engine what is loaded now, and has the gateway told.
fn serve(engine: &Engine, loaded: &Loaded, changed: &Notify) {
    // No two have one name: a module whose name somebody has is not loaded.
    if let Err(error) = engine.serve(loaded.served()) {
        tracing::error!("the connectors stay as they were; this is a bug: {error}");
    }
    changed.notify_one();
}

fn engine(settings: &Settings, dialer: Dialer, loaded: &Loaded) -> Result<Engine, ConfigError> {
    let id = &settings.connection.runner_id.value;
    let engine_settings = EngineSettings {
        limits: Limits::for_jobs(settings.serving.max_jobs),
        runner_short_id: id.chars().take(8).collect(),
        dialer,
        managed: settings.sources.managed.clone(),
        environment: settings.sources.environment.clone(),
        file: settings.sources.file.clone(),
        reread: settings.sources.path.clone().map(reader),
    };
    Ok(Engine::new(engine_settings, loaded.served())?)
}

/// Reads the file's sources again when a source's credentials are refused: they may have been rotated.
fn reader(path: PathBuf) -> FileReader {
    Arc::new(move || match ConfigFile::read(&path) {
        Ok(file) => Some(file.sources),
        Err(error) => {
            tracing::warn!("credentials were refused, and what was read before stays in force: {error}");
            None
        }
    })
}

/// Lets the jobs in flight end, then the connections.
async fn stop(
    engine: &Engine,
    limit: Duration,
    signals: &Signals,
    mut links: Links,
) -> Result<Outcome, tokio::task::JoinError> {
    let deadline = Instant::now() + limit;
    links.drain();
    let drain = engine.drain(limit);
    tokio::pin!(drain);
    let Drained { in_flight, cancelled } = tokio::select! {
        drained = &mut drain => drained,
        () = signals.stop.cancelled() => {
            let cancelled = engine.cancel_all();
            Drained { cancelled, ..drain.await }
        }
    };
    if in_flight > 0 {
        tracing::info!(in_flight, cancelled, "the jobs in flight have ended");
    }
    // They end by themselves once what waits is sent.
    links.ended(deadline.max(Instant::now() + LAST_FRAMES), signals).await
}

fn exit(outcome: &Outcome) -> Exit {
    match outcome {
        Outcome::Stopped => {
            tracing::info!("stopped");
            Exit::Ok
        }
        Outcome::CredentialsRefused { attempts, reason } => {
            let advice = reason.advice().unwrap_or("check SEMILAYER_RUNNER_ID and SEMILAYER_RUNNER_TOKEN");
            tracing::error!(attempts, "the gateway refuses the credentials: {reason}; {advice}");
            Exit::CredentialsRefused
        }
        Outcome::VersionRefused { reason } => {
            let spoken = runner_protocol::PROTOCOL_VERSION;
            let advice = reason.advice().unwrap_or("update the older of the two");
            tracing::error!(spoken, "the gateway refuses this version of the protocol: {reason}; {advice}");
            Exit::VersionRefused
        }
    }
}
