//! From a source's name to a connector and its configuration.
//!
//! - [`naming`]: names and keys as they are spelled in variables
//! - [`environment`]: the variables themselves, and the secrets in files that they point to
//! - [`file`]: the sources of the configuration file
//! - [`resolve`]: one assignment, resolved
//! - [`managed`]: configurations that the gateway chose
//! - [`registry`]: the sources in use, each with its pool
//! - [`find`]: everything that the environment and the file configure, with what is odd about it
//! - [`warning`]: the oddities

pub mod environment;
pub mod file;
pub mod find;
pub mod managed;
pub mod naming;
pub(crate) mod registry;
pub mod resolve;
pub mod warning;

pub use environment::Environment;
pub use file::{FileSource, FileSources};
pub use find::{Found, FoundSource, find_sources};
pub use resolve::{ResolvedSource, Resolver};
pub use warning::SourceWarning;
