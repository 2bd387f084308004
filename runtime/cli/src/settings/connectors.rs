//! Where connector modules are, and what the operator says of them: `[connectors.NAME]`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use connector_host::load::{Claim, Compiler, Entries, LoadSettings, ModuleEntry};
use connector_host::module::{Digest, SigningKey};
use connector_model::nearest::suggestion;
use dial::AllowRule;
use toml::{Table, Value};

use super::error::ConfigError;
use super::layers::{Layers, Names};
use super::origin::Setting;

const FOLDER: Names =
    Names { flag: "--connectors-dir", variable: "SEMILAYER_CONNECTORS_DIR", key: "connectors_dir" };
const CACHE: Names = Names { flag: "", variable: "SEMILAYER_CACHE_DIR", key: "cache_dir" };

/// Where modules are when nobody says, if it is there.
const DEFAULT_FOLDER: &str = "/connectors";

const KEYS: [&str; 7] =
    ["allow_hosts", "file", "max_sessions", "memory", "running_ms_per_call", "sha256", "signature"];

/// Where connector modules are, and what the operator says of them.
#[derive(Debug, Clone)]
pub struct ModuleSettings {
    /// The folder with modules, if there is one.
    pub folder: Option<PathBuf>,
    /// Where machine code is kept between starts.
    pub cache: Option<PathBuf>,
    /// What the operator says of single modules.
    pub entries: Entries,
    /// What makes machine code of them. A program that is not the runner's own has no process for it.
    pub compiler: Compiler,
}

impl ModuleSettings {
    /// Takes them from the layers.
    ///
    /// # Errors
    /// A folder that was named and is not there.
    pub fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let flag = layers.flags.connectors_dir.as_deref();
        let named = layers.text(flag, FOLDER)?;
        let folder = match named {
            Some(Setting { value, origin }) => {
                let folder = PathBuf::from(value);
                if !folder.is_dir() {
                    let problem = format!("{} is no folder", folder.display());
                    return Err(ConfigError::Invalid { origin, problem });
                }
                Some(folder)
            }
            None => Some(PathBuf::from(DEFAULT_FOLDER)).filter(|folder| folder.is_dir()),
        };
        Ok(ModuleSettings {
            folder,
            cache: layers.text(None, CACHE)?.map(|cache| PathBuf::from(cache.value)),
            entries: layers.file.connectors.clone(),
            compiler: Compiler::Here,
        })
    }

    /// Whether there may be any module at all.
    pub fn are_any(&self) -> bool {
        self.folder.is_some() || !self.entries.modules.is_empty()
    }

    /// What the host is told. `claims` are the names that no module may have.
    pub fn load(&self, claims: Vec<Claim>) -> LoadSettings {
        LoadSettings {
            folder: self.folder.clone(),
            cache: self.cache.clone(),
            entries: self.entries.clone(),
            claims,
            compiler: self.compiler.clone(),
        }
    }
}

/// The key of `[connectors]` itself; every other one is a module's table.
const REQUIRE_PINS: &str = "require_pins";

/// `[connectors]`: whether modules have to be pinned, and the tables of single ones.
pub(super) fn entries(mut tables: Table) -> Result<Entries, String> {
    let require_pins = match tables.remove(REQUIRE_PINS) {
        None => false,
        Some(Value::Boolean(flag)) => flag,
        // A module may be called so, too.
        Some(table @ Value::Table(_)) => {
            tables.insert(REQUIRE_PINS.to_owned(), table);
            false
        }
        Some(_) => return Err(format!("[connectors] {REQUIRE_PINS}: must be true or false")),
    };
    let modules = tables.into_iter().map(entry).collect::<Result<BTreeMap<_, _>, _>>()?;
    Ok(Entries { modules, require_pins })
}

fn entry((name, value): (String, Value)) -> Result<(String, ModuleEntry), String> {
    let Value::Table(keys) = value else {
        return Err(format!(
            "[connectors.{name}] must be a table, such as [connectors.{name}] with sha256 = \"…\"{}",
            suggestion(&name, [REQUIRE_PINS])
        ));
    };
    let mut entry = ModuleEntry::default();
    for (key, value) in keys {
        if !KEYS.contains(&key.as_str()) {
            return Err(format!("[connectors.{name}] {key}: there is no such key{}", suggestion(&key, KEYS)));
        }
        put(&mut entry, &key, value).map_err(|problem| format!("[connectors.{name}] {key}: {problem}"))?;
    }
    Ok((name, entry))
}

