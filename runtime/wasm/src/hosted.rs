//! A module as a connector.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use connector_api::{CallContext, Connector, OpenContext, Session, Source};
use connector_model::config::Config;
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::manifest::Manifest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::bindings::ConnectorPre;
use crate::call;
use crate::failure::Failure;
use crate::instance::{Instance, Outcome};
use crate::log::Voice;
use crate::measured::Measures;
use crate::module::Module;
use crate::open;
use crate::places::{Held, INTERRUPTS_OF_A_MODULE, Place, Places};
use crate::reach::{Grant, Reach};
use crate::state::State;
use crate::ticks::Ticker;

/// How long a server may take to let a session in, where its configuration does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The field that says otherwise, where a module has it; the name that the drivers have.
const CONNECT_TIMEOUT_FIELD: &str = "connectionTimeoutMillis";

/// How long a module may take to be made an instance of and to say its manifest.
const WARMING: Duration = Duration::from_secs(10);

/// What all sessions of a module share.
pub(crate) struct Hosted {
    pub(crate) module: Arc<Module>,
    /// The bridge's short name: what messages, logs and metrics call it.
    pub(crate) name: Arc<str>,
    /// Linked and checked once; an instance is made of it in microseconds.
    pub(crate) pre: ConnectorPre<State>,
    pub(crate) shared: Shared,
    pub(crate) measures: Measures,
    /// What its instances may write to the log, all together.
    pub(crate) voice: Voice,
    sessions: Arc<Semaphore>,
    /// Its part of the places.
    held: Held,
    /// Interrupts at once.
    interrupts: Semaphore,
}

/// What a module has of the engine.
pub(crate) struct Shared {
    pub(crate) ticker: Arc<Ticker>,
    pub(crate) places: Places,
    /// Places that one instance takes.
    pub(crate) weight: u32,
}

impl Hosted {
    pub(crate) fn new(module: Arc<Module>, pre: ConnectorPre<State>, shared: Shared) -> Self {
        let sessions = module.policy.max_sessions;
        let name: Arc<str> = module.manifest.manifest.short_name().into();
        Hosted {
            measures: Measures::new(&name),
            voice: Voice::new(Arc::clone(&name)),
            sessions: Arc::new(Semaphore::new(sessions)),
            held: Held::default(),
            interrupts: Semaphore::new(INTERRUPTS_OF_A_MODULE),
            module,
            name,
            pre,
            shared,
        }
    }

    /// A place for a session's instance.
    pub(crate) fn place(&self) -> Outcome<Place> {
        self.shared.places.session(&self.held, self.shared.weight).ok_or_else(|| {
            let message = format!(
                "WASM connectors have as many sessions as this runner can hold, {} of them of {}; lower `max_sessions` or \
                 `pool.max` of those with the most, or run another runner",
                self.held.count(),
                self.name
            );
            Failure::Refused(Error::new(ErrorCode::RunnerBusy, message))
        })
    }

    /// A place for an interrupt's instance, once it is this one's turn.
    pub(crate) async fn interrupt_place(&self) -> Option<(SemaphorePermit<'_>, Place)> {
        // Closed never.
        let turn = self.interrupts.acquire().await.ok()?;
        Some((turn, self.shared.places.interrupt(self.shared.weight).await?))
    }
}

/// A module, to everyone else a connector like any other.
pub struct HostedConnector(Arc<Hosted>);

impl HostedConnector {
    pub(crate) fn new(module: Arc<Module>, pre: ConnectorPre<State>, shared: Shared) -> Self {
        HostedConnector(Arc::new(Hosted::new(module, pre, shared)))
    }

    /// Makes one instance, which can reach nothing, and asks it for its manifest: what can go wrong there goes wrong
    /// before a job meets it, and the next instance finds its memory prepared.
    ///
    /// # Errors
    /// `CONNECTOR_FAILED` when it traps, or says something else than its custom section; `RUNNER_BUSY`.
    pub async fn warm(&self) -> Result<()> {
        let hosted = &*self.0;
        let call = CallContext::within(WARMING);
        let warming = async {
            let made = Instance::of_session(hosted, Reach::nowhere(hosted.voice.clone())).await;
            let mut instance = made.map_err(|failure| call::unmade(failure, hosted))?;
            instance.begin(&call);
            match instance.manifest().await {
                Ok(manifest) if *manifest == *hosted.module.raw_manifest => Ok(()),
                Ok(_) => {
                    let what = "its `manifest` says something else than its custom section".to_owned();
                    Err(call::failed(Failure::Contract(what), &mut instance, hosted))
                }
                Err(failure) => Err(call::failed(failure, &mut instance, hosted)),
            }
        };
        call.run(warming).await.unwrap_or_else(|_late| {
            let message = format!(
                "the connector {} took longer than {} s to begin and to say its manifest",
                hosted.name,
                WARMING.as_secs()
            );
            Err(Error::new(ErrorCode::ConnectorFailed, message))
        })
    }
}

impl std::fmt::Debug for HostedConnector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostedConnector").field("name", &self.0.name).finish_non_exhaustive()
    }
}

impl Connector for HostedConnector {
    fn manifest(&self) -> &Manifest {
        &self.0.module.manifest.manifest
    }

    fn source(&self, config: Config) -> Result<Box<dyn Source>> {
        let millis = match self.manifest().field(CONNECT_TIMEOUT_FIELD) {
            Some(_) => config.number(CONNECT_TIMEOUT_FIELD, 1..=600_000)?,
            None => None,
        };
        let connect_timeout = millis
            .and_then(|millis| u64::try_from(millis).ok())
            .map_or(CONNECT_TIMEOUT, Duration::from_millis);
        let Module { manifest, policy, .. } = &*self.0.module;
        let grant = Grant::new(Arc::clone(&self.0.name), manifest, &config, &policy.allow_hosts)?;
        let configured = Configured {
            config: config.to_json(),
            grant: Arc::new(grant),
            connect_timeout,
            hosted: Arc::clone(&self.0),
        };
        Ok(Box::new(HostedSource(Arc::new(configured))))
    }
}

/// One configured database.
pub(crate) struct Configured {
    pub(crate) hosted: Arc<Hosted>,
    /// The configuration as guests are handed it. Wiped when dropped.
    pub(crate) config: Zeroizing<String>,
    /// Where its sessions may connect to.
    pub(crate) grant: Arc<Grant>,
    /// What a server has for letting a session in.
    pub(crate) connect_timeout: Duration,
}

impl Configured {
    /// A place among the module's sessions.
    ///
    /// # Errors
    /// `RUNNER_BUSY` when none becomes free in the time that an open has; `CANCELLED` and `QUERY_TIMEOUT`.
    pub(crate) async fn slot(&self, cx: &OpenContext) -> Result<OwnedSemaphorePermit> {
        let acquiring = Arc::clone(&self.hosted.sessions).acquire_owned();
        let acquired = cx.call.run(timeout(self.connect_timeout, acquiring)).await?;
        acquired.ok().and_then(std::result::Result::ok).ok_or_else(|| {
            let Hosted { module, name, .. } = &*self.hosted;
            let message = format!(
                "the connector {name} has {} sessions open, and may not have more; raise its `max_sessions`, or lower \
                 `pool.max` of its sources",
                module.policy.max_sessions
            );
            Error::new(ErrorCode::RunnerBusy, message)
        })
    }
}

struct HostedSource(Arc<Configured>);

#[async_trait]
impl Source for HostedSource {
    async fn open(&self, cx: &OpenContext) -> Result<Box<dyn Session>> {
        Ok(Box::new(open::open(&self.0, cx).await?))
    }
}
