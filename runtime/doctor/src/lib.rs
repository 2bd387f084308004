//! Checks as data: what is examined, what was found, what to do about it.
//!
//! Nothing here changes anything, and nothing a check does differs from what the runner itself would do: the gateway is
//! reached through the same dialer, and a source is opened by its connector's own `open`, whose stages are listened to.
//!
//! - [`check`]: one finding
//! - [`report`]: all of them, and the exit code that they amount to
//! - [`mod@examine`]: everything side by side, within bounds
//! - [`gateway`]: reachable, handshake, clock
//! - [`source`]: a source's stages
//! - [`module`]: a connector module
//! - [`remedy`]: what to do about a failure, by its portable kind and native code, never by its text
//! - [`text`], [`json`]: a report for people and for machines

pub mod check;
pub mod examine;
pub mod gateway;
mod http;
pub mod json;
pub mod module;
mod probe;
pub mod remedy;
pub mod report;
pub mod source;
pub mod text;

pub use check::{Area, Check, Status};
pub use examine::{Assigned, Subject, WhenAssigned, examine, examine_with};
pub use gateway::Gateway;
pub use module::{ModuleFacts, ModuleFault, ModuleSubject};
pub use report::{Report, Verdict};
pub use source::{Openable, SourceSubject};
