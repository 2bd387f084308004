//! One runner's live socket, as the rest of the gateway sees it.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use runner_protocol::{
    AssignedSource, AssignmentsChanged, Cancel, CloseCode, Credit, GatewayFrame, Hello, Job, SourceHealth,
    features, reasons,
};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use uuid::Uuid;

use super::inbox::{Delivery, Inbox};
use super::offered::{Offered, offered};
use super::unsent::{Budget, FRAMES, Unsent};
use crate::bridge::short_name;
use crate::store::{Moment, RunnerRecord};
use crate::tokens::TokenHash;

/// Jobs that one socket may have, those included that were cancelled and not yet answered: four times the
/// running and queued jobs of a default runner. Keeps a runner that never answers from growing a table.
const MAX_JOBS: usize = 5_120;
/// Source states kept from one heartbeat; the rest are left out.
const MAX_HEALTH: usize = 4_096;

/// Bridges kept from one hello; the rest are left out. There are some dozens of databases.
const MAX_BRIDGES: usize = 1_024;
/// Longest text that is kept of what a runner says of itself, in bytes.
const LONGEST_TEXT: usize = 256;

/// Why a socket is being closed by this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closing {
    /// The code on the wire.
    pub(crate) code: CloseCode,
    /// The text beside it.
    pub(crate) reason: &'static str,
}

impl Closing {
    /// The credentials are no longer good.
    pub(crate) const REVOKED: Self = Self { code: CloseCode::Unauthorized, reason: reasons::REVOKED };
    /// The token has been replaced by another.
    pub(crate) const REPLACED: Self = Self { code: CloseCode::Unauthorized, reason: reasons::BAD_TOKEN };
    /// The gateway is stopping.
    pub(crate) const DRAINING: Self = Self { code: CloseCode::Draining, reason: reasons::DRAINING };
    /// Nothing was heard for too long.
    pub(super) const SILENT: Self =
        Self { code: CloseCode::HeartbeatTimeout, reason: reasons::HEARTBEAT_TIMEOUT };
}

/// Why a socket was not given a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// It is gone.
    Gone,
    /// It has all the jobs it may have, or too many bytes of them are still to be sent.
    Full,
}

/// One live socket.
#[derive(Debug)]
pub(crate) struct Session {
    /// The session's id.
    pub(crate) id: Uuid,
    /// The runner whose socket it is.
    pub(crate) runner_id: Uuid,
    /// That runner's name.
    pub(crate) runner_name: String,
    /// The version it reported.
    pub(crate) runtime_version: Option<String>,
    /// When it was acknowledged.
    pub(crate) connected_at: Moment,
    /// The token that opened it.
    pub(super) token: TokenHash,
    bridges: HashSet<String>,
    connectors: Vec<Offered>,
    keeps_windows: bool,
    outgoing: mpsc::Sender<Unsent>,
    budget: Budget,
    closing: watch::Sender<Option<Closing>>,
    jobs: Mutex<Jobs>,
    draining: AtomicBool,
    reported_jobs: AtomicU64,
    health: RwLock<HashMap<String, SourceHealth>>,
    opened: Instant,
    heard_ms: AtomicU64,
}

#[derive(Debug, Default)]
struct Jobs {
    running: HashMap<Uuid, Arc<Inbox>>,
    closed: bool,
}

/// The ends of a session that its own tasks hold.
pub(super) struct Ends {
    /// What the writer sends.
    pub(super) outgoing: mpsc::Receiver<Unsent>,
    /// When, and how, this side closes.
    pub(super) closing: watch::Receiver<Option<Closing>>,
}

