//! Who knows whom: the document against the workspace.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::{DependencyKind, MetadataCommand};

const DOCUMENT: &str = include_str!("../../../docs/architecture.md");

/// Our crates with the ones of ours they depend on, tests aside.
fn workspace() -> BTreeMap<String, BTreeSet<String>> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    let ours: BTreeSet<String> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let known = |package: &cargo_metadata::Package| {
        let normal =
            package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        normal.map(|dependency| dependency.name.clone()).filter(|name| ours.contains(name)).collect()
    };
    let is_test = |package: &cargo_metadata::Package| package.manifest_path.as_str().contains("/tests/");
    let shipped = metadata.packages.iter().filter(|package| !is_test(package));
    shipped.map(|package| (package.name.to_string(), known(package))).collect()
}

#[test]
fn every_crate_knows_whom_the_document_lets_it_know_and_nobody_else() {
    let allowed = house_tests::table(DOCUMENT).unwrap();
    let found = workspace();
    for (name, known) in &found {
        let listed =
            allowed.get(name).unwrap_or_else(|| panic!("{name} is not in the table of docs/architecture.md"));
        assert_eq!(
            known, listed,
            "{name}: what it depends on (left) and what docs/architecture.md says (right)"
        );
    }
    let gone: Vec<&String> = allowed.keys().filter(|name| !found.contains_key(*name)).collect();
    assert!(gone.is_empty(), "docs/architecture.md lists crates that are not there: {gone:?}");
}

#[test]
fn a_driver_never_knows_another_driver_or_the_runtime() {
    let drivers = ["connector-postgres", "connector-sqlite"];
    for (name, known) in workspace() {
        if drivers.contains(&name.as_str()) {
            let wrong = |other: &&String| drivers.contains(&other.as_str()) || other.starts_with("runner-");
            assert_eq!(known.iter().find(wrong), None, "{name}");
        }
    }
}
