//! What was done, written down line by line.
//!
//! A thread of its own writes, so that a disk that hangs holds up no job. A job is begun only while there is room for its
//! line: what ran is in the file.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use crate::lock::lock;

/// A file of this size is put aside.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// Files that were put aside and are kept: `PATH.1` is the youngest.
const KEPT_FILES: u32 = 8;
/// Lines that may wait for the disk. A runner has at most some ten thousand jobs at once, and each ends with one.
const MOST_WAITING: usize = 64 * 1024;
/// From so many waiting lines on no job is begun: there is room for the lines of those that run.
const TOO_MANY_WAITING: usize = MOST_WAITING / 4;

/// A file that lines are added to. Its thread ends when it is dropped and everything is written; nobody waits for that.
pub struct AuditLog {
    path: PathBuf,
    shared: Arc<Shared>,
    lines: SyncSender<Message>,
}

/// How large files get, and how many are kept.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    most_bytes: u64,
    kept_files: u32,
}

#[derive(Default)]
struct Shared {
    waiting: AtomicUsize,
    /// Why the last line could not be written.
    trouble: Mutex<Option<String>>,
}

enum Message {
    Line(String),
    /// Says when everything before it is written.
    Flushed(SyncSender<()>),
}

impl AuditLog {
    /// Opens the file, or makes it, for this user alone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(path: &Path) -> io::Result<AuditLog> {
        AuditLog::bounded(path, Bounds { most_bytes: MOST_BYTES, kept_files: KEPT_FILES })
    }

    fn bounded(path: &Path, bounds: Bounds) -> io::Result<AuditLog> {
        let file = Rotated::open(path.to_owned(), bounds)?;
        let shared = Arc::new(Shared::default());
        let (lines, received) = sync_channel(MOST_WAITING);
        let told = shared.clone();
        let writer = std::thread::Builder::new().name("audit".to_owned());
        writer.spawn(move || write(file, &received, &told))?;
        Ok(AuditLog { path: path.to_owned(), shared, lines })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line, without waiting for the disk.
    pub(crate) fn add(&self, line: String) {
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        if self.lines.try_send(Message::Line(line)).is_err() {
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
            *lock(&self.shared.trouble) =
                Some(format!("{}: the disk takes no more lines", self.path.display()));
        }
    }

    /// Why no job may begin, if none may.
    pub(crate) fn trouble(&self) -> Option<String> {
        if self.shared.waiting.load(Ordering::Relaxed) >= TOO_MANY_WAITING {
            return Some(format!("{}: the disk is slower than the jobs", self.path.display()));
        }
        let trouble = lock(&self.shared.trouble).clone();
        if trouble.is_some() {
            // Whether it has gone shows when somebody tries; an empty line is none.
            self.add(String::new());
        }
        trouble
    }

    /// Waits until what was added is written.
    pub(crate) fn flush(&self) {
        let (told, flushed) = sync_channel(1);
        if self.lines.send(Message::Flushed(told)).is_ok() {
            // Fails only when the writer has gone, which writes all it has first.
            let _flushed = flushed.recv();
        }
    }
}

impl std::fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AuditLog").field(&self.path).finish()
    }
}

