//! Connector components in a sandbox: loaded, held to their grant, and a connector like any other to everyone else.
//!
//! - [`module`]: a module as it lies on disk, and whether it may be loaded
//! - [`load`]: modules from a folder, replaced while the runner runs
//! - [`engine`]: the engine that all modules share
//!
//! One job through the rest of it:
//! - `hosted`: the module as `Connector` and `Source`; `open`: a session, stage by stage, in an `instance` of its own
//! - `session`: its calls; `call`: how each begins and ends; `interrupt`: what is done about one that is given up
//! - `asked` and `answered`: the model's types to the interface's and back
//! - `pull`: rows out of the guest into the sink; `batch`: every byte of them checked; `total`: how many there are
//! - `state`, `linker`: what a guest's imports see: `reach` (connections), `log`, and a WASI that holds nothing
//! - `limits`, `meter`, `ticks`: memory, running time, and the clock that interrupts
//! - `failure`, `guest_error`: how a guest fails, and what a job is told; `measured`: metrics

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
pub use log::Secrets;
pub use module::{Digest, Module, ModulePolicy, Refused, manifest_of};
