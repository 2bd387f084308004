//! The object that makes connections.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use tokio::sync::Semaphore;

use crate::lookup::{Lookup, SystemLookup};
use crate::roots::Roots;

/// Name lookups under way at once. The system's resolver blocks a thread for each and cannot be
/// interrupted, so a dead name server must not use up the runtime's pool of blocking threads.
const MAX_LOOKUPS: usize = 64;

/// Makes every outgoing connection. Built once; a clone shares everything.
#[derive(Clone)]
pub struct Dialer {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) roots: Roots,
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) lookup: Arc<dyn Lookup>,
    pub(crate) lookups: Arc<Semaphore>,
}

impl Dialer {
    /// A dialer that trusts `roots` and asks the system's resolver.
    #[must_use]
    pub fn new(roots: Roots) -> Self {
        Self::with_lookup(roots, Arc::new(SystemLookup))
    }

    /// A dialer with a name lookup of the caller's choice (tests use fixed tables).
    #[must_use]
    pub fn with_lookup(roots: Roots, lookup: Arc<dyn Lookup>) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let lookups = Arc::new(Semaphore::new(MAX_LOOKUPS));
        Self { shared: Arc::new(Shared { roots, provider, lookup, lookups }) }
    }

    /// The roots this dialer trusts by default.
    #[must_use]
    pub fn roots(&self) -> &Roots {
        &self.shared.roots
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").field("roots", self.roots().report()).finish_non_exhaustive()
    }
}
