//! Machine code on disk.
//!
//! What lies here is run as part of this process, so the folder must be this user's alone; one that is not is not used.
//! It is opened once, checked as it is open, and its files by what was opened too: what somebody puts in the place of a path
//! in the meantime is never seen.

use std::fs::{DirBuilder, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, mkdirat, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;
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
/// Of those, the ones to change what lies in a folder.
const OTHERS_WRITE: u32 = 0o022;
/// In a folder with this bit nobody removes or renames what is another user's (inode(7)).
const STICKY: u32 = 0o1000;

/// A folder with machine code that this user alone can change.
#[derive(Debug)]
pub(super) struct Cache {
    folder: OwnedFd,
    /// Where it was when it was opened, for people.
    shown: PathBuf,
}

impl Cache {
    /// The cache within `root`; made if it is not there.
    ///
    /// # Errors
    /// Why it cannot be used, for the operator.
    pub(super) fn open(root: &Path) -> Result<Cache, String> {
        let shown = root.join(FOLDER);
        let in_root = |error: io::Error| format!("{}: {error}", root.display());
        DirBuilder::new().recursive(true).mode(0o700).create(root).map_err(in_root)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root_folder = openat(CWD, root, flags, Mode::empty()).map_err(|error| in_root(error.into()))?;
        let found = fstat(&root_folder).map_err(|error| in_root(error.into()))?;
        if found.st_mode & OTHERS_WRITE != 0 && found.st_mode & STICKY == 0 {
            return Err(format!(
                "{} may be written to by other users, who could put another folder in this one's place; chmod go-w it, or name a folder within it",
                root.display()
            ));
        }
        let failed = |error: Errno| format!("{}: {error}", shown.display());
        match mkdirat(&root_folder, FOLDER, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(failed(error)),
        }
        let folder = match openat(&root_folder, FOLDER, flags | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(folder) => folder,
            Err(Errno::NOTDIR | Errno::LOOP) => return Err(format!("{} is no folder", shown.display())),
            Err(error) => return Err(failed(error)),
        };
        is_private(&fstat(&folder).map_err(failed)?).map_err(|problem| {
            format!("{} {problem}; its files are run as code, so chmod 700 it or remove it", shown.display())
        })?;
        let cache = Cache { folder, shown };
        cache.try_writing().map_err(|error| format!("{}: {error}", cache.shown.display()))?;
        Ok(cache)
    }

    /// A folder on a file system that is read-only is of no use.
    fn try_writing(&self) -> io::Result<()> {
        let name = format!(".{}.try", std::process::id());
        drop(self.create(&name)?);
        Ok(unlinkat(&self.folder, &name, AtFlags::empty())?)
    }

    /// A file that was not there, for writing.
    fn create(&self, name: &str) -> io::Result<File> {
        // Left by a process that had this number before.
        let _absent = unlinkat(&self.folder, name, AtFlags::empty());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(openat(&self.folder, name, flags, Mode::RUSR | Mode::WUSR)?))
    }

    /// A module's machine code, if there is some. The file that is open is the one that was checked.
    pub(super) fn find(&self, digest: Digest, engine: &Engine) -> Option<File> {
        let name = name(digest, engine);
        // Opening a pipe would wait for its writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let refused = || {
            let file = self.shown.join(&name);
            tracing::warn!(target: super::modules::TARGET, file = %file.display(), "not this user's alone, and not used");
        };
        let file = match openat(&self.folder, &name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return None,
            Err(_) => {
                refused();
                return None;
            }
        };
        let is_usable = fstat(&file).is_ok_and(|found| {
            FileType::from_raw_mode(found.st_mode) == FileType::RegularFile && is_private(&found).is_ok()
        });
        if !is_usable {
            refused();
            return None;
        }
        let file = File::from(file);
        // Says that it was used; the oldest are removed first. Where that fails it is removed early, and made again.
        let _marked = file.set_modified(SystemTime::now());
        Some(file)
    }

    /// A file for a module's machine code. It is no one's until it is [kept](Self::keep), and gone when it is not.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn begin(self: &Arc<Self>, digest: Digest, engine: &Engine) -> io::Result<Unfinished> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = name(digest, engine);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let unfinished = format!("{name}.{}-{number}.part", std::process::id());
        let file = self.create(&unfinished)?;
        Ok(Unfinished { cache: Arc::clone(self), file, unfinished, name })
    }

    /// Keeps what was written. Readers see it whole or not at all.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn keep(&self, code: &Unfinished) -> io::Result<()> {
        // A machine that loses its power must not find half of it under the final name.
        code.file.sync_all()?;
        renameat(&self.folder, &code.unfinished, &self.folder, &code.name)?;
        self.prune();
        Ok(())
    }

    /// Removes machine code that turned out to be of no use.
    pub(super) fn remove(&self, digest: Digest, engine: &Engine) {
        self.unlink(&name(digest, engine));
    }

    fn unlink(&self, name: &str) {
        if let Err(error) = unlinkat(&self.folder, name, AtFlags::empty()) {
            tracing::debug!(target: super::modules::TARGET, %error, "a cached file could not be removed");
        }
    }

    /// Removes what was not used for the longest time. A file that another process has mapped stays readable to it.
    fn prune(&self) {
        let Ok(entries) = Dir::read_from(&self.folder) else { return };
        let mut files: Vec<(i64, u64, String)> = entries
            .filter_map(|entry| {
                let name = entry.ok()?.file_name().to_str().ok()?.to_owned();
                let found = statat(&self.folder, &name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
                let is_folder = FileType::from_raw_mode(found.st_mode) == FileType::Directory;
                (!is_folder).then_some((found.st_mtime, found.st_mtime_nsec, name))
            })
            .collect();
        files.sort();
        let excess = files.len().saturating_sub(MAX_FILES);
        files.iter().take(excess).for_each(|(_, _, name)| self.unlink(name));
    }
}

