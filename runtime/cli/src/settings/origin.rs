//! Where a value is from.

use std::fmt;
use std::path::PathBuf;

/// Where a value is from, in the words by which somebody finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag.
    Flag(&'static str),
    /// A variable.
    Variable(String),
    /// The `_FILE` form of a variable, and the file that it names.
    SecretFile {
        /// The variable: `SEMILAYER_RUNNER_TOKEN_FILE`.
        variable: String,
        /// The file with the value.
        path: PathBuf,
    },
    /// An entry of the configuration file.
    File {
        /// The entry: `[runner] id`.
        entry: String,
        /// The file.
        path: PathBuf,
    },
    /// Nobody set it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(flag) => f.write_str(flag),
            Origin::Variable(name) | Origin::SecretFile { variable: name, .. } => f.write_str(name),
            Origin::File { entry, path } => write!(f, "{entry} in {}", path.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// A value and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it is from.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// A value that nobody set.
    pub fn default(value: T) -> Self {
        Setting { value, origin: Origin::Default }
    }
}
