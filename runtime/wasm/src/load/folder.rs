//! Which files there are, and when one of them is another.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::settings::LoadSettings;
use crate::module::{MAX_MODULE_BYTES, Refused, SIGNATURE_SUFFIX};

/// What a module's file ends with.
const SUFFIX: &str = "wasm";
/// The most modules that are loaded: each keeps its machine code in memory.
const MAX_MODULES: usize = 64;
/// A signature has four lines.
const MAX_SIGNATURE_BYTES: u64 = 8 * 1024;

/// A file that may be a module.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// What the operator calls it, else the file's name without its ending.
    pub(super) name: String,
    /// The file.
    pub(super) path: PathBuf,
}

/// What tells a file from the one that was there before, without reading it. A signature beside it counts too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Fingerprint(Vec<(u64, u64, u64, i64, i64)>);

/// Everything that is to be loaded, by name: what the operator named, and every other `.wasm` file of the folder. Where there
/// is too much, the files at the paths that are `served` go first.
///
/// # Errors
/// The folder cannot be listed.
pub(super) fn candidates(settings: &LoadSettings, served: &BTreeSet<PathBuf>) -> io::Result<Vec<Candidate>> {
    let folder = settings.folder.as_deref();
    let named = settings.entries.files(folder).map(|(name, path)| (path, name.to_owned()));
    let mut found: BTreeMap<PathBuf, String> = named.collect();
    for path in folder.map(list).transpose()?.unwrap_or_default() {
        let Some(name) = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned) else {
            tracing::warn!(target: super::modules::TARGET, file = %path.display(), "a file whose name is no UTF-8 text is left out");
            continue;
        };
        found.entry(path).or_insert(name);
    }
    let candidate = |(path, name)| Candidate { name, path };
    let mut candidates: Vec<Candidate> = found.into_iter().map(candidate).collect();
    candidates.sort_by(|one, other| one.name.cmp(&other.name));
    if candidates.len() > MAX_MODULES {
        // A file that comes takes nothing from one that is there.
        candidates.sort_by_key(|candidate| !served.contains(&candidate.path));
        tracing::warn!(
            target: super::modules::TARGET,
            files = candidates.len(),
            "more than {MAX_MODULES} modules; those that are served and then the first by name are taken, the others left out"
        );
        candidates.truncate(MAX_MODULES);
        candidates.sort_by(|one, other| one.name.cmp(&other.name));
    }
    Ok(candidates)
}

/// The folder's modules. A name that begins with a dot is of a file that is still being copied.
fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.extension().is_some_and(|extension| extension == SUFFIX) {
            paths.push(path);
        }
    }
    Ok(paths)
}

impl Candidate {
    /// The file as it is now; the same for one that is not there.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let of = |path: &Path| {
            let found = fs::metadata(path).ok()?;
            Some((found.dev(), found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
        };
        Fingerprint([of(&self.path), of(&self.signature_path())].into_iter().flatten().collect())
    }

    /// The file's bytes.
    pub(super) fn read(&self) -> Result<Vec<u8>, Refused> {
        let limit = MAX_MODULE_BYTES;
        let bytes = read(&self.path, limit).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                Refused::Unreadable(format!("there is no file {}", self.path.display()))
            }
            _ => Refused::Unreadable(error.to_string()),
        })?;
        bytes.ok_or(Refused::TooLarge { limit })
    }

    /// The text of the signature beside it, if there is one.
    pub(super) fn signature(&self) -> Option<String> {
        read(&self.signature_path(), MAX_SIGNATURE_BYTES)
            .ok()?
            .and_then(|bytes| String::from_utf8(bytes).ok())
    }

    fn signature_path(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(SIGNATURE_SUFFIX);
        PathBuf::from(path)
    }
}

/// A regular file's bytes; `None` for more than `limit`.
fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    // Opening a pipe would wait for its writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= limit);
    Ok(fits.then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Compiler, Entries, ModuleEntry};

    #[test]
    fn files_are_named_by_themselves_or_by_the_operator_and_half_copied_ones_are_not_seen() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.wasm", "a.wasm", ".c.wasm.part", ".d.wasm", "e.txt", "b.wasm.minisig"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let entry = |file: &str| ModuleEntry { file: Some(PathBuf::from(file)), ..ModuleEntry::default() };
        let entries = [("acme".to_owned(), entry("b.wasm")), ("absent".to_owned(), entry("absent.wasm"))];
        let settings = LoadSettings {
            folder: Some(folder.path().to_owned()),
            cache: None,
            entries: Entries::from(BTreeMap::from(entries)),
            claims: Vec::new(),
            compiler: Compiler::Here,
        };
        let found = candidates(&settings, &BTreeSet::new()).unwrap();
        let file = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let shown: Vec<_> = found.iter().map(|found| (found.name.as_str(), file(&found.path))).collect();
        let expected = [("a", "a.wasm"), ("absent", "absent.wasm"), ("acme", "b.wasm")];
        assert_eq!(shown, expected.map(|(name, file)| (name, file.to_owned())));
        let [a, absent, acme] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(a.read().unwrap(), b"a.wasm");
        assert_eq!(acme.signature().as_deref(), Some("b.wasm.minisig"));
        assert_eq!(absent.read().unwrap_err().code(), "unreadable");
        assert_eq!(a.signature(), None);

        let before = acme.fingerprint();
        assert_eq!(before, acme.fingerprint());
        fs::write(folder.path().join("b.wasm.minisig"), "another").unwrap();
        assert_ne!(before, acme.fingerprint());
    }

    #[test]
    fn files_that_come_take_no_place_from_those_that_are_served() {
        let folder = tempfile::tempdir().unwrap();
        let path = |number: usize| folder.path().join(format!("{number:03}.wasm"));
        let many = MAX_MODULES + 10;
        (0..many).for_each(|number| fs::write(path(number), "").unwrap());
        let settings = LoadSettings {
            folder: Some(folder.path().to_owned()),
            cache: None,
            entries: Entries::default(),
            claims: Vec::new(),
            compiler: Compiler::Here,
        };
        let served = BTreeSet::from([path(many - 1), path(many - 2)]);
        let found = candidates(&settings, &served).unwrap();
        assert_eq!(found.len(), MAX_MODULES);
        let paths: Vec<&Path> = found.iter().map(|candidate| candidate.path.as_path()).collect();
        assert!(paths.contains(&&*path(many - 1)) && paths.contains(&&*path(many - 2)), "{paths:?}");
        assert!(paths.contains(&&*path(0)) && !paths.contains(&&*path(MAX_MODULES - 2)));
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wasm");
        fs::create_dir(&path).unwrap();
        let candidate = Candidate { name: "x".to_owned(), path };
        assert!(candidate.read().unwrap_err().to_string().contains("not a file"));
    }
}
