//! Gateway and runner, started and joined.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use secrecy::ExposeSecret;
use semilayer_gateway::{
    Actor, KeyRequest, RunnerState, Running, Settings as GatewaySettings, SourceRequest, StartError,
};
use semilayer_runner::arguments::Flags;
use semilayer_runner::settings::Layers;
use semilayer_runner::{Exit, Runner, Settings, Signals, Variables};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tracing_subscriber::EnvFilter;

use crate::data;

/// The port that the gateway takes when it is free.
const PORT: u16 = 3001;
/// How long the runner may take to be connected.
const CONNECTED: Duration = Duration::from_secs(30);

/// What the demo is told.
pub(crate) struct Environment {
    /// An `EnvFilter`; warnings when unset.
    pub(crate) log: Option<String>,
}

/// Everything that runs.
pub(crate) struct System {
    /// The gateway's URL.
    pub(crate) url: String,
    /// A caller's key.
    pub(crate) key: String,
    /// The admin token.
    pub(crate) admin_token: String,
    gateway: Running,
    runner: JoinHandle<Exit>,
    signals: Signals,
    _folder: TempDir,
}

impl System {
    /// Starts it, and waits until the runner serves.
    pub(crate) async fn start(environment: &Environment) -> Result<System> {
        logs(environment)?;
        let folder = tempfile::Builder::new().prefix("semilayer-demo-").tempdir()?;
        let shop = folder.path().join("shop.db");
        let filled = shop.clone();
        tokio::task::spawn_blocking(move || data::create(&filled)).await??;
        let gateway = gateway(&folder).await?;
        let actor = Actor("demo".to_owned());
        let administration = gateway.administration();
        let created = administration.create_runner(&actor, "demo").await?;
        administration
            .connect_source(&actor, &SourceRequest::runner_local("shop", "@semilayer/bridge-sqlite"))
            .await?;
        administration.assign(&actor, "demo", "shop").await?;
        let key = KeyRequest { kind: "sk".to_owned(), name: Some("demo".to_owned()) };
        let key = administration.create_key(&actor, &key).await?;
        let variables = [
            ("SEMILAYER_RUNNER_ID", created.runner.id.to_string()),
            ("SEMILAYER_RUNNER_TOKEN", created.token.reveal().to_owned()),
            ("SEMILAYER_GATEWAY_URL", gateway.connect_url().to_owned()),
            ("SEMILAYER_SOURCE_SHOP_PATH", shop.display().to_string()),
        ];
        let (runner, signals) = runner(variables).await?;
        let admin_token = gateway.admin_token().context("the gateway did not say its admin token")?;
        let system = System {
            url: gateway.url().to_owned(),
            key: key.token.reveal().to_owned(),
            admin_token: admin_token.expose_secret().to_owned(),
            gateway,
            runner,
            signals,
            _folder: folder,
        };
        system.connected().await?;
        Ok(system)
    }

    async fn connected(&self) -> Result<()> {
        let online = async {
            while self.gateway.administration().runner_overview("demo").await?.state != RunnerState::Online {
                if self.runner.is_finished() {
                    bail!("the runner ended before it was connected; SEMILAYER_LOG=info shows why");
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok(())
        };
        tokio::time::timeout(CONNECTED, online).await.context("the runner did not connect")?
    }

    /// Ends the runner, then the gateway.
    pub(crate) async fn stop(self) {
        self.signals.drain.cancel();
        if let Err(error) = self.runner.await {
            tracing::error!(%error, "the runner failed");
        }
        self.gateway.stop().await;
    }
}

fn logs(environment: &Environment) -> Result<()> {
    let filter = EnvFilter::try_new(environment.log.as_deref().unwrap_or("warn")).context("SEMILAYER_LOG")?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).finish();
    tracing::subscriber::set_global_default(subscriber)?;
    Ok(())
}

/// On the usual port, or on any that is free.
async fn gateway(folder: &TempDir) -> Result<Running> {
    let settings = GatewaySettings::local(folder.path().join("gateway.db"));
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    match semilayer_gateway::start(GatewaySettings { listen: usual, ..settings.clone() }).await {
        Err(StartError::Listener(_)) => Ok(semilayer_gateway::start(settings).await?),
        started => Ok(started?),
    }
}

async fn runner(variables: [(&str, String); 4]) -> Result<(JoinHandle<Exit>, Signals)> {
    let variables = variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let layers = Layers::read(Flags::default(), Variables::new(variables), &[])?;
    let runner = Runner::prepare(Settings::read(&layers)?).await?;
    let signals = Signals::default();
    Ok((tokio::spawn(runner.run(signals.clone())), signals))
}
