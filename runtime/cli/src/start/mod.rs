//! A running runner: the link's jobs given to the engine, the engine's answers to the link.
//!
//! - [`runner`]: made from settings, then run until it is asked to stop
//! - [`jobs`]: frames of the link as calls of the engine
//! - [`links`]: the connection to the gateway, and another one when it has to hear of other connectors
//! - [`reply`]: the engine's answers as frames
//! - [`readiness`]: whether jobs can come, and what the log says of the link
//! - [`health`]: the endpoints under `PORT`
//! - [`http`]: as much HTTP as those need
//! - [`memory`]: what the heartbeat says of memory

mod health;
mod http;
mod jobs;
mod links;
mod memory;
mod readiness;
mod reply;
mod runner;

pub(crate) use jobs::{assignment, hello};
pub use runner::Runner;
