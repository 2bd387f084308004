//! The connection to the gateway, and for a moment two.
//!
//! A runner says once in a session what it serves. When modules come or go while it is connected, it opens a second session
//! that says so, and lets the first one drain: jobs in flight end where they began, new ones find a session at any moment.
//! That needs a gateway that knows what draining is; another one hears of it at the next connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runner_link::{DialConnect, HelloParts, Link, LinkState, Observer, Outcome, Signals};
use runner_protocol::features;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::jobs::{Jobs, Service};
use super::readiness::{Readiness, State};

/// How long a second session may take to be acknowledged.
const PATIENCE: Duration = Duration::from_secs(30);
/// When it is tried again after that.
const TRY_AGAIN: Duration = Duration::from_secs(60);
/// Sessions that drain at once; a job may take long, and modules may be replaced often.
const MOST_DRAINING: usize = 4;

/// What every connection is made with.
pub(super) struct Parts {
    pub(super) settings: runner_link::Settings,
    pub(super) connect: Arc<DialConnect>,
    pub(super) service: Service,
    pub(super) readiness: Readiness,
    /// Told when what is served has changed.
    pub(super) changed: Arc<Notify>,
}

/// The connections.
pub(super) struct Links {
    parts: Parts,
    current: Live,
    /// The one that is to follow, until it is acknowledged.
    next: Option<(Live, Instant)>,
    draining: JoinSet<()>,
    /// When the next one may be tried.
    not_before: Instant,
    /// What this gateway cannot be told before the next connection.
    unsaid: Option<HelloParts>,
}

/// One supervised connection.
struct Live {
    told: Signals,
    running: JoinHandle<Outcome>,
    view: Arc<View>,
}

/// How a connection stands.
#[derive(Debug, Clone, Default, PartialEq)]
enum Standing {
    #[default]
    Away,
    /// Acknowledged, having said this.
    Up { said: HelloParts, can_drain: bool },
}

/// What is seen of a connection.
struct View {
    readiness: Readiness,
    standing: watch::Sender<Standing>,
    /// What its latest hello said.
    said: Arc<Mutex<HelloParts>>,
    /// Whether the program's readiness is this one's.
    is_current: AtomicBool,
}

impl Links {
    /// The first connection. Needs a tokio runtime.
    pub(super) fn start(parts: Parts) -> Links {
        let current = Live::start(&parts, true);
        Links {
            parts,
            current,
            next: None,
            draining: JoinSet::new(),
            not_before: Instant::now(),
            unsaid: None,
        }
    }

    /// Runs until the connection ends for good. May be dropped and called again.
    pub(super) async fn run(&mut self) -> Result<Outcome, JoinError> {
        let mut standing = self.current.view.standing.subscribe();
        loop {
            self.renew();
            let (not_before, waits) = (self.not_before, self.not_before > Instant::now());
            tokio::select! {
                ended = &mut self.current.running => return ended,
                () = self.parts.changed.notified() => {}
                changed = standing.changed() => if changed.is_err() { standing = self.current.view.standing.subscribe() },
                is_up = up(&mut self.next) => {
                    self.settle(is_up);
                    standing = self.current.view.standing.subscribe();
                }
                Some(_) = self.draining.join_next() => {}
                () = sleep_until(not_before), if waits => {}
            }
        }
    }

    /// Opens a second session when the first has said something else than is served now.
    fn renew(&mut self) {
        let Standing::Up { said, can_drain } = self.current.view.standing.borrow().clone() else { return };
        let may_try =
            self.next.is_none() && self.not_before <= Instant::now() && self.draining.len() < MOST_DRAINING;
        let now = self.parts.service.hello();
        if !may_try || said == now || self.unsaid.as_ref() == Some(&now) {
            return;
        }
        if !can_drain {
            tracing::info!("this gateway hears at the next connection that other connectors are served now");
            self.unsaid = Some(now);
            return;
        }
        self.next = Some((Live::start(&self.parts, false), Instant::now() + PATIENCE));
    }

