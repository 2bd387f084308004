//! What bounds a call, and what an open dials with.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use connector_model::error::{Error, ErrorCode, Result};
use dial::{AddressFilter, ConnectOptions, Connected, Destination, Dialer, Family};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::paths::PathRules;
use crate::stage::{Stage, StageObserver, StageReport};
use crate::unreachable::unreachable;

/// Why a call has to end early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Somebody cancelled it: the caller, a lost socket, or the runner's shutdown.
    Cancelled,
    /// Its deadline passed.
    Deadline,
}

impl Stopped {
    /// The error that the call ends with.
    pub fn error(self) -> Error {
        match self {
            Stopped::Cancelled => Error::new(ErrorCode::Cancelled, "the job was cancelled"),
            Stopped::Deadline => Error::new(ErrorCode::QueryTimeout, "the job's deadline passed"),
        }
    }
}

/// What bounds one call of a session.
#[derive(Debug, Clone)]
pub struct CallContext {
    /// When it has to be over.
    pub deadline: Instant,
    /// Cancelled when nobody wants the answer any more.
    pub cancel: CancellationToken,
}

impl CallContext {
    /// A call that must be over in `limit` and that nobody cancels.
    pub fn within(limit: Duration) -> Self {
        CallContext { deadline: Instant::now() + limit, cancel: CancellationToken::new() }
    }

    /// What is left until the deadline.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether the call has to end, without waiting.
    pub fn check(&self) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Err(Stopped::Cancelled.error());
        }
        if self.remaining().is_zero() {
            return Err(Stopped::Deadline.error());
        }
        Ok(())
    }

    /// Waits until the call has to end.
    pub async fn stopped(&self) -> Stopped {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Stopped::Cancelled,
            () = tokio::time::sleep_until(self.deadline) => Stopped::Deadline,
        }
    }

    /// The future's output, unless the call has to end first; then the future is dropped.
    ///
    /// # Errors
    /// `CANCELLED` or `QUERY_TIMEOUT`.
    pub async fn run<F: Future>(&self, future: F) -> Result<F::Output> {
        tokio::select! {
            biased;
            output = future => Ok(output),
            stopped = self.stopped() => Err(stopped.error()),
        }
    }
}

/// What a session is opened with.
#[derive(Clone)]
pub struct OpenContext {
    /// The one way out of this machine.
    pub dialer: Dialer,
    /// Which addresses this source may reach.
    pub filter: AddressFilter,
    /// Which files and Unix sockets this source may open.
    pub paths: PathRules,
    /// How the session names itself to the server: `semilayer-runner/<runner id8>`.
    pub application: Arc<str>,
    /// Deadline and cancel of whoever waits for the session.
    pub call: CallContext,
    /// Watches the stages pass.
    pub observer: Option<Arc<dyn StageObserver>>,
}

impl OpenContext {
    /// Says that a stage was passed.
    pub fn passed(&self, report: StageReport) {
        if let Some(observer) = &self.observer {
            observer.passed(report);
        }
    }

    /// Opens a TCP connection to the source, reporting the stages dns and tcp.
    ///
    /// # Errors
    /// `SOURCE_UNREACHABLE` with `detail.stage` and `detail.kind`; `POLICY_DENIED` for an address that this source
    /// may not reach; `CANCELLED` and `QUERY_TIMEOUT`.
    pub async fn connect(&self, to: &Destination, family: Family, timeout: Duration) -> Result<Connected> {
        let options = ConnectOptions {
            family,
            filter: self.filter.clone(),
            timeout: timeout.min(self.call.remaining()),
            ..ConnectOptions::default()
        };
        let dialled = self
            .call
            .run(self.dialer.connect(to, &options))
            .await
            .map_err(|stopped| stopped.with("stage", "tcp"))?;
        let connected = dialled.map_err(|error| {
            if let Some(report) = StageReport::of_failed_dial(&error) {
                self.passed(report);
            }
            unreachable(&error)
        })?;
        let address = connected.address.socket_addr();
        self.passed(StageReport::of_name(to.host(), address.ip(), connected.dns));
        self.passed(StageReport::new(Stage::Tcp, connected.tcp, address.to_string()));
        Ok(connected)
    }
}