impl Session {
    /// A session of `runner`, which said `hello`.
    pub(super) fn new(id: Uuid, runner: &RunnerRecord, token: TokenHash, hello: &Hello) -> (Self, Ends) {
        let (outgoing, frames) = mpsc::channel(FRAMES);
        let (closing, closing_seen) = watch::channel(None);
        let session = Self {
            id,
            runner_id: runner.id,
            runner_name: runner.name.clone(),
            runtime_version: hello.runtime_version.clone().filter(|version| version.len() <= LONGEST_TEXT),
            connected_at: Moment(jiff::Timestamp::now().as_millisecond()),
            token,
            bridges: hello
                .capabilities
                .iter()
                .filter(|name| name.len() <= LONGEST_TEXT)
                .take(MAX_BRIDGES)
                .map(|name| short_name(name).to_owned())
                .collect(),
            connectors: offered(hello),
            keeps_windows: features::has(&hello.features, features::CREDIT),
            outgoing,
            budget: Budget::new(),
            closing,
            jobs: Mutex::default(),
            draining: AtomicBool::new(false),
            reported_jobs: AtomicU64::new(0),
            health: RwLock::default(),
            opened: Instant::now(),
            heard_ms: AtomicU64::new(0),
        };
        (session, Ends { outgoing: frames, closing: closing_seen })
    }

    /// Whether the runner serves this bridge, by its full or short name.
    pub(crate) fn serves(&self, bridge: &str) -> bool {
        self.bridges.contains(short_name(bridge))
    }

    /// The connectors behind its bridges, as it told.
    pub(crate) fn connectors(&self) -> &[Offered] {
        &self.connectors
    }

    /// Whether the runner keeps a send window a job.
    pub(crate) fn keeps_windows(&self) -> bool {
        self.keeps_windows
    }

    /// Whether the runner said that it accepts no further job.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether it may be given a job.
    pub(crate) fn accepts_jobs(&self) -> bool {
        !self.is_draining() && self.closing.borrow().is_none()
    }

    /// Jobs in flight over this socket.
    pub(crate) fn in_flight(&self) -> usize {
        self.jobs().running.len()
    }

    /// How busy the runner is: what this socket carries and what the runner last reported.
    pub(crate) fn load(&self) -> u64 {
        let here = u64::try_from(self.in_flight()).unwrap_or(u64::MAX);
        here.saturating_add(self.reported_jobs.load(Ordering::Relaxed))
    }

    /// What the runner last said about a source.
    pub(crate) fn health_of(&self, source: &str) -> Option<SourceHealth> {
        let health = self.health.read().unwrap_or_else(PoisonError::into_inner);
        health.get(source).cloned()
    }

    /// What the runner last said about its sources, by name.
    pub(crate) fn source_health(&self) -> Vec<SourceHealth> {
        let health = self.health.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<SourceHealth> = health.values().cloned().collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// Milliseconds since the runner was last heard.
    pub(crate) fn silent_ms(&self) -> u64 {
        self.age_ms().saturating_sub(self.heard_ms.load(Ordering::Relaxed))
    }

    /// Hands a job over; its frames arrive in the inbox that is returned. Nothing is left behind when the caller stops
    /// waiting.
    pub(crate) async fn start(&self, id: Uuid, job: Job, deadline: Instant) -> Result<Arc<Inbox>, NotTaken> {
        let frame = GatewayFrame::Job(Box::new(job)).encode();
        // Before the wait for a place, so that what waits there is within the budget too.
        let room = self.budget.take(&frame).ok_or(NotTaken::Full)?;
        let place = self.outgoing.reserve().await.map_err(|_| NotTaken::Gone)?;
        let inbox = Arc::new(Inbox::new(deadline));
        {
            let mut jobs = self.jobs();
            if jobs.closed {
                return Err(NotTaken::Gone);
            }
            if jobs.running.len() >= MAX_JOBS {
                return Err(NotTaken::Full);
            }
            jobs.running.insert(id, Arc::clone(&inbox));
        }
        place.send(Unsent::job(frame, room));
        Ok(inbox)
    }

    /// Enlarges a job's send window. A socket that is gone needs none.
    pub(crate) async fn credit(&self, job: Uuid, bytes: u64) {
        let frame = GatewayFrame::Credit(Credit { id: job.to_string(), bytes }).encode();
        if self.outgoing.send(frame.into()).await.is_err() {
            tracing::debug!(session = %self.id, "no credit: the socket is gone");
        }
    }

    /// Tells the runner to stop a job. It stays in the table until the runner has ended it, so that its late
    /// frames are known and its load is counted.
    pub(crate) fn cancel(self: &Arc<Self>, job: Uuid) {
        let frame = GatewayFrame::Cancel(Cancel { id: job.to_string() }).encode();
        match self.outgoing.try_send(frame.into()) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
            Err(mpsc::error::TrySendError::Full(frame)) => {
                // Waits in a task of its own, which ends with the socket; there are at most MAX_JOBS of them.
                let session = Arc::clone(self);
                tokio::spawn(async move {
                    if session.outgoing.send(frame).await.is_err() {
                        tracing::debug!(session = %session.id, "no cancel: the socket is gone");
                    }
                });
            }
        }
    }

