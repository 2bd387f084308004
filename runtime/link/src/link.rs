//! The loop around the sessions.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::disconnect::Disconnect;
use crate::observer::{LinkState, Observer};
use crate::reconnect::{Reconnect, Step};
use crate::session::{self, Cause, Ended};
use crate::upgrade::{Upgraded, upgrade};
use crate::{Connect, ConnectError, JobHandler, Settings};

/// A [`Connect`] bounds its own stages; this is the end of its patience as a whole.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// How the program asks the link to end. A clone is the same pair.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    /// Accept no more jobs, and end once those in flight have ended.
    pub drain: CancellationToken,
    /// End now. What waits to be sent is still sent, for at most a second.
    pub stop: CancellationToken,
}

impl Signals {
    /// Resolves when either has been asked for.
    async fn any(&self) {
        tokio::select! {
            () = self.drain.cancelled() => {}
            () = self.stop.cancelled() => {}
        }
    }
}

/// How the link ended.
#[derive(Debug)]
pub enum Outcome {
    /// It was asked to.
    Stopped,
    /// The gateway refused the credentials too often.
    CredentialsRefused {
        /// How often.
        attempts: u32,
        /// The last refusal.
        reason: Disconnect,
    },
    /// The gateway speaks another protocol version.
    VersionRefused {
        /// What it said.
        reason: Disconnect,
    },
}

/// What every session of a link shares.
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) connect: Arc<dyn Connect>,
    pub(crate) handler: Arc<dyn JobHandler>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) signals: Signals,
}

/// The supervised connection to one gateway.
pub struct Link {
    context: Context,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("settings", &self.context.settings).finish_non_exhaustive()
    }
}

impl Link {
    /// A link that connects by `connect`, gives jobs to `handler`, and tells `observer` how it is doing.
    #[must_use]
    pub fn new(
        settings: Settings,
        connect: Arc<dyn Connect>,
        handler: Arc<dyn JobHandler>,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self { context: Context { settings, connect, handler, observer, signals: Signals::default() } }
    }

    /// Keeps a session up until `signals` end it or the gateway refuses for good.
    ///
    /// A drain ends the link by itself once no job is in flight; how long that may take is the caller's to
    /// bound, by cancelling the jobs or by [`Signals::stop`].
    pub async fn run(mut self, signals: Signals) -> Outcome {
        self.context.signals = signals;
        let outcome = self.supervise().await;
        self.context.observer.changed(&LinkState::Stopped);
        outcome
    }

    async fn supervise(&self) -> Outcome {
        let Context { settings, observer, signals, .. } = &self.context;
        let rng = settings.seed.map_or_else(StdRng::from_os_rng, StdRng::seed_from_u64);
        let mut reconnect = Reconnect::new(settings.auth_attempts, rng);
        loop {
            observer.changed(&LinkState::Connecting);
            let opened = tokio::select! {
                biased;
                () = signals.any() => return Outcome::Stopped,
                opened = self.open() => opened,
            };
            let Ended { cause, healthy } = match opened {
                Ok(upgraded) => session::run(&self.context, upgraded).await,
                Err(reason) => Ended { cause: Cause::Lost(reason), healthy: false },
            };
            let Cause::Lost(reason) = cause else { return Outcome::Stopped };
            observer.changed(&LinkState::Disconnected { reason: &reason });
            if signals.drain.is_cancelled() || signals.stop.is_cancelled() {
                return Outcome::Stopped;
            }
            match reconnect.after(reason.reaction(), healthy) {
                Step::VersionRefused => return Outcome::VersionRefused { reason },
                Step::CredentialsRefused { attempts } => {
                    return Outcome::CredentialsRefused { attempts, reason };
                }
                Step::Wait { attempt, delay } => {
                    observer.changed(&LinkState::Waiting { attempt, delay });
                    log_wait(&reason, attempt, delay);
                    tokio::select! {
                        biased;
                        () = signals.any() => return Outcome::Stopped,
                        () = sleep(delay) => {}
                    }
                }
            }
        }
    }

    async fn open(&self) -> Result<Upgraded, Disconnect> {
        let Context { settings, connect, .. } = &self.context;
        let stream = connect_bounded(connect.as_ref()).await.map_err(Disconnect::Connect)?;
        upgrade(settings, stream).await.map_err(|(error, _)| Disconnect::Upgrade(error))
    }
}

/// Connects within [`CONNECT_TIMEOUT`].
pub(crate) async fn connect_bounded(connect: &dyn Connect) -> Result<dial::BoxedStream, ConnectError> {
    match timeout(CONNECT_TIMEOUT, connect.connect()).await {
        Ok(outcome) => outcome,
        Err(_) => Err(ConnectError::TimedOut(CONNECT_TIMEOUT.as_secs())),
    }
}

fn log_wait(reason: &Disconnect, attempt: u32, delay: Duration) {
    let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
    match reason.advice() {
        Some(advice) => tracing::info!(attempt, delay_ms, advice, "connecting again after: {reason}"),
        None => tracing::info!(attempt, delay_ms, "connecting again after: {reason}"),
    }
}
