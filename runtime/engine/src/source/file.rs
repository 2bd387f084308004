//! The sources of the configuration file.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;

/// The `[sources.NAME]` tables, by name as written.
pub type FileSources = BTreeMap<String, FileSource>;

/// Reads the file's sources again; `None` when it cannot be read or understood, which the reader has said then. May block.
pub type FileReader = Arc<dyn Fn() -> Option<FileSources> + Send + Sync>;

/// One source in the file.
#[derive(Clone, Default)]
pub struct FileSource {
    /// The bridge name under `driver`, if there is one.
    pub driver: Option<String>,
    /// Every other entry as text; nested tables are dotted keys.
    pub entries: BTreeMap<String, SecretString>,
}

impl fmt::Debug for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSource")
            .field("driver", &self.driver)
            .field("keys", &self.entries.keys())
            .finish()
    }
}
