//! The directory a server works in.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::launch::UNPRIVILEGED;

/// Where the directories are made: a path that an unprivileged user may walk, and short enough for Unix
/// sockets, whose paths are limited to 107 bytes (unix(7)).
const PARENT: &str = "/tmp";

/// A temporary directory that belongs to the user servers run as, and to nobody else. It is removed when
/// dropped.
#[derive(Debug)]
pub struct ServerDirectory(TempDir);

impl ServerDirectory {
    /// Makes a directory whose name begins with `prefix`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(prefix: &str) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix(&format!("{prefix}-"))
            .tempdir_in(PARENT)
            .with_context(|| format!("making a directory in {PARENT}"))?;
        give(directory.path())?;
        Ok(Self(directory))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file that only the server's user (and root) may read.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.path().join(name);
        fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        give(&path)?;
        Ok(path)
    }
}

fn give(path: &Path) -> Result<()> {
    if rustix::process::geteuid().is_root() {
        chown(path, Some(UNPRIVILEGED), Some(UNPRIVILEGED))
            .with_context(|| format!("changing the owner of {}", path.display()))?;
    }
    Ok(())
}
