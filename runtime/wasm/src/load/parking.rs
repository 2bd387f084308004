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

/// Failures in a row after which it is left alone.
const FAILURES: u32 = 5;
/// How long at first; twice as long after each further failure.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How long at most: a server's answer that breaks the module may be another one by then.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

/// How often one version of a module failed, and whether it is left alone.
#[derive(Debug)]
pub struct Parking {
    bridge: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    until: Option<Instant>,
    last: Option<String>,
}

/// How a module stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParkingState {
    /// Failures since a call last worked.
    pub failures: u32,
    /// How long no session of it is opened.
    pub parked_for: Option<Duration>,
    /// What the last failure was, without a value from a row.
    pub last: Option<String>,
}

impl Parking {
    pub(super) fn new(bridge: &str) -> Arc<Parking> {
        Arc::new(Parking { bridge: bridge.to_owned(), state: Mutex::default() })
    }

    /// How the module stands at this moment.
    pub fn state(&self) -> ParkingState {
        let state = self.lock();
        let left = state.until.map(|until| until.saturating_duration_since(Instant::now()));
        ParkingState {
            failures: state.failures,
            parked_for: left.filter(|left| !left.is_zero()),
            last: state.last.clone(),
        }
    }

    /// Whether a session may be opened.
    fn admit(&self) -> Result<()> {
        let ParkingState { failures, parked_for: Some(left), last } = self.state() else { return Ok(()) };
        let seconds = left.as_secs_f64().ceil();
        let last = last.unwrap_or_default();
        let message = format!(
            "the connector {} failed {failures} times in a row and is left alone for {seconds} s; the last time: {last}",
            self.bridge
        );
        let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        Err(Error::new(ErrorCode::ConnectorFailed, message).with("retryAfterMs", millis))
    }

    /// Takes note of how a call ended. Only one that `proves` something starts the count over: a module that opens well and
    /// then fails at everything it is asked is of no use.
    fn note<T>(&self, outcome: &Result<T>, proves: bool) {
        match outcome {
            Err(error) if error.code() == ErrorCode::ConnectorFailed => self.failed(error),
            Err(error) if matches!(error.code(), ErrorCode::Cancelled | ErrorCode::QueryTimeout) => {}
            _ if proves => self.worked(),
            _ => {}
        }
    }

    fn worked(&self) {
        let mut state = self.lock();
        if state.failures > 0 {
            *state = State::default();
        }
    }

    fn failed(&self, error: &Error) {
        let mut state = self.lock();
        state.failures = state.failures.saturating_add(1);
        state.last = Some(error.loggable());
        let Some(beyond) = state.failures.checked_sub(FAILURES) else { return };
        let factor = 1_u32.checked_shl(beyond).unwrap_or(u32::MAX);
        let wait = FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT);
        state.until = Some(Instant::now() + wait);
        let failures = state.failures;
        drop(state);
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

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        self.parking.admit()?;
        let opened = self.source.open(cx).await;
        self.parking.note(&opened, false);
        Ok(Box::new(WatchedSession { session: opened?, parking: self.parking.clone() }))
    }
}

struct WatchedSession {
    session: Box<dyn Session>,
    parking: Arc<Parking>,
}

impl WatchedSession {
    fn noted<T>(&self, outcome: Result<T>) -> Result<T> {
        self.parking.note(&outcome, true);
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
        self.parking.note(&outcome, false);
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

    fn trap() -> Result<()> {
        Err(Error::new(ErrorCode::ConnectorFailed, "unreachable executed"))
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_park_for_longer_and_longer_until_a_call_works() {
        let parking = Parking::new("@acme/bridge-x");
        for _ in 0..FAILURES - 1 {
            parking.note(&trap(), true);
            // That a session opens proves nothing, and a cancelled call neither.
            parking.note(&Ok(()), false);
            parking.note::<()>(&Err(Error::new(ErrorCode::Cancelled, "")), true);
            parking.admit().unwrap();
        }
        let mut waits = Vec::new();
        for _ in 0..12 {
            parking.note(&trap(), true);
            let error = parking.admit().unwrap_err();
            assert_eq!(error.code(), ErrorCode::ConnectorFailed);
            assert!(error.message().contains("unreachable executed"), "{error}");
            let wait = parking.state().parked_for.unwrap();
            waits.push(wait.as_secs());
            tokio::time::advance(wait).await;
            parking.admit().unwrap();
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        // An answer of the database's, even a bad one, is a module that works.
        parking.note::<()>(&Err(Error::new(ErrorCode::InvalidTarget, "no such table")), true);
        assert_eq!(parking.state(), ParkingState::default());
    }
}
