//! A support bundle, unpacked.

use std::collections::BTreeMap;
use std::io::Read;

/// The files of a .tar.gz by name, without the folder that they are in.
pub(crate) fn unpacked(bytes: &[u8]) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        assert_eq!(path.components().count(), 2, "{}", path.display());
        assert_eq!(entry.header().mode().unwrap(), 0o600);
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        files.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), text);
    }
    files
}