fn write(mut file: Rotated, received: &Receiver<Message>, shared: &Shared) {
    // Lines that are lost, for the line that says so.
    let mut lost = 0_u64;
    for message in received {
        let line = match message {
            Message::Line(line) => line,
            Message::Flushed(told) => {
                // Nobody waits any more, or is told.
                let _told = told.send(());
                continue;
            }
        };
        let mut text = String::new();
        if lost > 0 {
            text = format!("{{\"lost\":{lost}}}\n");
        }
        if !line.is_empty() {
            text.push_str(&line);
            text.push('\n');
        }
        match file.add(text.as_bytes()) {
            Ok(()) => {
                lost = 0;
                *lock(&shared.trouble) = None;
            }
            Err(error) => {
                let trouble = format!("{}: {error}", file.path.display());
                if lock(&shared.trouble).replace(trouble.clone()).is_none() {
                    tracing::error!(
                        "the audit log cannot be written, and jobs are refused until it can: {trouble}"
                    );
                }
                lost += u64::from(!line.is_empty());
            }
        }
        shared.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A file that is put aside when it is full.
struct Rotated {
    path: PathBuf,
    bounds: Bounds,
    file: File,
    bytes: u64,
    /// Whether the last line may lack its end.
    is_torn: bool,
    /// A device, such as standard output, is never put aside.
    is_device: bool,
}

impl Rotated {
    fn open(path: PathBuf, bounds: Bounds) -> io::Result<Self> {
        let file = private(&path)?;
        let found = file.metadata()?;
        Ok(Rotated { path, bounds, bytes: found.len(), is_torn: false, is_device: !found.is_file(), file })
    }

    fn add(&mut self, text: &[u8]) -> io::Result<()> {
        if !self.is_device && self.bytes > 0 && self.bytes + text.len() as u64 > self.bounds.most_bytes {
            self.rotate()?;
        }
        if std::mem::replace(&mut self.is_torn, true) {
            self.file.write_all(b"\n")?;
        }
        self.file.write_all(text)?;
        self.is_torn = false;
        self.bytes += text.len() as u64;
        Ok(())
    }

    /// Puts the file aside as `PATH.1`, that as `PATH.2`, and forgets the last.
    fn rotate(&mut self) -> io::Result<()> {
        let aside = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        for number in (1..self.bounds.kept_files).rev() {
            match std::fs::rename(aside(number), aside(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        std::fs::rename(&self.path, aside(1))?;
        self.file = private(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

/// A file that only this user may read, at its end; or a device as it is.
fn private(path: &Path) -> io::Result<File> {
    // Opening a pipe would wait for its reader.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.file_type().is_char_device()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is neither a file nor a device"));
    }
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    // One that was there may be open to others.
    let found = file.metadata()?;
    if found.is_file() && found.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn files_are_private_put_aside_by_size_and_bounded_in_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let log = AuditLog::bounded(&path, Bounds { most_bytes: 100, kept_files: 3 }).unwrap();
        for number in 0..50 {
            log.add(format!("{{\"number\":{number},\"text\":\"0123456789\"}}"));
        }
        log.flush();
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert_eq!(files.len(), 4, "{files:?}");
        assert!(
            files.iter().all(|file| mode(file) == 0o600 && std::fs::metadata(file).unwrap().len() <= 100)
        );
        assert!(std::fs::read_to_string(&path).unwrap().contains("\"number\":49"));
        assert!(std::fs::read_to_string(folder.path().join("audit.jsonl.1")).unwrap().ends_with("}\n"));
    }

    #[test]
    fn what_cannot_be_written_is_said_until_it_can_and_then_counted() {
        let folder = tempfile::tempdir().unwrap();
        let (gone, path) = (folder.path().join("a"), folder.path().join("a/audit"));
        std::fs::create_dir(&gone).unwrap();
        let log = AuditLog::bounded(&path, Bounds { most_bytes: 10, kept_files: 1 }).unwrap();
        log.add("\"first\"".to_owned());
        log.flush();
        assert_eq!(log.trouble(), None);
        // The next line needs a new file, and there is no folder for one.
        std::fs::remove_dir_all(&gone).unwrap();
        log.add("\"second\"".to_owned());
        log.flush();
        assert!(log.trouble().unwrap().contains("a/audit"));
        log.flush();
        std::fs::create_dir(&gone).unwrap();
        std::fs::write(&path, "").unwrap();
        assert!(log.trouble().is_some(), "nobody has tried");
        log.flush();
        assert_eq!(log.trouble(), None);
        log.add("\"third\"".to_owned());
        log.flush();
        assert_eq!(std::fs::read_to_string(folder.path().join("a/audit")).unwrap(), "\"third\"\n");
        assert_eq!(std::fs::read_to_string(folder.path().join("a/audit.1")).unwrap(), "{\"lost\":1}\n");
    }
}