    /// Sends the whole new set of sources.
    pub(crate) async fn assignments_changed(&self, sources: Vec<AssignedSource>) {
        let frame = GatewayFrame::AssignmentsChanged(AssignmentsChanged { assigned_sources: sources.into() })
            .encode();
        if self.outgoing.send(frame.into()).await.is_err() {
            tracing::debug!(session = %self.id, "no new assignments: the socket is gone");
        }
    }

    /// Closes the socket from this side; the first reason given is the one sent.
    pub(crate) fn close(&self, closing: Closing) {
        self.closing.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                *current = Some(closing);
            }
            first
        });
    }

    /// Why this side closes, once it does.
    pub(super) async fn closing(&self) -> Closing {
        // The sender is this session's own, so waiting cannot fail.
        let mut seen = self.closing.subscribe();
        match seen.wait_for(Option::is_some).await.map(|closing| *closing) {
            Ok(Some(closing)) => closing,
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Ends jobs whose time has been up for `grace` and whose caller is not looking.
    pub(crate) fn expire_jobs(self: &Arc<Self>, grace: std::time::Duration) {
        let now = Instant::now();
        let late: Vec<(Uuid, Arc<Inbox>)> = self
            .jobs()
            .running
            .iter()
            .filter(|(_, inbox)| now.saturating_duration_since(inbox.deadline) > grace)
            .map(|(id, inbox)| (*id, Arc::clone(inbox)))
            .collect();
        for (id, inbox) in late {
            if inbox.cut(Delivery::Expired) {
                self.cancel(id);
            }
        }
    }

    /// Sends a frame that is not about a job.
    pub(super) fn outgoing(&self) -> &mpsc::Sender<Unsent> {
        &self.outgoing
    }

    /// The inbox of a job that this socket was given.
    pub(super) fn inbox(&self, job: Uuid) -> Option<Arc<Inbox>> {
        self.jobs().running.get(&job).map(Arc::clone)
    }

    /// The job has ended; returns its inbox.
    pub(super) fn forget(&self, job: Uuid) -> Option<Arc<Inbox>> {
        self.jobs().running.remove(&job)
    }

    /// Ends every job: the socket is gone. No further job is taken.
    pub(super) fn lose_jobs(&self) {
        let lost = {
            let mut jobs = self.jobs();
            jobs.closed = true;
            std::mem::take(&mut jobs.running)
        };
        for inbox in lost.into_values() {
            inbox.put(Delivery::Lost);
        }
    }

    /// Something was received.
    pub(super) fn heard(&self) {
        self.heard_ms.store(self.age_ms(), Ordering::Relaxed);
    }

    /// The runner said that it accepts no further job.
    pub(super) fn set_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Takes what a heartbeat reported. An entry with a text longer than any honest one is left out.
    pub(super) fn report(&self, active_jobs: u64, sources: Vec<SourceHealth>) {
        self.reported_jobs.store(active_jobs, Ordering::Relaxed);
        let honest = |one: &SourceHealth| {
            let code = one.code.as_ref().map_or(0, String::len);
            [one.name.len(), code, one.checked_at.len()].into_iter().all(|length| length <= LONGEST_TEXT)
        };
        let mut health = self.health.write().unwrap_or_else(PoisonError::into_inner);
        *health =
            sources.into_iter().filter(honest).take(MAX_HEALTH).map(|one| (one.name.clone(), one)).collect();
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
