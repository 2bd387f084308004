//! A connector that fails time and again is left alone for a while: an instance that traps costs more than a job that is
//! refused, and the log would say nothing else.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use connector_api::{
    CallContext, Connector, Counted, OpenContext, Page, RowSink, ServerInfo, Session, Source,
};
use connector_model::capability::AggregateCapabilities;
use connector_model::config::Config;
use connector_model::conventions::Conventions;
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::manifest::{Manifest, short_name};
use connector_model::request::{Aggregate, Count, Query, Read};
use connector_model::target::{Target, TargetSchema};
use tokio::time::Instant;

use super::modules::TARGET;
use crate::failure::loss_of;

/// Failures in a row after which it is left alone.
const FAILURES: u32 = 5;
/// How long at first; twice as long after each further failure.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How long at most: a server's answer that breaks the module may be another one by then.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);
/// How long the session that tries a parked module has to prove it; then another one may.
const TRIAL: Duration = Duration::from_secs(10);

/// How often one version of a module failed, and whether it is left alone.
///
/// What counts is what the host had to stop: traps, and answers that break the contract. What a module answers, errors of
/// its own included, says that it works, or at least that it is not in need of being left alone.
#[derive(Debug)]
pub struct Parking {
    bridge: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Until when no session is opened; still there when that is over, until a call works.
    parked: Option<Parked>,
    last: Option<String>,
    /// Sessions that were let in to try it, counted.
    trials: u64,
}

#[derive(Debug)]
struct Parked {
    until: Instant,
    /// The session that tries it.
    trial: Option<u64>,
}

/// How a module stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParkingState {
    /// Failures since a call last worked.
    pub failures: u32,
    /// How long no session of it is opened; zero when the next one is let in to try it.
    pub parked_for: Option<Duration>,
    /// What the last failure was, without a value from a row.
    pub last: Option<String>,
}

/// That a session may be opened; one that tries a parked module is given up with this.
#[derive(Debug)]
struct Ticket {
    parking: Arc<Parking>,
    trial: Option<u64>,
}

impl Parking {
    pub(super) fn new(bridge: &str) -> Arc<Parking> {
        Arc::new(Parking { bridge: bridge.to_owned(), state: Mutex::default() })
    }

    /// How the module stands at this moment.
    pub fn state(&self) -> ParkingState {
        let state = self.lock();
        ParkingState {
            failures: state.failures,
            parked_for: state
                .parked
                .as_ref()
                .map(|parked| parked.until.saturating_duration_since(Instant::now())),
            last: state.last.clone(),
        }
    }

