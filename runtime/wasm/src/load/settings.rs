//! What loading is told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use connector_model::manifest::{short_name, spoken_name};

use super::compile::Compiler;
use crate::module::{ModulePolicy, PolicyOf};

/// Where modules are and what the operator says of them.
#[derive(Debug, Clone)]
pub struct LoadSettings {
    /// The folder whose `.wasm` files are loaded.
    pub folder: Option<PathBuf>,
    /// Where machine code is kept between starts.
    pub cache: Option<PathBuf>,
    /// What the operator says of single modules.
    pub entries: Entries,
    /// Bridge names that no module may have.
    pub claims: Vec<Claim>,
    /// What makes machine code of a component.
    pub compiler: Compiler,
}

/// What the operator says of modules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    /// Of single ones by name: a bridge name, full (`@acme/bridge-inventory`) or as short as one says it (`inventory`).
    pub modules: BTreeMap<String, ModuleEntry>,
    /// Whether a module that no entry pins is refused.
    pub require_pins: bool,
}

/// What the operator says of one module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModuleEntry {
    /// Its file, within the folder unless it is absolute; where there is none, whichever file has its bridge name.
    pub file: Option<PathBuf>,
    /// What it may do.
    pub policy: ModulePolicy,
}

/// A bridge name that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The short name.
    pub name: String,
    /// Who has it, for a person.
    pub owner: String,
}

impl From<BTreeMap<String, ModuleEntry>> for Entries {
    fn from(modules: BTreeMap<String, ModuleEntry>) -> Entries {
        Entries { modules, require_pins: false }
    }
}

impl Entries {
    /// The files that are named, by the names of their entries.
    pub(super) fn files<'e>(
        &'e self,
        folder: Option<&'e Path>,
    ) -> impl Iterator<Item = (&'e str, PathBuf)> + 'e {
        let within = move |file: &Path| folder.unwrap_or(Path::new("")).join(file);
        let named = self.modules.iter();
        named.filter_map(move |(name, entry)| Some((name.as_str(), within(entry.file.as_deref()?))))
    }

    /// What the operator says of the file at `path`.
    pub(super) fn of(&self, folder: Option<&Path>, path: &Path) -> FilePolicy {
        let by_file = self.files(folder).find(|(_, file)| file == path).map(|(name, _)| name);
        let of_file = by_file.and_then(|name| self.modules.get(name));
        FilePolicy { of_file: of_file.map(|entry| self.policy(Some(entry))), entries: self.clone() }
    }

    fn policy(&self, entry: Option<&ModuleEntry>) -> ModulePolicy {
        let policy = entry.map(|entry| entry.policy.clone()).unwrap_or_default();
        ModulePolicy { require_pin: self.require_pins, ..policy }
    }

    /// The entries that speak of no file and of none of these bridges.
    pub(super) fn unused<'e>(&'e self, bridges: &'e [String]) -> impl Iterator<Item = &'e str> + 'e {
        let is_unused = |name: &str| !bridges.iter().any(|bridge| spellings(bridge).contains(&name));
        self.modules
            .iter()
            .filter(move |(name, entry)| entry.file.is_none() && is_unused(name))
            .map(|(name, _)| name.as_str())
    }
}

/// What the operator says of one file: under its own name, else under its bridge's. So a pin guards the bridge name too, in
/// whatever file somebody claims it.
#[derive(Debug, Clone)]
pub(super) struct FilePolicy {
    of_file: Option<ModulePolicy>,
    entries: Entries,
}

impl FilePolicy {
    /// The policy of the file when it serves `bridge`.
    pub(super) fn for_bridge(&self, bridge: &str) -> ModulePolicy {
        let by_name = || spellings(bridge).into_iter().find_map(|name| self.entries.modules.get(name));
        self.of_file.clone().unwrap_or_else(|| self.entries.policy(by_name()))
    }
}

impl PolicyOf for FilePolicy {
    fn of_file(&self) -> Option<ModulePolicy> {
        self.of_file.clone()
    }

    fn of_bridge(self, bridge: &str) -> ModulePolicy {
        self.for_bridge(bridge)
    }
}

/// What an operator may call a bridge, the longest first.
fn spellings(bridge: &str) -> [&str; 3] {
    [bridge, short_name(bridge), spoken_name(bridge)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_speaks_of_its_file_or_of_its_bridge_in_any_file() {
        let entry = |file: Option<&str>, max_sessions| ModuleEntry {
            file: file.map(PathBuf::from),
            policy: ModulePolicy { max_sessions, ..ModulePolicy::default() },
        };
        let mut entries = Entries::from(BTreeMap::from([
            ("inventory".to_owned(), entry(None, 1)),
            ("@acme/bridge-tape".to_owned(), entry(None, 2)),
            ("redis".to_owned(), entry(Some("cache.wasm"), 3)),
            ("far".to_owned(), entry(Some("/elsewhere/far.wasm"), 4)),
        ]));
        let folder = Some(Path::new("/connectors"));
        let sessions =
            |path: &str, bridge: &str| entries.of(folder, Path::new(path)).for_bridge(bridge).max_sessions;
        assert_eq!(sessions("/connectors/x.wasm", "@acme/bridge-inventory"), 1);
        assert_eq!(sessions("/connectors/x.wasm", "@acme/bridge-tape"), 2);
        assert_eq!(sessions("/connectors/cache.wasm", "@acme/bridge-tape"), 3, "the file goes first");
        assert_eq!(sessions("/connectors/x.wasm", "@semilayer/bridge-redis"), 3, "the pin guards the name");
        assert_eq!(sessions("/elsewhere/far.wasm", "@acme/bridge-other"), 4);
        assert_eq!(sessions("/connectors/inventory.wasm", "@acme/bridge-other"), 16);
        let served = ["@acme/bridge-tape".to_owned()];
        assert_eq!(entries.unused(&served).collect::<Vec<_>>(), ["inventory"]);

        let of = |path: &str| entries.of(folder, Path::new(path)).of_file().map(|policy| policy.max_sessions);
        assert_eq!((of("/connectors/cache.wasm"), of("/connectors/x.wasm")), (Some(3), None));
        entries.require_pins = true;
        let unpinned =
            |path: &str| entries.of(folder, Path::new(path)).for_bridge("@acme/bridge-x").require_pin;
        assert!(
            unpinned("/connectors/cache.wasm") && unpinned("/connectors/x.wasm"),
            "with an entry and without"
        );
    }
}