/// Machine code that is being made. The file is removed with this, unless it was kept.
#[derive(Debug)]
pub(super) struct Unfinished {
    cache: Arc<Cache>,
    pub(super) file: File,
    unfinished: String,
    name: String,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _kept = unlinkat(&self.cache.folder, &self.unfinished, AtFlags::empty());
    }
}

/// What was compiled for another processor, version or configuration has another name.
fn name(digest: Digest, engine: &Engine) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{digest}-{:016x}.{SUFFIX}", hasher.finish())
}

fn is_private(found: &Stat) -> Result<(), &'static str> {
    if found.st_uid != geteuid().as_raw() {
        return Err("belongs to another user");
    }
    if found.st_mode & OTHERS != 0 {
        return Err("is open to other users");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// What is found, read to its end.
    fn found(cache: &Cache, digest: Digest, engine: &Engine) -> Option<String> {
        let mut text = String::new();
        cache.find(digest, engine)?.read_to_string(&mut text).unwrap();
        Some(text)
    }

    fn store(cache: &Arc<Cache>, digest: Digest, engine: &Engine, code: &str) {
        let unfinished = cache.begin(digest, engine).unwrap();
        (&unfinished.file).write_all(code.as_bytes()).unwrap();
        assert_eq!(found(cache, digest, engine), None, "not before it is whole");
        cache.keep(&unfinished).unwrap();
    }

    fn open(root: &Path) -> Result<Arc<Cache>, String> {
        Cache::open(root).map(Arc::new)
    }

    #[test]
    fn what_is_stored_is_found_and_nobody_else_can_read_it() {
        let root = tempfile::tempdir().unwrap();
        let cache = open(&root.path().join("new")).unwrap();
        let engine = Engine::default();
        let digest = Digest::of(b"module");
        assert_eq!(found(&cache, digest, &engine), None);
        store(&cache, digest, &engine, "code");
        assert_eq!(found(&cache, digest, &engine).as_deref(), Some("code"));
        let path = cache.shown.join(name(digest, &engine));
        assert_eq!((mode(&cache.shown), mode(&path)), (0o700, 0o600));
        assert_eq!(found(&cache, Digest::of(b"other"), &engine), None);
        let mut other = wasmtime::Config::new();
        other.epoch_interruption(true);
        assert_eq!(found(&cache, digest, &Engine::new(&other).unwrap()), None, "compiled otherwise");
        let left: Vec<_> = fs::read_dir(&cache.shown).unwrap().collect();
        assert_eq!(left.len(), 1, "no unfinished file stays");
        drop(cache.begin(Digest::of(b"other"), &engine).unwrap());
        assert_eq!(fs::read_dir(&cache.shown).unwrap().count(), 1, "nor one that came to nothing");
    }

    #[test]
    fn a_folder_or_file_that_others_can_change_is_not_used() {
        let root = tempfile::tempdir().unwrap();
        let cache = open(root.path()).unwrap();
        let (engine, digest) = (Engine::default(), Digest::of(b"module"));
        let path = cache.shown.join(name(digest, &engine));
        store(&cache, digest, &engine, "code");
        fs::set_permissions(&path, PermissionsExt::from_mode(0o620)).unwrap();
        assert_eq!(found(&cache, digest, &engine), None);
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
        assert_eq!(found(&cache, digest, &engine), None);
        fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert_eq!(found(&cache, digest, &engine), None, "and nobody waits for a pipe's writer");

        fs::set_permissions(&cache.shown, PermissionsExt::from_mode(0o770)).unwrap();
        let problem = open(root.path()).unwrap_err();
        assert!(problem.contains("open to other users") && problem.contains("chmod 700"), "{problem}");
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(root.path(), elsewhere.path().join(FOLDER)).unwrap();
        assert!(open(elsewhere.path()).unwrap_err().contains("no folder"));
        assert!(open(Path::new("/proc/semilayer")).is_err());
    }

    #[test]
    fn a_folder_within_one_where_others_may_rename_it_is_not_used() {
        let root = tempfile::tempdir().unwrap();
        for (mode, is_used) in [(0o777, false), (0o720, false), (0o1777, true), (0o755, true)] {
            fs::set_permissions(root.path(), PermissionsExt::from_mode(mode)).unwrap();
            match open(root.path()) {
                Ok(_) => assert!(is_used, "{mode:o}"),
                Err(problem) => assert!(!is_used && problem.contains("chmod go-w"), "{mode:o}: {problem}"),
            }
        }
    }

    #[test]
    fn what_is_put_in_the_place_of_the_folder_or_of_an_open_file_is_never_read() {
        let root = tempfile::tempdir().unwrap();
        let cache = open(root.path()).unwrap();
        let (engine, digest) = (Engine::default(), Digest::of(b"module"));
        store(&cache, digest, &engine, "code");
        let mut open = cache.find(digest, &engine).unwrap();
        fs::rename(&cache.shown, root.path().join("aside")).unwrap();
        fs::create_dir(&cache.shown).unwrap();
        fs::write(cache.shown.join(name(digest, &engine)), b"evil").unwrap();
        let mut text = String::new();
        open.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), found(&cache, digest, &engine).as_deref()), ("code", Some("code")));
        store(&cache, Digest::of(b"next"), &engine, "next");
        assert_eq!(fs::read_dir(&cache.shown).unwrap().count(), 1, "nothing is written there either");
    }

    #[test]
    fn the_files_that_were_not_used_for_the_longest_time_go_first() {
        let root = tempfile::tempdir().unwrap();
        let cache = open(root.path()).unwrap();
        let engine = Engine::default();
        let digest = |n: usize| Digest::of(&n.to_le_bytes());
        for n in 0..MAX_FILES {
            store(&cache, digest(n), &engine, "code");
            let age = std::time::Duration::from_secs(3_600 - n as u64);
            let path = cache.shown.join(name(digest(n), &engine));
            File::open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
        }
        assert!(cache.find(digest(0), &engine).is_some(), "used again");
        store(&cache, digest(MAX_FILES), &engine, "code");
        let kept = |n| cache.find(digest(n), &engine).is_some();
        assert!(kept(0) && !kept(1) && kept(2) && kept(MAX_FILES));
    }
}