    /// Whether a session may be opened. Once the wait is over one is, and the others wait for what comes of it.
    fn admit(self: &Arc<Self>) -> Result<Ticket> {
        let mut state = self.lock();
        let State { failures, parked: Some(parked), last, trials } = &mut *state else {
            return Ok(Ticket { parking: Arc::clone(self), trial: None });
        };
        let left = parked.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            *trials += 1;
            *parked = Parked { until: Instant::now() + TRIAL, trial: Some(*trials) };
            return Ok(Ticket { parking: Arc::clone(self), trial: Some(*trials) });
        }
        let message = format!(
            "the connector {} failed {failures} times in a row and is left alone for {} s; the last time: {}",
            self.bridge,
            left.as_secs_f64().ceil(),
            last.as_deref().unwrap_or_default(),
        );
        let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        Err(Error::new(ErrorCode::ConnectorFailed, message).with("retryAfterMs", millis))
    }

    fn worked(&self) {
        let mut state = self.lock();
        if state.failures > 0 {
            let was_parked = state.parked.is_some();
            *state = State { trials: state.trials, ..State::default() };
            drop(state);
            if was_parked {
                self.gauge().decrement(1);
            }
        }
    }

    /// What the sessions do that were open before it was parked says nothing new; the one that tries it does.
    fn failed(&self, error: &Error, trial: Option<u64>) {
        let mut state = self.lock();
        if state.parked.as_ref().is_some_and(|parked| trial.is_none() || parked.trial != trial) {
            return;
        }
        state.failures = state.failures.saturating_add(1);
        state.last = Some(error.loggable());
        let Some(beyond) = state.failures.checked_sub(FAILURES) else { return };
        let factor = 1_u32.checked_shl(beyond).unwrap_or(u32::MAX);
        let wait = FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT);
        let was_parked = state.parked.replace(Parked { until: Instant::now() + wait, trial: None }).is_some();
        let failures = state.failures;
        drop(state);
        if !was_parked {
            self.gauge().increment(1);
        }
        metrics::counter!("semilayer_connector_parked_total", "connector" => short_name(&self.bridge).to_owned())
            .increment(1);
        tracing::warn!(
            target: TARGET,
            connector = self.bridge,
            failures,
            "the connector is left alone for {} s: {}",
            wait.as_secs(),
            error.loggable()
        );
    }

    /// Versions of the module that are left alone: one, or none.
    fn gauge(&self) -> metrics::Gauge {
        metrics::gauge!("semilayer_connector_parked", "connector" => short_name(&self.bridge).to_owned())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Parking {
    fn drop(&mut self) {
        if self.lock().parked.is_some() {
            self.gauge().decrement(1);
        }
    }
}

impl Ticket {
    /// Takes note of how a call ended. Only one that `proves` something starts the count over: a module that opens well and
    /// then fails at everything it is asked is of no use.
    fn note<T>(&self, outcome: &Result<T>, proves: bool) {
        match outcome {
            Err(error) if loss_of(error).is_some() => self.parking.failed(error, self.trial),
            Err(error) if !is_the_modules_own(error) => {}
            _ if proves => self.parking.worked(),
            _ => {}
        }
    }
}

impl Drop for Ticket {
    /// A trial that came to no end leaves the next one to try.
    fn drop(&mut self) {
        let mut state = self.parking.lock();
        if let Some(parked) = state.parked.as_mut()
            && self.trial.is_some()
            && parked.trial == self.trial
        {
            *parked = Parked { until: Instant::now(), trial: None };
        }
    }
}

/// Whether only the module can have made it. Others of its errors may be the host's: that there is no room, that the time is
/// over, that a row is too long, that whoever takes the rows wants no more. They say nothing of it.
fn is_the_modules_own(error: &Error) -> bool {
    use ErrorCode::{ConnectorFailed, InvalidTarget, SourceAuthFailed, SourceQueryFailed, SourceUnreachable};
    matches!(
        error.code(),
        ConnectorFailed | InvalidTarget | SourceAuthFailed | SourceQueryFailed | SourceUnreachable
    )
}

/// A module's connector, watched.
pub(super) struct Watched {
    connector: Arc<dyn Connector>,
    parking: Arc<Parking>,
}

impl Watched {
    pub(super) fn new(connector: Arc<dyn Connector>, parking: Arc<Parking>) -> Watched {
        Watched { connector, parking }
    }
}

impl Connector for Watched {
    fn manifest(&self) -> &Manifest {
        self.connector.manifest()
    }

    fn source(&self, config: Config) -> Result<Box<dyn Source>> {
        let source = self.connector.source(config)?;
        Ok(Box::new(WatchedSource { source, parking: self.parking.clone() }))
    }
}

struct WatchedSource {
    source: Box<dyn Source>,
    parking: Arc<Parking>,
}

#[async_trait]
impl Source for WatchedSource {
    async fn open(&self, cx: &OpenContext) -> Result<Box<dyn Session>> {
        let ticket = self.parking.admit()?;
        let opened = self.source.open(cx).await;
        ticket.note(&opened, false);
        Ok(Box::new(WatchedSession { session: opened?, ticket }))
    }
}

struct WatchedSession {
    session: Box<dyn Session>,
    ticket: Ticket,
}

impl WatchedSession {
    fn noted<T>(&self, outcome: Result<T>) -> Result<T> {
        self.ticket.note(&outcome, true);
        outcome
    }
}

#[async_trait]
impl Session for WatchedSession {
    fn reusable(&self) -> bool {
        self.session.reusable()
    }

    async fn ping(&mut self, cx: &CallContext) -> Result<ServerInfo> {
        let outcome = self.session.ping(cx).await;
        self.ticket.note(&outcome, false);
        outcome
    }

    async fn read(&mut self, cx: &CallContext, request: &Read, out: &mut RowSink<'_>) -> Result<Page> {
        let outcome = self.session.read(cx, request, out).await;
        self.noted(outcome)
    }

    async fn query(&mut self, cx: &CallContext, request: &Query, out: &mut RowSink<'_>) -> Result<Page> {
        let outcome = self.session.query(cx, request, out).await;
        self.noted(outcome)
    }

    async fn count(&mut self, cx: &CallContext, request: &Count) -> Result<Counted> {
        let outcome = self.session.count(cx, request).await;
        self.noted(outcome)
    }

    fn conventions(&self) -> Conventions {
        self.session.conventions()
    }

    fn aggregates(&self) -> AggregateCapabilities {
        self.session.aggregates()
    }

    async fn aggregate(
        &mut self,
        cx: &CallContext,
        request: &Aggregate,
        out: &mut RowSink<'_>,
    ) -> Result<()> {
        let outcome = self.session.aggregate(cx, request, out).await;
        self.noted(outcome)
    }

    async fn list_targets(&mut self, cx: &CallContext) -> Result<Vec<Target>> {
        let outcome = self.session.list_targets(cx).await;
        self.noted(outcome)
    }

    async fn introspect(&mut self, cx: &CallContext, target: &str) -> Result<TargetSchema> {
        let outcome = self.session.introspect(cx, target).await;
        self.noted(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the host says of a guest that it stopped.
    fn trap() -> Result<()> {
        Err(Error::new(ErrorCode::ConnectorFailed, "unreachable executed").with("trap", "panic"))
    }

    fn error(code: ErrorCode) -> Result<()> {
        Err(Error::new(code, "as it says"))
    }

    fn refused(parking: &Arc<Parking>) -> bool {
        let refused = parking.admit().err();
        refused.inspect(|error| assert_eq!(error.code(), ErrorCode::ConnectorFailed)).is_some()
    }

    /// Parked, with a session that was open before.
    fn parked() -> (Arc<Parking>, Ticket) {
        let parking = Parking::new("@acme/bridge-x");
        let before = parking.admit().unwrap();
        (0..FAILURES).for_each(|_| before.note(&trap(), true));
        assert!(refused(&parking));
        (parking, before)
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_park_for_longer_and_longer_until_a_call_works() {
        let parking = Parking::new("@acme/bridge-x");
        let session = parking.admit().unwrap();
        for _ in 0..FAILURES - 1 {
            session.note(&trap(), true);
            // That a session opens proves nothing.
            session.note(&Ok(()), false);
            parking.admit().unwrap();
        }
        session.note(&trap(), true);
        let mut waits = Vec::new();
        for _ in 0..12 {
            let error = parking.admit().unwrap_err();
            assert!(error.message().contains("unreachable executed"), "{error}");
            let wait = parking.state().parked_for.unwrap();
            waits.push(wait.as_secs());
            tokio::time::advance(wait).await;
            parking.admit().unwrap().note(&trap(), true);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        tokio::time::advance(LONGEST_WAIT).await;
        parking.admit().unwrap().note(&Ok(()), true);
        assert_eq!(parking.state(), ParkingState::default());
        assert!(!refused(&parking));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_module_answers_itself_never_parks_it_and_what_is_not_its_own_says_nothing() {
        use ErrorCode::{
            Cancelled, ConnectorFailed, Internal, InvalidTarget, QueryTimeout, ResultTooLarge, RunnerBusy,
        };
        let parking = Parking::new("@acme/bridge-x");
        let session = parking.admit().unwrap();
        // A server that it does not understand: it says so, time and again.
        (0..100).for_each(|_| session.note(&error(ConnectorFailed), true));
        assert_eq!(parking.state(), ParkingState::default());

        session.note(&trap(), true);
        for code in [Cancelled, QueryTimeout, RunnerBusy, ResultTooLarge, Internal] {
            session.note(&error(code), true);
            assert_eq!(parking.state().failures, 1, "{code:?}");
        }
        session.note(&error(InvalidTarget), true);
        assert_eq!(parking.state().failures, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_that_were_open_before_do_not_make_the_wait_longer() {
        let (parking, before) = parked();
        (0..16).for_each(|_| before.note(&trap(), true));
        assert_eq!(parking.state().failures, FAILURES);
        assert_eq!(parking.state().parked_for, Some(FIRST_WAIT));
    }

    #[tokio::test(start_paused = true)]
    async fn one_session_tries_a_parked_module_and_the_others_wait_for_it() {
        let (parking, before) = parked();
        tokio::time::advance(FIRST_WAIT).await;
        let trial = parking.admit().unwrap();
        assert!(refused(&parking), "one at a time");
        before.note(&trap(), true);
        assert_eq!(parking.state().failures, FAILURES, "what was open before is not what tries it");
        trial.note(&Ok(()), false);
        assert!(refused(&parking), "that it opens proves nothing");
        // Cancelled before it came to anything.
        drop(trial);
        let trial = parking.admit().unwrap();
        // One that is kept and never asked.
        tokio::time::advance(TRIAL).await;
        let next = parking.admit().unwrap();
        trial.note(&trap(), true);
        drop(trial);
        assert_eq!(parking.state().failures, FAILURES, "its time was over");
        assert!(refused(&parking));
        next.note(&Ok(()), true);
        assert!(!refused(&parking) && !refused(&parking));
    }
}
