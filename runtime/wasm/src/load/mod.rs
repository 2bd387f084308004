//! Modules from a folder: found, checked, compiled, kept, replaced while the runner runs.
//!
//! - [`settings`]: where they are, what the operator says of each, who may compile
//! - `folder`: which files there are, and when one of them is another
//! - `compile`: from a component to machine code, in a process of its own
//! - `cache`: machine code on disk, in a folder that is nobody else's
//! - `loader`: one file, from its bytes to a connector
//! - `parking`: a connector that fails time and again is left alone for a while
//! - [`modules`]: all of them, and how they change
//! - `files`: what is known of each, and which of them serves a bridge name
//! - `look`: one look at the files
//! - `report`: how a file stands
//! - `single`: one file alone
//! - `watch`: noticing that the folder did

mod cache;
mod compile;
mod files;
mod folder;
mod loader;
mod look;
pub mod modules;
mod parking;
mod report;
pub mod settings;
mod single;
#[cfg(test)]
mod tests;
mod watch;

pub use compile::{Compiler, compile_for_parent};
pub use loader::LoadedModule;
pub use modules::Modules;
pub use parking::{Parking, ParkingState};
pub use report::{ModuleReport, Standing};
pub use settings::{Claim, Entries, LoadSettings, ModuleEntry};
pub use single::{examine_file, load_file};
pub use watch::Watch;
