//! One instance's connections: their number, their stages, and how the last one failed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector_api::unreachable::unreachable;
use connector_api::{CallContext, OpenContext, Stage, StageObserver, StageReport};
use connector_model::error::{Error, ErrorCode};
use dial::{
    AddressFilter, ConnectOptions, Connected, Destination, DialError, Dialer, Kind, Refusal, TlsOptions,
    TlsStream,
};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::grant::Grant;

/// Connections that one instance may hold. A session is one connection; an HTTP client may keep a few.
const MAX_CONNECTIONS: usize = 64;

/// Connections that one instance may be making at once, a request and a cancel; more wait. Name lookups are shared with
/// everything else that this process does, and some resolvers are slow.
const MAX_DIALS: usize = 2;

/// What a connection may take to come about, DNS and TCP together, and again TLS: the house's usual connect timeout.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// One instance's way out, shared with the tasks that carry its requests.
pub(super) struct Outbound {
    connector: Arc<str>,
    way: Option<Way>,
    slots: Arc<Semaphore>,
    dials: Semaphore,
    present: Mutex<Present>,
}

/// Absent for an instance that belongs to no source.
struct Way {
    dialer: Dialer,
    grant: Arc<Grant>,
    /// The source's own rules, which come before the module's grant.
    filter: AddressFilter,
}

/// What the present call is about.
struct Present {
    call: CallContext,
    /// Watches the stages of an open; none once the session is open.
    observer: Option<Arc<dyn StageObserver>>,
    /// Whether a connection has come about since the instance was made: only the first one's stages are reported.
    connected: bool,
    /// Whether a name was reported as resolved whose addresses did not answer.
    resolved: bool,
    failed: Option<Error>,
}

/// A connected socket that counts as one of the instance's connections until it is dropped.
pub(super) struct Line {
    pub(super) stream: TcpStream,
    pub(super) leads_to: Destination,
    pub(super) slot: Slot,
}

/// One of the instance's connections.
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
    /// Whether its stages are reported while the instance is being opened.
    first: bool,
}

/// Why a connection did not come about.
#[derive(Debug)]
pub(super) enum Failure {
    /// It is not granted.
    Denied(Error),
    /// The instance holds as many connections as it may.
    TooMany,
    Dial(DialError),
}

impl Failure {
    /// What a guest is told.
    pub(super) fn message(&self) -> String {
        match self {
            Failure::Denied(error) => error.message().to_owned(),
            Failure::TooMany => format!("this instance holds {MAX_CONNECTIONS} connections already"),
            Failure::Dial(error) => error.to_string(),
        }
    }
}

impl Outbound {
    pub(super) fn new(grant: Arc<Grant>, cx: &OpenContext) -> Outbound {
        let connector = grant.connector();
        let way = Way { dialer: cx.dialer.clone(), grant, filter: cx.filter.clone() };
        Outbound::over(connector, Some(way), cx.call.clone(), cx.observer.clone())
    }

    pub(super) fn nowhere(connector: Arc<str>) -> Outbound {
        Outbound::over(connector, None, CallContext::within(Duration::ZERO), None)
    }

    fn over(
        connector: Arc<str>,
        way: Option<Way>,
        call: CallContext,
        observer: Option<Arc<dyn StageObserver>>,
    ) -> Outbound {
        let present = Present { call, observer, connected: false, resolved: false, failed: None };
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        Outbound { connector, way, slots, dials: Semaphore::new(MAX_DIALS), present: Mutex::new(present) }
    }

    pub(super) fn begin(&self, call: &CallContext) {
        let mut present = self.present();
        present.call = call.clone();
        present.failed = None;
    }

    pub(super) fn opened(&self) {
        self.present().observer = None;
    }

    pub(super) fn failed(&self) -> Option<Error> {
        self.present().failed.clone()
    }

    /// What the present call has left.
    pub(super) fn remaining(&self) -> Duration {
        self.present().call.remaining()
    }

    /// Whether that host and port are granted, by name: what is about to go over a connection that exists already has
    /// to ask again.
    pub(super) fn permitted(&self, host: &str, port: u16) -> Result<Destination, Failure> {
        let permit = self.way().and_then(|way| way.grant.permit(host, port, &way.filter));
        permit.map(|permit| permit.destination).map_err(|error| self.remember(Failure::Denied(error)))
    }