    /// The second session takes over, or is given up.
    fn settle(&mut self, is_up: bool) {
        let Some((next, _)) = self.next.take() else { return };
        if !is_up {
            tracing::warn!(
                "the gateway did not acknowledge a session that tells it of the connectors served now"
            );
            self.not_before = Instant::now() + TRY_AGAIN;
            next.told.stop.cancel();
            self.retire(next);
            return;
        }
        let before = std::mem::replace(&mut self.current, next);
        before.view.set_current(false);
        self.current.view.set_current(true);
        self.parts.readiness.set(State::Ready);
        tracing::info!("the gateway knows the connectors that are served now");
        before.told.drain.cancel();
        self.retire(before);
    }

    fn retire(&mut self, live: Live) {
        self.draining.spawn(async move {
            // However it ended: another one is the runner's connection.
            let _ended = live.running.await;
        });
    }

    /// Tells every connection that no more jobs are accepted.
    pub(super) fn drain(&mut self) {
        if let Some((next, _)) = self.next.take() {
            next.told.stop.cancel();
            self.retire(next);
        }
        self.current.told.drain.cancel();
    }

    /// Waits for the end of all connections; at `limit`, or when the signals say so, they are ended.
    pub(super) async fn ended(mut self, limit: Instant, signals: &Signals) -> Result<Outcome, JoinError> {
        let draining = &mut self.draining;
        let all = async { while draining.join_next().await.is_some() {} };
        let sent = tokio::select! {
            sent = timeout_at(limit, &mut self.current.running) => sent.ok(),
            () = signals.stop.cancelled() => None,
        };
        let ended = match sent {
            Some(ended) => ended,
            None => {
                self.current.told.stop.cancel();
                self.current.running.await
            }
        };
        // Their jobs have ended before; what is left of them is a close frame.
        let _closed = timeout_at(limit.min(Instant::now() + Duration::from_secs(1)), all).await;
        ended
    }
}

/// Whether the connection that is to follow is up; waits for ever where there is none.
async fn up(next: &mut Option<(Live, Instant)>) -> bool {
    let Some((live, deadline)) = next else { return std::future::pending().await };
    let mut standing = live.view.standing.subscribe();
    tokio::select! {
        up = timeout_at(*deadline, standing.wait_for(|standing| *standing != Standing::Away)) => matches!(up, Ok(Ok(_))),
        _ended = &mut live.running => false,
    }
}

impl Live {
    fn start(parts: &Parts, is_current: bool) -> Live {
        let said = Arc::new(Mutex::new(HelloParts::default()));
        let view = Arc::new(View {
            readiness: parts.readiness.clone(),
            standing: watch::Sender::default(),
            said: said.clone(),
            is_current: is_current.into(),
        });
        let jobs = Arc::new(Jobs::new(parts.service.clone(), said));
        let link = Link::new(parts.settings.clone(), parts.connect.clone(), jobs, view.clone());
        let told = Signals::default();
        Live { running: tokio::spawn(link.run(told.clone())), told, view }
    }
}

impl View {
    fn set_current(&self, is_current: bool) {
        self.is_current.store(is_current, Ordering::Relaxed);
    }
}

impl Observer for View {
    fn changed(&self, state: &LinkState<'_>) {
        match state {
            LinkState::Acknowledged { features: agreed, .. } => {
                let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let can_drain = features::has(agreed, features::DRAIN);
                self.standing.send_replace(Standing::Up { said, can_drain });
            }
            LinkState::Disconnected { .. } | LinkState::Stopped => {
                self.standing.send_replace(Standing::Away);
            }
            _ => {}
        }
        if self.is_current.load(Ordering::Relaxed) {
            self.readiness.changed(state);
        } else {
            tracing::debug!("a session beside the runner's: {state:?}");
        }
    }
}
