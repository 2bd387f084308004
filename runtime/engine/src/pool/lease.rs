//! A session while a job has it.

use connector_api::Session;
use deadpool::managed::Object;
use tokio::time::Instant;

use super::opener::Opener;

/// A session lent to one job. Unless it is given back, dropping the lease closes the session: whatever ended the
/// job without a word may have left it in any state.
pub(crate) struct Lease(Option<Object<Opener>>);

impl Lease {
    pub(super) fn new(object: Object<Opener>) -> Self {
        Lease(Some(object))
    }

    /// The session; `None` only after the lease has ended.
    pub(crate) fn session(&mut self) -> Option<&mut dyn Session> {
        let session: &mut dyn Session = &mut *self.0.as_mut()?.session;
        Some(session)
    }

    /// Ends the lease: the session goes back to the pool if it can serve another job, and is closed if not.
    pub(crate) fn give_back(mut self) {
        if let Some(mut object) = self.0.take() {
            if object.session.reusable() {
                object.used = Instant::now();
            } else {
                drop(Object::take(object));
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}
