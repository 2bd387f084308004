//! The environment as a value: read once by the program, passed in from there.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use secrecy::SecretString;

/// Longest file that a `_FILE` variable may name: far beyond any token or URL.
const LONGEST_FILE: u64 = 64 * 1024;

/// Variables by name. An empty one counts as unset.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// A variable that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EnvironmentError {
    /// Both a variable and its `_FILE` form are set.
    #[error("{name} and {name}_FILE are both set; set one of them")]
    Both {
        /// The variable.
        name: String,
    },
    /// The file cannot be read.
    #[error("{name}_FILE: cannot read {path}: {reason}")]
    File {
        /// The variable.
        name: String,
        /// The file.
        path: String,
        /// What the operating system said.
        reason: String,
    },
}

impl Environment {
    /// Takes the variables of a process. One that is not UTF-8 reads as unset: no variable of
    /// the gateway may hold anything else.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let text =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Self(variables.into_iter().filter_map(text).filter(|(_, value)| !value.is_empty()).collect())
    }

    /// The value of `name`, from the variable itself or the file that `name`_FILE names (its last line end removed).
    ///
    /// # Errors
    /// When both are set or the file cannot be read.
    pub fn get(&self, name: &str) -> Result<Option<String>, EnvironmentError> {
        let file = self.0.get(&format!("{name}_FILE"));
        match (self.0.get(name), file) {
            (Some(_), Some(_)) => Err(EnvironmentError::Both { name: name.to_owned() }),
            (Some(value), None) => Ok(Some(value.clone())),
            (None, Some(path)) => read(name, path),
            (None, None) => Ok(None),
        }
    }

    /// As [`Environment::get`], for a value that must not be shown.
    ///
    /// # Errors
    /// As there.
    pub fn secret(&self, name: &str) -> Result<Option<SecretString>, EnvironmentError> {
        Ok(self.get(name)?.map(SecretString::from))
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self::new(variables.map(|(name, value)| (name.into(), value.into())))
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Environment({} variables)", self.0.len())
    }
}

fn read(name: &str, path: &str) -> Result<Option<String>, EnvironmentError> {
    let failed =
        |reason: String| EnvironmentError::File { name: name.to_owned(), path: path.to_owned(), reason };
    let size = Path::new(path).metadata().map_err(|error| failed(error.to_string()))?.len();
    if size > LONGEST_FILE {
        return Err(failed(format!("it is over {LONGEST_FILE} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_from_the_variable_or_from_its_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("token");
        std::fs::write(&path, "secret\n").expect("a file");
        let path = path.display().to_string();
        let environment = Environment::from([
            ("A", "1"),
            ("B_FILE", path.as_str()),
            ("C", ""),
            ("D", "1"),
            ("D_FILE", "x"),
            ("E_FILE", "/no/such"),
        ]);
        assert_eq!(environment.get("A"), Ok(Some("1".to_owned())));
        assert_eq!(environment.get("B"), Ok(Some("secret".to_owned())));
        assert_eq!(environment.get("C"), Ok(None));
        assert_eq!(environment.get("D"), Err(EnvironmentError::Both { name: "D".to_owned() }));
        assert!(matches!(environment.get("E"), Err(EnvironmentError::File { .. })));
    }

    #[test]
    fn debug_output_shows_no_value() {
        let shown = format!("{:?}", Environment::from([("TOKEN", "hunter2")]));
        assert!(!shown.contains("hunter2"));
    }
}
