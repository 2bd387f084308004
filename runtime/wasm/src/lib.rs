//! Connector components in a sandbox: loaded, held to their grant, and a connector like any other to everyone else.
//!
//! - [`module`]: a module as it lies on disk, and whether it may be loaded
//! - [`load`]: modules from a folder, replaced while the runner runs
//! - [`engine`]: the engine that all modules share

pub mod engine;
pub mod load;
pub mod module;

mod answered;
mod asked;
mod batch;
mod bindings;
mod call;
mod failure;
mod guest_error;
mod hosted;
mod instance;
mod interrupt;
mod limits;
mod linker;
mod log;
mod measured;
mod meter;
mod open;
mod pull;
mod reach;
mod session;
mod state;
mod ticks;
mod total;

pub use engine::{HostEngine, engine_config};
pub use hosted::HostedConnector;
pub use module::{Digest, Module, ModulePolicy, Refused, manifest_of};