    /// Resolves, checks every address, races them, connects. Takes `limit` at most, and what the call has left.
    pub(super) async fn connect(&self, host: &str, port: u16, limit: Duration) -> Result<Line, Failure> {
        let connected = self.dial(host, port, limit).await;
        connected.map_err(|failure| self.remember(failure))
    }

    async fn dial(&self, host: &str, port: u16, limit: Duration) -> Result<Line, Failure> {
        let way = self.way().map_err(Failure::Denied)?;
        let permit = way.grant.permit(host, port, &way.filter).map_err(Failure::Denied)?;
        let slot = self.slots.clone().try_acquire_owned().map_err(|_| Failure::TooMany)?;
        // Those before it take the time of a connect at most; the semaphore is never closed.
        let _dialling = self.dials.acquire().await.map_err(|_| Failure::TooMany)?;
        let to = permit.destination;
        let options = ConnectOptions {
            filter: permit.filter,
            timeout: limit.min(self.remaining()),
            ..ConnectOptions::default()
        };
        match way.dialer.connect(&to, &options).await {
            Ok(connected) => {
                let first = self.connected(&to, &connected);
                let slot = Slot { _permit: slot, first };
                Ok(Line { stream: connected.stream, leads_to: to, slot })
            }
            Err(error) => {
                self.name_resolved(&error);
                Err(match error.kind() {
                    Kind::NotAllowed(refusal) => Failure::Denied(way.refused(&to, refusal, &error)),
                    _ => Failure::Dial(error),
                })
            }
        }
    }

    /// Encrypts a connection that was made here, offering `alpn`, and checks the certificate against the runner's
    /// authorities and `options.server_name`, or the name that was dialled.
    pub(super) async fn encrypt(
        &self,
        stream: TcpStream,
        leads_to: &Destination,
        slot: &Slot,
        options: &TlsOptions,
        limit: Duration,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let way = self.way().map_err(Failure::Denied)?;
        let started = Instant::now();
        let limit = limit.min(self.remaining());
        let encrypted = way.dialer.start_tls(stream, leads_to, options, limit).await;
        let encrypted = encrypted.map_err(|error| self.remember(Failure::Dial(error)))?;
        let note = format!("{}, verified", encrypted.session().version());
        self.report(slot.first, StageReport::new(Stage::Tls, started.elapsed(), note));
        Ok(encrypted)
    }

    /// Notes that a connection came about, and whether it is the first.
    fn connected(&self, to: &Destination, connected: &Connected) -> bool {
        let first = {
            let mut present = self.present();
            present.failed = None;
            !std::mem::replace(&mut present.connected, true)
        };
        let address = connected.address.socket_addr();
        self.report(first, StageReport::of_name(to.host(), address.ip(), connected.dns));
        self.report(first, StageReport::new(Stage::Tcp, connected.tcp, address.to_string()));
        first
    }

    /// Notes that the name of a connection that did not come about had addresses. Only once: a client may try again.
    fn name_resolved(&self, error: &DialError) {
        let Some(report) = StageReport::of_failed_dial(error) else { return };
        let first = {
            let mut present = self.present();
            !present.connected && !std::mem::replace(&mut present.resolved, true)
        };
        self.report(first, report);
    }

    fn report(&self, first: bool, report: StageReport) {
        let observer = self.present().observer.clone();
        if let Some(observer) = observer.filter(|_| first) {
            observer.passed(report);
        }
    }

    fn remember(&self, failure: Failure) -> Failure {
        match &failure {
            Failure::Denied(error) => self.present().failed = Some(error.clone()),
            Failure::Dial(error) => self.present().failed = Some(unreachable(error)),
            // Says nothing about the source.
            Failure::TooMany => {}
        }
        failure
    }

    fn way(&self) -> Result<&Way, Error> {
        self.way.as_ref().ok_or_else(|| {
            let message = format!(
                "the connector `{}` may not connect to anything while it is only tried",
                self.connector
            );
            Error::new(ErrorCode::PolicyDenied, message)
        })
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Way {
    /// The refusal of whichever of the two filters refused.
    fn refused(&self, to: &Destination, refusal: &Refusal, error: &DialError) -> Error {
        let by_source = match refusal.address {
            Some(address) => self.filter.check_address(to, address).is_err(),
            None => self.filter.check_name(to).is_err(),
        };
        if by_source { unreachable(error) } else { self.grant.refused(error) }
    }
}
