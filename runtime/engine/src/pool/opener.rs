//! Opens sessions, and judges those that were idle.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_api::{CallContext, OpenContext, PathRules, Session, Source};
use connector_model::error::{Error, ErrorCode, Result};
use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use dial::{AddressFilter, Dialer};
use tokio::time::Instant;

use super::LIFETIME;
use super::breaker::{Admitted, Breaker};
use crate::lock::lock;
use crate::measured::SourceMeasures;

/// A session that was idle for longer has to answer a ping before it is lent: firewalls forget connections.
const TRUSTED_IDLE: Duration = Duration::from_secs(30);
/// How long that answer may take; a job is waiting for it.
const PING_LIMIT: Duration = Duration::from_secs(2);

/// What sessions of a source may reach, and how they present themselves.
#[derive(Clone)]
pub(crate) struct Reach {
    /// The one way out of this machine.
    pub(crate) dialer: Dialer,
    /// Which addresses it may reach.
    pub(crate) filter: AddressFilter,
    /// Which files and unix sockets it may open.
    pub(crate) paths: PathRules,
    /// How its sessions call themselves to the server.
    pub(crate) application: Arc<str>,
}

/// What a pool knows about making sessions.
pub(crate) struct Opener {
    source: Box<dyn Source>,
    reach: Reach,
    limit: Duration,
    measures: Arc<SourceMeasures>,
    state: Mutex<State>,
}

struct State {
    breaker: Breaker,
    /// Sessions last used before this moment are not lent again.
    trusted_since: Instant,
    /// Whether a session lost the server since it was last reached.
    is_suspect: bool,
}

/// A session in a pool.
pub(crate) struct Pooled {
    pub(super) session: Box<dyn Session>,
    opened: Instant,
    pub(super) used: Instant,
}

impl Pooled {
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.duration_since(self.opened)
    }
}

impl Opener {
    /// Opens sessions of `source` within `limit` each.
    pub(crate) fn new(
        source: Box<dyn Source>,
        reach: Reach,
        limit: Duration,
        measures: Arc<SourceMeasures>,
    ) -> Self {
        let state = Mutex::new(State {
            breaker: Breaker::default(),
            trusted_since: Instant::now(),
            is_suspect: false,
        });
        Opener { source, reach, limit, measures, state }
    }

    /// No session that is idle now is lent again.
    pub(super) fn distrust(&self) {
        let mut state = lock(&self.state);
        state.trusted_since = Instant::now();
        state.is_suspect = true;
    }

    /// A session works.
    pub(super) fn reached(&self) {
        lock(&self.state).is_suspect = false;
    }

    /// What is measured of the source.
    pub(super) fn measures(&self) -> &SourceMeasures {
        &self.measures
    }

    /// Whether the server is taken for down: sessions are opened one at a time, with pauses.
    pub(super) fn is_given_up(&self) -> bool {
        lock(&self.state).breaker.error().is_some()
    }

    /// Whether the server could not be reached last time, or went away under a session. One that refuses the credentials is another matter: asking
    /// again and again may lock the account.
    pub(super) fn is_unreachable(&self) -> bool {
        let state = lock(&self.state);
        match state.breaker.error() {
            Some(error) => error.code() == ErrorCode::SourceUnreachable,
            None => state.is_suspect,
        }
    }

    async fn open(&self) -> Result<Box<dyn Session>> {
        let call = CallContext::within(self.limit);
        let Reach { dialer, filter, paths, application } = self.reach.clone();
        let context = OpenContext { dialer, filter, paths, application, call: call.clone(), observer: None };
        let opened = match call.run(self.source.open(&context)).await {
            Ok(opened) => opened,
            Err(stopped) => Err(stopped),
        };
        opened.map_err(|error| match error.code() {
            // The time that ran out is the open's own, not the job's.
            ErrorCode::QueryTimeout => self.too_slow(&error),
            _ => error,
        })
    }

    fn too_slow(&self, error: &Error) -> Error {
        let message = format!("no session could be opened within {} ms", self.limit.as_millis());
        let stage = error.detail().get("stage").cloned().unwrap_or_else(|| "open".into());
        Error::new(ErrorCode::SourceUnreachable, message).with("stage", stage).with("kind", "timeout")
    }
}

/// An admitted attempt to open a session.
struct Attempt<'a> {
    state: &'a Mutex<State>,
    admitted: Admitted,
    is_judged: bool,
}

impl Attempt<'_> {
    fn judged(mut self, outcome: &Result<Box<dyn Session>>) {
        self.is_judged = true;
        let mut state = lock(self.state);
        match outcome {
            Ok(_) => {
                state.breaker.worked();
                state.is_suspect = false;
            }
            Err(error) => state.breaker.failed(self.admitted, error, Instant::now()),
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.is_judged {
            lock(self.state).breaker.given_up(self.admitted);
        }
    }
}

impl Manager for Opener {
    type Type = Pooled;
    type Error = Error;

    async fn create(&self) -> Result<Pooled> {
        let admitted = lock(&self.state).breaker.admit(Instant::now())?;
        let attempt = Attempt { state: &self.state, admitted, is_judged: false };
        let opened = self.open().await;
        attempt.judged(&opened);
        self.measures.opened(opened.as_ref().err().map(Error::code));
        let now = Instant::now();
        opened.map(|session| Pooled { session, opened: now, used: now })
    }

    async fn recycle(&self, pooled: &mut Pooled, _: &Metrics) -> RecycleResult<Error> {
        let now = Instant::now();
        if pooled.age(now) >= LIFETIME {
            return Err(RecycleError::message("the session is too old"));
        }
        if pooled.used < lock(&self.state).trusted_since {
            return Err(RecycleError::message("the server went away since the session was used"));
        }
        if now.duration_since(pooled.used) > TRUSTED_IDLE {
            let call = CallContext::within(PING_LIMIT);
            let answered = call.run(pooled.session.ping(&call)).await;
            if let Err(error) | Ok(Err(error)) = answered {
                self.distrust();
                return Err(RecycleError::Backend(error));
            }
        }
        Ok(())
    }
}
