//! The published versions of the connector world stay as they are: components were built against them, and nobody will build
//! those again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};

/// The files of every frozen folder with their digests, as sha256sum prints them: `sha256sum -c FROZEN` in `wit` checks
/// the same.
const FROZEN: &str = include_str!("../../../wit/FROZEN");

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

fn files(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
            continue;
        }
        let mut sum = String::new();
        for byte in digest(&SHA256, &fs::read(&path).unwrap()).as_ref() {
            write!(sum, "{byte:02x}").unwrap();
        }
        let name = path.strip_prefix(wit()).unwrap().to_string_lossy().into_owned();
        found.insert(name, sum);
    }
}

#[test]
fn a_published_version_of_the_world_never_changes() {
    let listed: BTreeMap<String, String> = FROZEN
        .lines()
        .map(|line| {
            let (sum, name) = line.split_once("  ").unwrap_or_else(|| panic!("no digest and name: {line}"));
            (name.to_owned(), sum.to_owned())
        })
        .collect();
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(wit()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(
                name.starts_with("since_v"),
                "wit/{name}: a folder here is a published version, since_v…"
            );
            files(&path, &mut found);
        }
    }
    assert!(found.contains_key("since_v0.1.0/connector.wit"), "the first version is not there");
    assert_eq!(
        found, listed,
        "a file of a published version (left) is not what it was (right, wit/FROZEN). What has to change goes into \
         wit/PENDING_CHANGES.md, and with others into a new version"
    );
}
