//! Where an instance may connect to, and how.

mod net;

use std::sync::Arc;

use connector_api::{CallContext, OpenContext, StageObserver};
use connector_model::Error;
use dial::{AddressFilter, Dialer};

pub use net::Connection;

/// One instance's way out.
pub(crate) struct Reach {
    pub(crate) dialer: Dialer,
    /// The source's own rules; they come before the module's grant.
    pub(crate) filter: AddressFilter,
    /// Deadline and cancel of the present call.
    pub(crate) call: CallContext,
    /// Watches the stages of the open; none once the session is open.
    pub(crate) observer: Option<Arc<dyn StageObserver>>,
    /// How the last dial failed, for the adapter: a guest only knows that it did.
    pub(crate) failed: Option<Error>,
}

impl Reach {
    /// What an instance has while it is opened.
    pub(crate) fn new(cx: &OpenContext) -> Self {
        Reach {
            dialer: cx.dialer.clone(),
            filter: cx.filter.clone(),
            call: cx.call.clone(),
            observer: cx.observer.clone(),
            failed: None,
        }
    }

    /// Begins a call: its bounds hold for every dial from now on, and what failed before is forgotten.
    pub(crate) fn begin(&mut self, call: &CallContext) {
        self.call = call.clone();
        self.failed = None;
    }
}
