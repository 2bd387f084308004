//! The variables that configure sources. They were read once, when the process started.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use connector_model::error::{Error, ErrorCode, Result};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::naming::{FILE_SUFFIX, PREFIX};

/// The largest secret file that is read: a certificate chain with its key fits many times over.
const MAX_SECRET_BYTES: u64 = 256 * 1024;

/// The variables that begin with `SEMILAYER_`, by name. Empty ones count as unset. `Debug` shows the names.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, SecretString>);

/// A variable of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable<'e> {
    /// Its whole name.
    pub name: &'e str,
    /// What follows the source's name.
    pub key: &'e str,
}

impl Environment {
    /// Keeps the variables that may concern sources.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let kept = variables
            .into_iter()
            .filter(|(name, value)| name.to_ascii_uppercase().starts_with("SEMILAYER_") && !value.is_empty())
            .map(|(name, value)| (name, SecretString::from(value)))
            .collect();
        Environment(kept)
    }

    /// The names of all variables that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The variables that begin with `SEMILAYER_SOURCE_`, each with what follows.
    pub fn of_sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names().filter_map(|name| Some((name, name.strip_prefix(PREFIX)?)))
    }

    /// The variables of the source spelled `spelled`. One that another of the `known` spellings fits better (it is
    /// longer) belongs to that one.
    pub fn of_source<'e, 'k>(&'e self, spelled: &'k str, known: &'k [String]) -> Vec<Variable<'e>> {
        self.of_sources()
            .filter(|(_, rest)| owner(rest, known).is_none_or(|owner| owner.len() <= spelled.len()))
            .filter_map(|(name, rest)| Some(Variable { name, key: key_of(rest, spelled)? }))
            .collect()
    }

    /// A variable's value.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.expose_secret())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The longest of the known spellings that `rest` (a variable without its prefix) can belong to.
pub(super) fn owner<'k>(rest: &str, known: &'k [String]) -> Option<&'k str> {
    known
        .iter()
        .map(String::as_str)
        .filter(|spelled| key_of(rest, spelled).is_some())
        .max_by_key(|spelled| spelled.len())
}

fn key_of<'e>(rest: &'e str, spelled: &str) -> Option<&'e str> {
    rest.strip_prefix(spelled)?.strip_prefix('_').filter(|key| !key.is_empty())
}

/// The variable that a `_FILE` form stands for.
pub(super) fn without_file_suffix(key: &str) -> Option<&str> {
    key.strip_suffix(FILE_SUFFIX).filter(|key| !key.is_empty())
}

/// Reads the secret that a `_FILE` variable points to, without the newline at its end.
///
/// # Errors
/// `SOURCE_NOT_CONFIGURED` naming the variable and the path.
pub(super) fn read_secret(variable: &str, path: &str) -> Result<Zeroizing<String>> {
    let mut text = read_bounded(Path::new(path)).map_err(|error| {
        let path = shown_path(path);
        let message = format!("{variable}: cannot read the secret file {path}: {error}");
        Error::new(ErrorCode::SourceNotConfigured, message).with("variable", variable).with("path", path)
    })?;
    let trimmed = text.trim_end_matches(['\n', '\r']).len();
    text.truncate(trimmed);
    Ok(text)
}

/// A path as a message may show it. Somebody who sets the secret itself where the path of its file belongs must not find it
/// in a log: what does not begin like a path is not shown.
pub fn shown_path(path: &str) -> &str {
    if ["/", "./", "../"].iter().any(|start| path.starts_with(start)) {
        path
    } else {
        "(not shown: a path begins with / or ./, and this may be the secret itself)"
    }
}

fn read_bounded(path: &Path) -> io::Result<Zeroizing<String>> {
    // Opening a pipe would wait for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let mut text = Zeroizing::new(String::new());
    File::open(path)?.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        let message = format!("it is larger than {MAX_SECRET_BYTES} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(names: &[&str]) -> Environment {
        Environment::new(names.iter().map(|name| ((*name).to_owned(), "x".to_owned())))
    }

    #[test]
    fn the_longest_known_name_owns_a_variable() {
        let both = ["PRIMARY".to_owned(), "PRIMARY_DB".to_owned()];
        let alone = ["PRIMARY".to_owned()];
        let environment =
            environment(&["SEMILAYER_SOURCE_PRIMARY_URL", "SEMILAYER_SOURCE_PRIMARY_DB_URL", "OTHER"]);
        let keys = |spelled: &str, known: &[String]| -> Vec<String> {
            environment.of_source(spelled, known).iter().map(|v| v.key.to_owned()).collect()
        };
        assert_eq!(keys("PRIMARY", &both), ["URL"]);
        assert_eq!(keys("PRIMARY_DB", &both), ["URL"]);
        assert_eq!(keys("PRIMARY", &alone), ["DB_URL", "URL"]);
        assert_eq!(keys("PRIM", &both), [] as [&str; 0]);
    }

    #[test]
    fn empty_variables_are_unset_and_values_are_never_printed() {
        let environment = Environment::new([
            ("SEMILAYER_SOURCE_A_URL".to_owned(), String::new()),
            ("SEMILAYER_SOURCE_B_URL".to_owned(), "hunter2".to_owned()),
        ]);
        assert_eq!(environment.names().collect::<Vec<_>>(), ["SEMILAYER_SOURCE_B_URL"]);
        assert!(!format!("{environment:?}").contains("hunter2"));
    }

    #[test]
    fn a_secret_file_loses_its_last_newline_and_a_bad_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "p w\n\n").unwrap();
        assert_eq!(*read_secret("V_FILE", path.to_str().unwrap()).unwrap(), "p w");
        for bad in [folder.path().to_owned(), folder.path().join("absent")] {
            let error = read_secret("V_FILE", bad.to_str().unwrap()).unwrap_err();
            assert!(error.message().contains("V_FILE") && error.message().contains(bad.to_str().unwrap()));
        }
        let error = read_secret("V_FILE", "hunter2").unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        std::fs::write(&path, vec![b'x'; MAX_SECRET_BYTES as usize + 1]).unwrap();
        assert!(read_secret("V_FILE", path.to_str().unwrap()).is_err());
    }
}
