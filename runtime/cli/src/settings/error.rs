//! What can be wrong with the configuration. Every message names the place and what to do; none shows a value that may
//! be a secret.

use std::path::PathBuf;

use dial::{PemError, RootsError};
use thiserror::Error;

use super::origin::Origin;

/// The configuration cannot be used; the process ends with code 2.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A value that has no default is not set.
    #[error("no {what}: set {flag} or {variable} ({hint})")]
    Missing {
        /// What is missing.
        what: &'static str,
        /// The flag that sets it.
        flag: &'static str,
        /// The variable that sets it.
        variable: &'static str,
        /// Where to find the value.
        hint: &'static str,
    },
    /// A value that cannot be used.
    #[error("{origin}: {problem}")]
    Invalid {
        /// Where the value is from.
        origin: Origin,
        /// What is wrong with it.
        problem: String,
    },
    /// A variable and its `_FILE` form are both set.
    #[error("{variable} and {variable}_FILE are both set; remove one of them")]
    BothForms {
        /// The variable.
        variable: &'static str,
    },
    /// A variable that is not text.
    #[error("{variable} is not UTF-8 text")]
    NotText {
        /// The variable.
        variable: String,
    },
    /// The file that a `_FILE` variable names cannot be read.
    #[error("{variable}: cannot read {path}: {problem}")]
    SecretFile {
        /// The variable.
        variable: String,
        /// The file, as far as it may be shown.
        path: String,
        /// Why not.
        problem: String,
    },
    /// A PEM file cannot be used.
    #[error("{origin}: {}: {problem}", path.display())]
    Pem {
        /// Where the path is from.
        origin: Origin,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: PemError,
    },
    /// A file with authorities cannot be used.
    #[error("{origin}: {problem}")]
    Roots {
        /// Where the path is from, or paths are.
        origin: String,
        /// What is wrong with it.
        problem: RootsError,
    },
    /// The configuration file cannot be read.
    #[error("configuration file {}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// Two drivers of this program claim one name.
    #[error(transparent)]
    Drivers(#[from] runner_engine::NameTaken),
    /// The health port cannot be opened.
    #[error("PORT={port}: {problem}")]
    Port {
        /// The port.
        port: u16,
        /// Why not.
        problem: String,
    },
}
