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

/// The program where whoever runs the server may run it: a home is often closed to everybody else. A link where there can
/// be one, as the program has a hundred megabytes.
pub(super) fn reachable(program: &Path, directory: &ServerDirectory) -> Result<PathBuf> {
    let reachable = directory.path().join("tursodb");
    let everybody = fs::metadata(program)?.permissions().mode() & 0o005 == 0o005;
    if !everybody || fs::hard_link(program, &reachable).is_err() {
        fs::copy(program, &reachable).with_context(|| format!("copying {}", program.display()))?;
        fs::set_permissions(&reachable, fs::Permissions::from_mode(0o755))?;
    }
    Ok(reachable)
}
