//! Flags, variables and file, and looking a value up in them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use runner_engine::shown_path;
use secrecy::{ExposeSecret, SecretString};

use super::error::ConfigError;
use super::file::ConfigFile;
use super::origin::{Origin, Setting};
use crate::arguments::Flags;
use crate::variables::Variables;

/// The largest file that a `_FILE` variable may name: a certificate chain with its key fits many times over.
const MAX_SECRET_BYTES: u64 = 256 * 1024;

/// By what names a value is set.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// The flag; empty when there is none.
    pub flag: &'static str,
    /// The variable.
    pub variable: &'static str,
    /// The key under `[runner]` in the file; empty when there is none.
    pub key: &'static str,
}

/// Flags, variables and file.
#[derive(Debug, Clone)]
pub struct Layers {
    /// The command line.
    pub flags: Flags,
    /// The environment.
    pub variables: Variables,
    /// The configuration file; empty when there is none.
    pub file: ConfigFile,
}

impl Layers {
    /// Reads the configuration file that the flag or `SEMILAYER_CONFIG` names, else the first there is in `folders`.
    ///
    /// # Errors
    /// [`ConfigError`] for a file that was named and is not there, or that cannot be understood.
    pub fn read(flags: Flags, variables: Variables, folders: &[PathBuf]) -> Result<Self, ConfigError> {
        if let Some(variable) = variables.not_text() {
            return Err(ConfigError::NotText { variable: variable.to_owned() });
        }
        let given = flags.config.clone().filter(|path| !path.as_os_str().is_empty());
        let named = match given {
            Some(path) => Some(path),
            None => of_variable(&variables, CONFIG)?.map(|found| path_of(&found.value)),
        };
        let file = ConfigFile::find(named.as_deref(), folders)?;
        Ok(Layers { flags, variables, file })
    }

    /// The value of the highest layer that has one.
    ///
    /// # Errors
    /// A variable set in both forms, or whose file cannot be read.
    pub fn find(
        &self,
        flag: Option<&str>,
        names: Names,
    ) -> Result<Option<Setting<SecretString>>, ConfigError> {
        if let Some(text) = flag.filter(|text| !text.is_empty()) {
            return Ok(Some(Setting { value: text.into(), origin: Origin::Flag(names.flag) }));
        }
        if let Some(found) = of_variable(&self.variables, names.variable)? {
            return Ok(Some(found));
        }
        let entry = self.file.runner.get(names.key).filter(|text| !text.expose_secret().is_empty());
        Ok(entry.map(|text| Setting { value: text.clone(), origin: self.file.origin("runner", names.key) }))
    }

    /// [`Layers::find`] for what is no secret.
    ///
    /// # Errors
    /// As [`Layers::find`].
    pub fn text(&self, flag: Option<&str>, names: Names) -> Result<Option<Setting<String>>, ConfigError> {
        let found = self.find(flag, names)?;
        Ok(found.map(|Setting { value, origin }| Setting {
            value: value.expose_secret().trim().to_owned(),
            origin,
        }))
    }

    /// A whole number within `range`.
    ///
    /// # Errors
    /// As [`Layers::find`], and for a text that is no such number.
    pub fn number(
        &self,
        flag: Option<&str>,
        names: Names,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<u64>, ConfigError> {
        let Some(Setting { value, origin }) = self.text(flag, names)? else { return Ok(None) };
        match value.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => {
                let problem = format!("must be a whole number from {} to {}", range.start(), range.end());
                Err(ConfigError::Invalid { origin, problem })
            }
        }
    }
}

/// The variable that names the configuration file.
const CONFIG: &str = "SEMILAYER_CONFIG";

/// A variable's value, or that of the file that its `_FILE` form names.
///
/// # Errors
/// Both forms set, or a file that cannot be read.
pub(super) fn of_variable(
    variables: &Variables,
    name: &'static str,
) -> Result<Option<Setting<SecretString>>, ConfigError> {
    let pointer = format!("{name}_FILE");
    match (variables.get(name), variables.get(&pointer)) {
        (Some(_), Some(_)) => Err(ConfigError::BothForms { variable: name }),
        (Some(text), None) => {
            Ok(Some(Setting { value: text.into(), origin: Origin::Variable(name.to_owned()) }))
        }
        (None, Some(path)) => {
            let path = PathBuf::from(path);
            let value = read_secret(&pointer, &path)?;
            let is_set = !value.expose_secret().is_empty();
            Ok(is_set.then_some(Setting { value, origin: Origin::SecretFile { variable: pointer, path } }))
        }
        (None, None) => Ok(None),
    }
}

