//! Finding `tursodb`, which comes in an npm package.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::ServerDirectory;

/// Where npm puts packages, below a user's home.
const PREFIX: &str = ".cache/semilayer/npm/node_modules";
/// Where it puts those that are installed for everybody.
const GLOBAL: &str = "/usr/local/lib/node_modules";
/// The packages with the program, one a processor.
const PACKAGES: [&str; 2] = ["@tursodatabase/cli-linux-x64-gnu", "@tursodatabase/cli-linux-arm64-gnu"];

/// The installed program.
pub(super) fn tursodb() -> Result<PathBuf> {
    let home = std::env::home_dir().map(|home| home.join(PREFIX));
    let folders = home.into_iter().chain([PathBuf::from(GLOBAL)]);
    let mut programs =
        folders.flat_map(|folder| PACKAGES.map(|package| folder.join(package).join("tursodb")));
    match programs.find(|program| program.is_file()) {
        Some(program) => Ok(program),
        None => bail!(
            "tursodb is not installed; install it with: \
             npm install --prefix \"$HOME/.cache/semilayer/npm\" turso@0.6.0"
        ),
    }
}

/// A copy that whoever runs the server may run: a home is often closed to everybody else.
pub(super) fn copy(program: &Path, directory: &ServerDirectory) -> Result<PathBuf> {
    let copied = directory.path().join("tursodb");
    fs::copy(program, &copied).with_context(|| format!("copying {}", program.display()))?;
    fs::set_permissions(&copied, fs::Permissions::from_mode(0o755))?;
    Ok(copied)
}
