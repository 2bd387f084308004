//! The configuration file: `[runner]`, `[managed]`, `[sources.NAME]` and `[connectors.NAME]`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use connector_host::load::Entries;
use connector_model::nearest::suggestion;
use runner_engine::{FileSource, FileSources};
use secrecy::SecretString;
use toml::{Table, Value};

use super::connectors;
use super::error::ConfigError;
use super::layers::read_bounded;
use super::origin::Origin;

/// The file's name where nobody gives one.
pub const NAME: &str = "semilayer-runner.toml";
/// The largest file that is read.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// How deep a source's tables may be nested; keys have one dot.
const MAX_DEPTH: usize = 4;

const SECTIONS: [&str; 4] = ["connectors", "managed", "runner", "sources"];
pub(super) const RUNNER_KEYS: [&str; 14] = [
    "auth_attempts",
    "ca_file",
    "cache_dir",
    "client_cert",
    "client_key",
    "connectors_dir",
    "drain_seconds",
    "gateway",
    "id",
    "log",
    "log_format",
    "max_jobs",
    "token",
    "token_in",
];
const MANAGED_KEYS: [&str; 3] = ["allow_files", "allow_hosts", "enabled"];

/// What stands in the file. `Debug` shows keys only.
#[derive(Clone, Default)]
pub struct ConfigFile {
    /// The file, if there is one.
    pub path: Option<PathBuf>,
    /// The entries of `[runner]` as text.
    pub runner: BTreeMap<String, SecretString>,
    /// `[managed]`.
    pub managed: ManagedSection,
    /// `[sources.NAME]`.
    pub sources: FileSources,
    /// `[connectors.NAME]`.
    pub connectors: Entries,
}

/// `[managed]`: what configurations that come from the gateway may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManagedSection {
    /// Whether they are used at all.
    pub enabled: Option<bool>,
    /// The only hosts that they may name.
    pub allow_hosts: Option<Vec<String>>,
    /// The only files that they may name.
    pub allow_files: Option<Vec<String>>,
}

impl ConfigFile {
    /// The file that is named, else the first there is in `folders`, else nothing.
    ///
    /// # Errors
    /// A named file that is not there, and a file that cannot be read or understood.
    pub fn find(named: Option<&Path>, folders: &[PathBuf]) -> Result<Self, ConfigError> {
        if let Some(path) = named.filter(|path| !path.as_os_str().is_empty()) {
            return Self::read(path);
        }
        match folders.iter().map(|folder| folder.join(NAME)).find(|path| path.exists()) {
            Some(path) => Self::read(&path),
            None => Ok(ConfigFile::default()),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// One that cannot be read or understood.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let failed = |problem| ConfigError::File { path: path.to_owned(), problem };
        let text = read_bounded(path, MAX_BYTES).map_err(|error| failed(error.to_string()))?;
        let mut file = Self::parse(&text).map_err(failed)?;
        file.path = Some(path.to_owned());
        Ok(file)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|error| syntax(text, &error))?;
        let mut file = ConfigFile::default();
        for (section, value) in table {
            if !SECTIONS.contains(&section.as_str()) {
                return Err(format!(
                    "[{section}]: there is no such section{}",
                    suggestion(&section, SECTIONS)
                ));
            }
            let Value::Table(entries) = value else { return Err(format!("[{section}] must be a table")) };
            match section.as_str() {
                "runner" => file.runner = runner(entries)?,
                "managed" => file.managed = managed(entries)?,
                "connectors" => file.connectors = connectors::entries(entries)?,
                _ => file.sources = entries.into_iter().map(source).collect::<Result<_, _>>()?,
            }
        }
        Ok(file)
    }

    /// Where an entry of this file is.
    pub fn origin(&self, section: &str, key: &str) -> Origin {
        Origin::File { entry: format!("[{section}] {key}"), path: self.path.clone().unwrap_or_default() }
    }
}

/// A fault in the file's syntax. The library's own text would quote the line, which may hold a password.
fn syntax(text: &str, error: &toml::de::Error) -> String {
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {}", before.matches('\n').count() + 1, error.message()),
        None => error.message().to_owned(),
    }
}

fn known(section: &str, key: &str, keys: &[&str]) -> Result<(), String> {
    if keys.contains(&key) {
        return Ok(());
    }
    Err(format!("[{section}] {key}: there is no such key{}", suggestion(key, keys.iter().copied())))
}

fn runner(entries: Table) -> Result<BTreeMap<String, SecretString>, String> {
    let mut texts = BTreeMap::new();
    for (key, value) in entries {
        known("runner", &key, &RUNNER_KEYS)?;
        let text =
            scalar(&value).ok_or_else(|| format!("[runner] {key}: must be a text, a number or a boolean"))?;
        texts.insert(key, text.into());
    }
    Ok(texts)
}

