//! Where an instance may connect to, and how.
//!
//! - [`grant`]: which hosts and addresses are granted
//! - [`outbound`]: one instance's connections: their number, their stages, how the last one failed
//! - [`net`]: connections in the guest's hands
//! - [`http`]: requests over connections in the host's hands

mod grant;
mod http;
mod net;
#[cfg(test)]
mod net_tests;
mod outbound;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use connector_api::{CallContext, OpenContext};
use connector_model::Error;

use crate::log::{Log, Secrets, Voice};
pub(crate) use grant::{Grant, check_egress};
pub(crate) use http::{Gate, bound as bound_requests, context as http_context};
#[allow(unreachable_pub, reason = "the generated bindings name it")]
pub use net::Connection;
use outbound::Outbound;

/// One instance's way out: what it may connect to, and where its log lines go.
pub(crate) struct Reach {
    outbound: Arc<Outbound>,
    gate: Gate,
    log: Log,
}

impl Reach {
    /// What an instance of one source has, its lines among those of its module. It is being opened: stages are reported
    /// until [`Reach::opened`].
    pub(crate) fn new(grant: Arc<Grant>, voice: Voice, cx: &OpenContext) -> Self {
        let log = Log::new(voice, grant.secrets());
        Reach::over(Outbound::new(grant, cx), log)
    }

    /// What an instance has that belongs to no source: no way out at all.
    pub(crate) fn nowhere(voice: Voice) -> Self {
        Reach::over(Outbound::nowhere(voice.connector()), Log::new(voice, Secrets::default()))
    }

    fn over(outbound: Outbound, log: Log) -> Self {
        let outbound = Arc::new(outbound);
        Reach { gate: Gate::new(outbound.clone()), outbound, log }
    }

    /// Begins a call: its bounds hold for every connection from now on, and what failed before is forgotten.
    pub(crate) fn begin(&mut self, call: &CallContext) {
        self.outbound.begin(call);
    }

    /// The session is open: nobody watches its connections any more.
    pub(crate) fn opened(&mut self) {
        self.outbound.opened();
    }

    /// How the present call's last connection failed to come about, in the dialler's or the grant's own words: a guest
    /// only knows that it did. None when a later one came about.
    pub(crate) fn failed(&self) -> Option<Error> {
        self.outbound.failed()
    }

    /// For the tasks that connect.
    fn outbound(&self) -> Arc<Outbound> {
        self.outbound.clone()
    }

    /// What `wasi:http` calls.
    pub(crate) fn gate(&mut self) -> &mut Gate {
        &mut self.gate
    }

    /// Where the instance's log lines go.
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }
}
