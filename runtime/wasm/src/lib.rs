//! Connector components in a sandbox: loaded, held to their grant, and a connector like any other to everyone else.
//!
//! - [`module`]: a module as it lies on disk, and whether it may be loaded
//! - [`engine`]: the engine that all modules share

pub mod engine;
pub mod module;

mod bindings;
mod limits;
mod linker;
mod reach;
mod state;
mod ticks;

pub use engine::{HostEngine, engine_config};
pub use module::{Digest, Module, ModulePolicy, Refused, manifest_of};