fn managed(entries: Table) -> Result<ManagedSection, String> {
    let mut section = ManagedSection::default();
    for (key, value) in entries {
        known("managed", &key, &MANAGED_KEYS)?;
        match (key.as_str(), value) {
            ("enabled", Value::Boolean(enabled)) => section.enabled = Some(enabled),
            ("enabled", _) => return Err("[managed] enabled: must be true or false".to_owned()),
            ("allow_hosts", value) => section.allow_hosts = Some(texts(&key, value)?),
            (_, value) => section.allow_files = Some(texts(&key, value)?),
        }
    }
    Ok(section)
}

fn texts(key: &str, value: Value) -> Result<Vec<String>, String> {
    let not_a_list = || format!("[managed] {key}: must be a list of texts");
    let Value::Array(values) = value else { return Err(not_a_list()) };
    let text = |value| match value {
        Value::String(text) => Ok(text),
        _ => Err(not_a_list()),
    };
    values.into_iter().map(text).collect()
}

fn source((name, value): (String, Value)) -> Result<(String, FileSource), String> {
    let Value::Table(entries) = value else {
        return Err(format!("[sources.{name}] must be a table, such as [sources.{name}] with url = \"…\""));
    };
    let mut source = FileSource::default();
    flatten(&name, "", entries, 0, &mut source.entries)?;
    if let Some(driver) = source.entries.remove("driver") {
        use secrecy::ExposeSecret;
        source.driver = Some(driver.expose_secret().to_owned()).filter(|driver| !driver.is_empty());
    }
    Ok((name, source))
}

fn flatten(
    source: &str,
    prefix: &str,
    table: Table,
    depth: usize,
    entries: &mut BTreeMap<String, SecretString>,
) -> Result<(), String> {
    for (key, value) in table {
        let key = format!("{prefix}{key}");
        match value {
            Value::Table(nested) if depth < MAX_DEPTH => {
                flatten(source, &format!("{key}."), nested, depth + 1, entries)?;
            }
            value => {
                let text = scalar(&value).or_else(|| list(&value));
                let text = text.ok_or_else(|| {
                    format!(
                        "[sources.{source}] {key}: must be a text, a number, a boolean or a list of those"
                    )
                })?;
                entries.insert(key, text.into());
            }
        }
    }
    Ok(())
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn list(value: &Value) -> Option<String> {
    let Value::Array(values) = value else { return None };
    let texts: Option<Vec<String>> = values.iter().map(scalar).collect();
    texts.map(|texts| texts.join(","))
}

impl fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFile")
            .field("path", &self.path)
            .field("runner", &self.runner.keys())
            .field("managed", &self.managed)
            .field("sources", &self.sources)
            .field("connectors", &self.connectors)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn every_section_is_read() {
        let file = ConfigFile::parse(
            r#"
            [runner]
            id = "edge-1"
            max_jobs = 8
            [managed]
            enabled = true
            allow_hosts = ["*.corp.example"]
            [sources.primary-db]
            driver = "postgres"
            url = "postgres://x"
            pool.max = 5
            "#,
        )
        .unwrap();
        assert_eq!(file.runner["max_jobs"].expose_secret(), "8");
        assert_eq!(file.managed.allow_hosts.unwrap(), ["*.corp.example"]);
        let source = &file.sources["primary-db"];
        assert_eq!(source.driver.as_deref(), Some("postgres"));
        assert_eq!(source.entries["pool.max"].expose_secret(), "5");
    }

    #[test]
    fn what_is_not_known_is_refused_with_the_nearest_name() {
        for (text, error) in [
            ("[runer]\n", "[runer]: there is no such section; did you mean \"runner\"?"),
            ("[runner]\ngatway = \"x\"", "[runner] gatway: there is no such key; did you mean \"gateway\"?"),
            (
                "[managed]\nallow_host = []",
                "[managed] allow_host: there is no such key; did you mean \"allow_hosts\"",
            ),
            ("[managed]\nallow_hosts = \"a\"", "[managed] allow_hosts: must be a list of texts"),
            ("[sources]\nmain = \"url\"", "[sources.main] must be a table"),
        ] {
            let found = ConfigFile::parse(text).unwrap_err();
            assert!(found.starts_with(error), "{found}");
        }
    }

    #[test]
    fn a_syntax_error_names_the_line_and_never_quotes_it() {
        let error = ConfigFile::parse("[runner]\nid = \"a\"\ntoken = \"rk_hunter2\n").unwrap_err();
        assert!(error.starts_with("line 3: "), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_file_that_is_named_must_be_there_and_one_that_is_not_need_not() {
        let folder = tempfile::tempdir().unwrap();
        let folders = [folder.path().join("absent"), folder.path().to_owned()];
        assert!(ConfigFile::find(Some(&folder.path().join("x.toml")), &folders).is_err());
        assert_eq!(ConfigFile::find(None, &folders).unwrap().path, None);
        std::fs::write(folder.path().join(NAME), "[runner]\nid = \"a\"").unwrap();
        assert_eq!(ConfigFile::find(None, &folders).unwrap().path, Some(folder.path().join(NAME)));
    }
}
