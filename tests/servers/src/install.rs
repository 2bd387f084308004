//! Finding installed programs, and saying how to install those that are missing.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// Where Debian puts programs, for users and for daemons.
const DIRECTORIES: &[&str] = &["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin"];

/// Where Debian puts the programs of each PostgreSQL version, in `VERSION/bin`.
const POSTGRES_VERSIONS: &str = "/usr/lib/postgresql";

/// The path of an installed program.
pub(crate) fn program(name: &str, package: &str) -> Result<PathBuf> {
    let found =
        DIRECTORIES.iter().map(|directory| Path::new(directory).join(name)).find(|path| path.is_file());
    match found {
        Some(path) => Ok(path),
        None => bail!("{name} is not installed; install it with: apt-get install -y {package}"),
    }
}

/// The directory with the programs of the newest PostgreSQL server.
pub(crate) fn postgres_programs() -> Result<PathBuf> {
    let versions = std::fs::read_dir(POSTGRES_VERSIONS).into_iter().flatten().flatten();
    let newest = versions
        .map(|version| version.path())
        .filter(|path| path.join("bin/postgres").is_file() && path.join("bin/initdb").is_file())
        .max_by_key(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .and_then(|name| name.parse::<u32>().ok())
                .unwrap_or(0)
        });
    match newest {
        Some(path) => Ok(path.join("bin")),
        None => bail!("no PostgreSQL server is installed; install it with: apt-get install -y postgresql"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_says_how_to_install_it() {
        let error = program("no-such-server", "no-such-package").unwrap_err();
        assert_eq!(
            error.to_string(),
            "no-such-server is not installed; install it with: apt-get install -y no-such-package"
        );
    }
}
