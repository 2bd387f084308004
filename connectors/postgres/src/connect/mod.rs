//! Opening a session, stage by stage.

mod cancel;
mod established;
mod login;
mod probe;
mod wire;

pub(crate) use cancel::CancelRoute;
pub(crate) use login::{Connection, Login, open};
pub(crate) use probe::{Mode, Probe};
