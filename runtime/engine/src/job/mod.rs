//! One job: what asks for it, what answers it, and its life in between.
//!
//! - `request`: what asks for it
//! - `reply`: what answers it
//! - `running`: the table of jobs under way
//! - `ending`: exactly one end
//! - `life`: from admission to the end
//! - `work`: the request on a session
//! - `aggregate`: what of an aggregate the session leaves to the engine
//! - `events`: what the log says of it
//! - `trace`: the caller's trace

mod aggregate;
pub(crate) mod ending;
pub mod events;
pub(crate) mod life;
mod reply;
mod request;
pub(crate) mod running;
mod trace;
mod work;

pub use aggregate::aggregate_by_scan;
pub use reply::{Done, Reply};
pub use request::JobRequest;
pub use trace::TraceParent;
