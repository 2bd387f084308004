//! The runner's program: arguments, configuration, logs, health port; the place where link and engine meet, and the only
//! one that names drivers.
//!
//! - [`arguments`], [`Variables`], [`settings`]: what the program is told, each value with its origin
//! - [`Runner`]: what `start` runs
//! - [`status`], [`sources`]: the commands that only show something
//! - [`doctor`], [`test_source`]: the commands that check
//! - [`config`]: every setting with its origin, and the schema of the file
//! - [`diag`]: the support bundle
//! - [`connectors`]: drivers and modules, and the commands about them
//! - [`signals`], [`log_output`], [`exit`], [`version`]: how it stands with its surroundings
//! - [`drivers`]: what databases it speaks to
//! - [`mask`]: what may be shown of a secret
//!
//! [`run`] is the program; a program that has a runner inside uses [`Settings`] and [`Runner`].

pub mod arguments;
mod command;
pub mod config;
pub mod connectors;
pub mod diag;
pub mod doctor;
pub mod drivers;
pub mod exit;
mod log_lines;
pub mod log_output;
pub mod mask;
pub mod settings;
pub mod signals;
pub mod sources;
mod start;
pub mod status;
mod subjects;
pub mod test_source;
mod variables;
pub mod version;

pub use command::{Process, run};
pub use exit::Exit;
pub use runner_link::Signals;
pub use settings::Settings;
pub use start::Runner;
pub use variables::Variables;