/// A path that stands in a variable or a file.
pub(super) fn path_of(text: &SecretString) -> PathBuf {
    PathBuf::from(text.expose_secret().trim())
}

/// A mounted secret, without the line break at its end.
fn read_secret(variable: &str, path: &Path) -> Result<SecretString, ConfigError> {
    let failed = |problem: String| ConfigError::SecretFile {
        variable: variable.to_owned(),
        path: shown_path(&path.to_string_lossy()).to_owned(),
        problem,
    };
    let text = read_bounded(path, MAX_SECRET_BYTES).map_err(|error| failed(error.to_string()))?;
    Ok(SecretString::from(text.trim_end_matches(['\n', '\r'])))
}

/// A regular file's text, at most `limit` bytes of it.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> io::Result<zeroize::Zeroizing<String>> {
    // Opening a pipe would wait for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let mut text = zeroize::Zeroizing::new(String::new());
    File::open(path)?.take(limit + 1).read_to_string(&mut text)?;
    if text.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Names = Names { flag: "--id", variable: "SEMILAYER_RUNNER_ID", key: "id" };

    fn layers(variables: &[(&str, &str)], file: Option<&Path>) -> Layers {
        let variables =
            Variables::new(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let file = file.map(|path| ConfigFile::read(path).unwrap()).unwrap_or_default();
        Layers { flags: Flags::default(), variables, file }
    }

    #[test]
    fn flag_before_variable_before_file_and_empty_is_unset() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (file, blank) =
            (path("set.toml", "[runner]\nid = \"file\""), path("blank.toml", "[runner]\nid = \"\""));
        let (mounted, nothing) = (path("id", "mounted\r\n"), path("nothing", "\n"));
        let (mounted, nothing) = (mounted.to_str().unwrap(), nothing.to_str().unwrap());
        let variable = ("SEMILAYER_RUNNER_ID", "variable");
        let unset = ("SEMILAYER_RUNNER_ID", "");
        let pointer = |path| ("SEMILAYER_RUNNER_ID_FILE", path);
        type Case<'c> =
            (Option<&'c str>, Vec<(&'c str, &'c str)>, Option<&'c Path>, Option<(&'c str, &'c str)>);
        let cases: Vec<Case<'_>> = vec![
            (Some("flag"), vec![variable], Some(&file), Some(("flag", "--id"))),
            (Some(""), vec![variable], Some(&file), Some(("variable", "SEMILAYER_RUNNER_ID"))),
            (None, vec![pointer(mounted)], Some(&file), Some(("mounted", "SEMILAYER_RUNNER_ID_FILE"))),
            (None, vec![unset, pointer(mounted)], None, Some(("mounted", "SEMILAYER_RUNNER_ID_FILE"))),
            (None, vec![pointer(nothing)], None, None),
            (None, vec![unset], Some(&file), Some(("file", "[runner] id in "))),
            (None, vec![unset], Some(&blank), None),
            (None, vec![], None, None),
        ];
        for (flag, variables, file, expected) in cases {
            let found = layers(&variables, file).text(flag, ID).unwrap();
            let found = found.map(|found| (found.value, found.origin.to_string()));
            match (&found, expected) {
                (None, None) => {}
                (Some((value, origin)), Some((wanted, from))) => {
                    assert!(value == wanted && origin.starts_with(from), "{found:?} {expected:?}");
                }
                _ => panic!("{found:?} {expected:?}"),
            }
        }
        let both = layers(&[variable, pointer(mounted)], None).text(None, ID);
        assert!(matches!(both, Err(ConfigError::BothForms { variable: "SEMILAYER_RUNNER_ID" })));
    }

    #[test]
    fn a_variable_that_is_not_text_is_named() {
        use std::os::unix::ffi::OsStringExt;
        let bytes = std::ffi::OsString::from_vec(vec![0xff]);
        let variables = Variables::new([("SEMILAYER_RUNNER_ID".into(), bytes)]);
        let error = Layers::read(Flags::default(), variables, &[]).unwrap_err();
        assert_eq!(error.to_string(), "SEMILAYER_RUNNER_ID is not UTF-8 text");
    }
}