fn put(entry: &mut ModuleEntry, key: &str, value: Value) -> Result<(), String> {
    let policy = &mut entry.policy;
    match (key, value) {
        ("file", Value::String(file)) if !file.is_empty() => entry.file = Some(PathBuf::from(file)),
        ("sha256", Value::String(text)) => {
            policy.sha256 = Some(text.parse::<Digest>().map_err(|problem| problem.to_string())?);
        }
        ("signature", Value::String(text)) => {
            policy.signature = Some(text.parse::<SigningKey>().map_err(|problem| problem.to_string())?);
        }
        ("allow_hosts", Value::Array(rules)) => {
            let rule = |value: Value| match value {
                Value::String(text) => text.parse::<AllowRule>().map_err(|problem| problem.to_string()),
                _ => Err("must be a list of texts, such as \"db.internal:9000\"".to_owned()),
            };
            policy.allow_hosts = rules.into_iter().map(rule).collect::<Result<_, _>>()?;
        }
        ("memory", Value::String(text)) => policy.set_memory(&text).map_err(|problem| problem.to_string())?,
        ("running_ms_per_call", Value::Integer(millis)) => {
            policy.set_running_ms(millis).map_err(|problem| problem.to_string())?;
        }
        ("max_sessions", Value::Integer(sessions)) => {
            policy.set_max_sessions(sessions).map_err(|problem| problem.to_string())?;
        }
        ("allow_hosts", _) => return Err("must be a list of texts".to_owned()),
        ("running_ms_per_call" | "max_sessions", _) => return Err("must be a whole number".to_owned()),
        _ => return Err("must be a text".to_owned()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(text: &str) -> Result<Entries, String> {
        entries(text.parse::<Table>().unwrap())
    }

    #[test]
    fn every_key_is_read() {
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let key = "minisign:RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
        let text = format!(
            r#"
            [acme]
            file = "acme-2.wasm"
            sha256 = "{digest}"
            signature = "{key}"
            allow_hosts = ["db.acme.internal:9000", "10.0.0.0/8"]
            memory = "64MiB"
            running_ms_per_call = 2_000
            max_sessions = 4
            ["@acme/bridge-tape"]
            max_sessions = 2
            "#
        );
        let entries = read(&text).unwrap();
        let ModuleEntry { file, policy } = &entries.modules["acme"];
        assert_eq!(file.as_deref(), Some("acme-2.wasm".as_ref()));
        assert_eq!(policy.sha256.unwrap().to_string(), digest);
        assert_eq!(policy.signature.as_ref().unwrap().to_string(), key);
        assert_eq!((policy.allow_hosts.len(), policy.memory, policy.max_sessions), (2, 64 << 20, 4));
        assert_eq!(policy.running, Duration::from_secs(2));
        assert_eq!(entries.modules["@acme/bridge-tape"].policy.max_sessions, 2);
        assert!(!entries.require_pins);
        assert_eq!(
            read("require_pins = true").unwrap(),
            Entries { require_pins: true, ..Entries::default() }
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, expected) in [
            ("a = 1", "[connectors.a] must be a table"),
            ("require_pins = \"yes\"", "[connectors] require_pins: must be true or false"),
            ("[a]\nsha265 = \"x\"", "[connectors.a] sha265: there is no such key; did you mean \"sha256\"?"),
            ("[a]\nsha256 = \"abc\"", "[connectors.a] sha256: must be a SHA-256"),
            ("[a]\nsignature = \"abc\"", "[connectors.a] signature: must be a minisign public key"),
            ("[a]\nallow_hosts = \"x\"", "[connectors.a] allow_hosts: must be a list of texts"),
            ("[a]\nallow_hosts = [\"a b\"]", "[connectors.a] allow_hosts: `a b`"),
            ("[a]\nmemory = 128", "[connectors.a] memory: must be a text"),
            ("[a]\nmemory = \"lots\"", "[connectors.a] memory: must be a size"),
            ("[a]\nmax_sessions = \"4\"", "[connectors.a] max_sessions: must be a whole number"),
            (
                "[a]\nrunning_ms_per_call = 1",
                "[connectors.a] running_ms_per_call: must be a whole number from",
            ),
            ("[a]\nfile = \"\"", "[connectors.a] file: must be a text"),
        ] {
            let found = read(text).unwrap_err();
            assert!(found.starts_with(expected), "{found}");
        }
    }
}
