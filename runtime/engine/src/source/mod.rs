//! From a source's name to a connector and its configuration.
//!
//! - `naming`: names and keys as they are spelled in variables
//! - `environment`: the variables themselves, and the secrets in files that they point to
//! - `file`: the sources of the configuration file
//! - `resolve`: one assignment, resolved
//! - `given`: a setting's text, and where it is from
//! - `managed`: configurations that the gateway chose
//! - `registry`: the sources in use, each with its pool
//! - `find`: everything that the environment and the file configure, with what is odd about it
//! - `missing`: what to say of a source that is not configured
//! - `warning`: the oddities

mod environment;
mod file;
mod find;
mod given;
mod managed;
mod missing;
mod naming;
pub(crate) mod registry;
mod resolve;
mod warning;

pub use environment::{Environment, shown_path};
pub use file::{FileReader, FileSource, FileSources};
pub use find::{Found, FoundSource, find_sources};
pub use given::SettingOrigin;
pub use naming::{variable_key, variable_name};
pub use resolve::{ResolvedSource, Resolver};
pub use warning::SourceWarning;
