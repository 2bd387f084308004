//! Opening a session, stage by stage.

mod login;
mod probe;
mod route;
mod stop;

pub(crate) use login::{Login, open};
pub(crate) use probe::{Flavour, Probe};
pub(crate) use stop::StopRoute;
