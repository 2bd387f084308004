//! The files as a .tar.gz.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;

/// What each file is, in the order in which they are told.
pub(super) const CONTENTS: [(&str, &str); 8] = [
    ("about.json", "versions, times in UTC, the runner's id, the system"),
    ("config.txt", "every setting with its origin, secrets masked"),
    ("config.json", "the same for machines"),
    ("variables.txt", "the names of the variables that are set and mean something here, no values"),
    ("connectors.json", "the drivers and modules"),
    ("doctor.txt", "what doctor found"),
    ("doctor.json", "the same for machines"),
    ("log.txt", "the end of the log that was given with --logs"),
];

/// A bundle.
pub(super) struct Bundled {
    /// The name of its file, where nobody gave one.
    pub(super) name: String,
    /// The folder that it unpacks into.
    pub(super) folder: String,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// Packs the files.
pub(super) fn bundle(files: &[(&str, String)], id: &str, at: Timestamp) -> Bundled {
    let folder = format!("semilayer-diag-{id}-{}", at.strftime("%Y%m%dT%H%M%SZ"));
    let mut packed = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(at.as_second()).unwrap_or_default());
        // Into memory nothing fails, and the names are short.
        let _packed = packed.append_data(&mut header, format!("{folder}/{name}"), text.as_bytes());
    }
    let bytes = packed.into_inner().and_then(GzEncoder::finish).unwrap_or_default();
    Bundled { name: format!("{folder}.tar.gz"), folder, bytes }
}

/// Writes a new file that only its owner may read. One that is there already stays as it is: it may be another's link.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
