//! Machine code on disk.
//!
//! What lies here is run as part of this process, so the folder must be this user's alone; one that is not is not used.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::process::geteuid;
use wasmtime::Engine;

use crate::module::Digest;

/// The folder within the one that is configured: a mounted volume is rarely private itself.
const FOLDER: &str = "modules";
/// What machine code's files end with.
const SUFFIX: &str = "cwasm";
/// Files that are kept; those that were not used for the longest time go first.
const MAX_FILES: usize = 128;
/// The permissions of everybody else.
const OTHERS: u32 = 0o077;

/// A folder with machine code that this user alone can change.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache within `root`; made if it is not there.
    ///
    /// # Errors
    /// Why it cannot be used, for the operator.
    pub(super) fn open(root: &Path) -> Result<Cache, String> {
        let folder = root.join(FOLDER);
        let failed = |error: io::Error| format!("{}: {error}", folder.display());
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        let found = fs::symlink_metadata(&folder).map_err(failed)?;
        if !found.is_dir() {
            return Err(format!("{} is no folder", folder.display()));
        }
        is_private(&found).map_err(|problem| {
            format!("{} {problem}; its files are run as code, so chmod 700 it or remove it", folder.display())
        })?;
        let cache = Cache { folder };
        cache.try_writing().map_err(|error| format!("{}: {error}", cache.folder.display()))?;
        Ok(cache)
    }

    /// A folder on a file system that is read-only is of no use.
    fn try_writing(&self) -> io::Result<()> {
        let path = self.folder.join(format!(".{}.try", std::process::id()));
        File::create(&path)?;
        fs::remove_file(&path)
    }

    /// The file of a module's machine code, if there is one.
    pub(super) fn find(&self, digest: Digest, engine: &Engine) -> Option<PathBuf> {
        let path = self.path(digest, engine);
        let found = fs::symlink_metadata(&path).ok()?;
        if !found.is_file() || is_private(&found).is_err() {
            tracing::warn!(target: super::modules::TARGET, file = %path.display(), "not this user's alone, and not used");
            return None;
        }
        // Says that it was used; the oldest are removed first. Where that fails it is removed early, and made again.
        let _marked = File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(path)
    }

    /// Keeps a module's machine code. Readers see it whole or not at all.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn store(&self, digest: Digest, engine: &Engine, code: &[u8]) -> io::Result<PathBuf> {
        let path = self.path(digest, engine);
        let unfinished = path.with_extension(format!("{}.part", std::process::id()));
        let written = (|| {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
            file.write_all(code)?;
            // A machine that loses its power must not find half of it under the final name.
            file.sync_all()?;
            fs::rename(&unfinished, &path)
        })();
        if let Err(error) = written {
            let _removed = fs::remove_file(&unfinished);
            return Err(error);
        }
        self.prune();
        Ok(path)
    }

    /// Removes a file that turned out to be of no use.
    pub(super) fn remove(&self, path: &Path) {
        if let Err(error) = fs::remove_file(path) {
            tracing::debug!(target: super::modules::TARGET, %error, "a cached file could not be removed");
        }
    }

    /// What was compiled for another processor, version or configuration has another name.
    fn path(&self, digest: Digest, engine: &Engine) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        self.folder.join(format!("{digest}-{:016x}.{SUFFIX}", hasher.finish()))
    }

    /// Removes what was not used for the longest time. A file that another process has mapped stays readable to it.
    fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let mut files: Vec<(SystemTime, PathBuf)> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
            })
            .collect();
        files.sort();
        let excess = files.len().saturating_sub(MAX_FILES);
        files.iter().take(excess).for_each(|(_, path)| self.remove(path));
    }
}

fn is_private(found: &Metadata) -> Result<(), &'static str> {
    if found.uid() != geteuid().as_raw() {
        return Err("belongs to another user");
    }
    if found.mode() & OTHERS != 0 {
        return Err("is open to other users");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_stored_is_found_and_nobody_else_can_read_it() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::open(&root.path().join("new")).unwrap();
        let engine = Engine::default();
        let digest = Digest::of(b"module");
        assert_eq!(cache.find(digest, &engine), None);
        let path = cache.store(digest, &engine, b"code").unwrap();
        assert_eq!(cache.find(digest, &engine), Some(path.clone()));
        assert_eq!((mode(&cache.folder), mode(&path)), (0o700, 0o600));
        assert_eq!(cache.find(Digest::of(b"other"), &engine), None);
        let mut other = wasmtime::Config::new();
        other.epoch_interruption(true);
        assert_eq!(cache.find(digest, &Engine::new(&other).unwrap()), None, "compiled otherwise");
        let left: Vec<_> = fs::read_dir(&cache.folder).unwrap().collect();
        assert_eq!(left.len(), 1, "no unfinished file stays");
    }

    #[test]
    fn a_folder_or_file_that_others_can_change_is_not_used() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::open(root.path()).unwrap();
        let (engine, digest) = (Engine::default(), Digest::of(b"module"));
        let path = cache.store(digest, &engine, b"code").unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o620)).unwrap();
        assert_eq!(cache.find(digest, &engine), None);
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
        assert_eq!(cache.find(digest, &engine), None);

        fs::set_permissions(&cache.folder, PermissionsExt::from_mode(0o770)).unwrap();
        let problem = Cache::open(root.path()).unwrap_err();
        assert!(problem.contains("open to other users") && problem.contains("chmod 700"), "{problem}");
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(root.path(), elsewhere.path().join(FOLDER)).unwrap();
        assert!(Cache::open(elsewhere.path()).is_err());
        assert!(Cache::open(Path::new("/proc/semilayer")).is_err());
    }

    #[test]
    fn the_files_that_were_not_used_for_the_longest_time_go_first() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::open(root.path()).unwrap();
        let engine = Engine::default();
        let digest = |n: usize| Digest::of(&n.to_le_bytes());
        for n in 0..MAX_FILES {
            let path = cache.store(digest(n), &engine, b"code").unwrap();
            let age = std::time::Duration::from_secs(3_600 - n as u64);
            File::open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
        }
        assert!(cache.find(digest(0), &engine).is_some(), "used again");
        cache.store(digest(MAX_FILES), &engine, b"code").unwrap();
        let kept = |n| cache.find(digest(n), &engine).is_some();
        assert!(kept(0) && !kept(1) && kept(2) && kept(MAX_FILES));
    }
}
