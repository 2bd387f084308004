//! One call of a session: begun, and ended in one of three ways.
//!
//! The guest comes back, with an answer or an error: the session serves again, unless the error came where rows should
//! have, for then more of them may be under way. It breaks: its instance is lost. Or nobody wants the answer any more:
//! the instance is dropped with everything that it waits for, and another one stops in the database what it began.

use std::sync::Arc;

use connector_api::{CallContext, OpenContext};
use connector_model::error::{Error, ErrorCode, Result};

use crate::bindings::exports::semilayer::connector::source as wit;
use crate::failure::{self, Failure, Remains};
use crate::guest_error;
use crate::hosted::{Configured, Hosted};
use crate::instance::{Instance, Outcome};
use crate::interrupt;
use crate::log::Secrets;

/// A call under way, with the instance in its hands. Dropped before its end, it drops the instance and interrupts.
pub(crate) struct Call<'s> {
    source: &'s Arc<Configured>,
    context: &'s OpenContext,
    place: &'s mut Option<Instance>,
    instance: Option<Instance>,
    /// What the guest was handed to be interrupted by; none for calls that begin nothing in the database.
    token: Option<String>,
}

impl<'s> Call<'s> {
    /// Takes the instance out of its place. `token` is what an interrupt names.
    ///
    /// # Errors
    /// `CANCELLED` and `QUERY_TIMEOUT` when the call is over already; `INTERNAL` for a session that was lost before.
    pub(crate) fn begin(
        source: &'s Arc<Configured>,
        context: &'s OpenContext,
        place: &'s mut Option<Instance>,
        cx: &CallContext,
        token: Option<String>,
    ) -> Result<Self> {
        cx.check()?;
        let mut instance = place
            .take()
            .ok_or_else(|| Error::internal("a session was used again after its instance was lost"))?;
        instance.begin(cx);
        Ok(Call { source, context, place, instance: Some(instance), token })
    }

    /// The instance.
    pub(crate) fn instance(&mut self) -> Outcome<&mut Instance> {
        let lost = || Failure::Refused(Error::internal("a call was used again after its end"));
        self.instance.as_mut().ok_or_else(lost)
    }

    /// What the guest is told of the call's bounds.
    pub(crate) fn bounds(&self, cx: &CallContext) -> wit::Call {
        wit::Call { deadline_ms: millis(cx), token: self.token.clone().unwrap_or_default() }
    }

    /// Ends the call with what it brought, or with the reason for which it was given up.
    pub(crate) async fn end<T>(mut self, outcome: Result<Outcome<T>>) -> Result<T> {
        let hosted = &self.source.hosted;
        match (outcome, self.instance.take()) {
            (Ok(Ok(value)), Some(mut instance)) => {
                instance.settle();
                *self.place = Some(instance);
                self.token = None;
                Ok(value)
            }
            (Ok(Err(Failure::Guest(error))), Some(mut instance)) => {
                instance.settle();
                self.token = None;
                let usable = guest_error::leaves_session_usable(error.kind);
                let error = failed(Failure::Guest(error), &mut instance, hosted);
                if usable {
                    *self.place = Some(instance);
                }
                Err(error)
            }
            (Ok(Err(failure @ Failure::Midway(_))), Some(mut instance)) => {
                instance.settle();
                // The guest knows that the call is over; what is left of it ends with its connections.
                self.token = None;
                Err(failed(failure, &mut instance, hosted))
            }
            (Ok(Err(failure)), Some(mut instance)) => {
                instance.settle();
                let error = failed(failure, &mut instance, hosted);
                // Its connections close with it, which stops the work of most databases already.
                drop(instance);
                self.interrupt().await;
                Err(error)
            }
            (Err(stopped), instance) => {
                drop(instance);
                self.interrupt().await;
                Err(stopped)
            }
            (Ok(outcome), None) => outcome.map_err(|failure| unmade(failure, hosted)),
        }
    }

    /// Stops in the database what the call began.
    async fn interrupt(&mut self) {
        if let Some(token) = self.token.take()
            && let Some(task) = interrupt::start(self.source, self.context, token)
        {
            // It has its own limit, and goes on should this call be dropped meanwhile.
            let _ = task.await;
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        drop(self.instance.take());
        if let Some(token) = self.token.take() {
            interrupt::start(self.source, self.context, token);
        }
    }
}

/// The job's error of a failure of this instance.
pub(crate) fn failed(failure: Failure, instance: &mut Instance, hosted: &Hosted) -> Error {
    match failure {
        Failure::Guest(error) | Failure::Midway(error) => {
            let dialled = instance.dialled();
            guest_error::error(error, dialled, instance.secrets())
        }
        failure => {
            let remains = instance.remains(hosted);
            lost(failure, hosted, &remains)
        }
    }
}

/// The job's error of an instance that could not be made.
pub(crate) fn unmade(failure: Failure, hosted: &Hosted) -> Error {
    lost(
        failure,
        hosted,
        &Remains { connector: &hosted.name, memory: None, words: None, secrets: Secrets::default() },
    )
}

fn lost(failure: Failure, hosted: &Hosted, remains: &Remains<'_>) -> Error {
    let error = match failure {
        Failure::Guest(error) | Failure::Midway(error) => guest_error::error(error, None, &remains.secrets),
        Failure::Broken(error) => failure::broken(&error, remains),
        Failure::Malformed(malformed) => failure::malformed(malformed, &hosted.name),
        Failure::Contract(what) => failure::contract(&what, &hosted.name),
        Failure::Refused(error) => error,
    };
    if error.code() == ErrorCode::ConnectorFailed
        && let Some(loss) = failure::loss_of(&error)
    {
        hosted.measures.lost(loss);
    }
    error
}

/// What is left of a call, in milliseconds.
pub(crate) fn millis(cx: &CallContext) -> u32 {
    u32::try_from(cx.remaining().as_millis()).unwrap_or(u32::MAX)
}
