//! Files that are no modules of this world: each is a reason in a report, and what lay there before still serves.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use connector_host::ModulePolicy;
use connector_host::load::{Entries, ModuleEntry, ModuleReport};

use crate::beside::{Beside, MEMORY};

/// A core module without anything in it.
const EMPTY_CORE: &[u8] = b"\0asm\x01\0\0\0";
/// A component without anything in it.
const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// The file with a text in it replaced by one of the same length, everywhere.
fn patched(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut patched = file.to_vec();
    let found: Vec<usize> = (0..file.len().saturating_sub(from.len()))
        .filter(|at| file[*at..].starts_with(from.as_bytes()))
        .collect();
    assert!(!found.is_empty(), "{from} is not in the file");
    for at in found {
        patched[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    patched
}

fn report<'r>(reports: &'r [ModuleReport], name: &str) -> &'r ModuleReport {
    reports.iter().find(|report| report.name == name).unwrap_or_else(|| panic!("{name} is not reported"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_no_connector_is_refused_with_what_it_is() {
    let beside = Beside::begin().await;
    let whole = fs::read(beside.path("hostile.wasm")).unwrap();
    let renamed = patched(&whole, "bridge-hostile", "bridge-another");
    let mut garbage = renamed.clone();
    for byte in garbage.iter_mut().skip(1_000).step_by(97) {
        *byte ^= 0x5a;
    }
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", Vec::new(), ""),
        ("text", b"#!/bin/sh\necho hello\n".to_vec(), ""),
        ("core", EMPTY_CORE.to_vec(), "component"),
        ("component", EMPTY_COMPONENT.to_vec(), "semilayer:connector/source"),
        ("truncated", renamed[..renamed.len() / 2].to_vec(), ""),
        ("cut-by-one", renamed[..renamed.len() - 1].to_vec(), ""),
        ("garbage", garbage, ""),
        (
            "version",
            patched(&renamed, "semilayer:connector/source@0.1.0", "semilayer:connector/source@9.1.0"),
            "9.1.0",
        ),
        (
            "import",
            patched(&renamed, "semilayer:connector/net@0.1.0", "semilayer:connector/sys@0.1.0"),
            "semilayer:connector/sys",
        ),
        ("manifest", patched(&renamed, "\"connectorApi\"", "\"connectorXpi\""), "connectorApi"),
    ];
    for (name, bytes, _) in &cases {
        fs::write(beside.path(&format!("{name}.wasm")), bytes).unwrap();
    }
    beside.modules.refresh().await;
    let reports = beside.modules.reports();
    for (name, _, says) in &cases {
        let report = report(&reports, name);
        assert!(report.loaded().is_none(), "{name} is served");
        let why = report.refused().unwrap_or_else(|| panic!("{name} has no reason")).to_string();
        assert!(why.contains(says) && why.len() < 2_000 && !why.contains('\n'), "{name}: {why}");
    }
    assert_eq!(beside.modules.loaded().len(), 2);
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_file_in_the_place_of_one_that_serves_leaves_that_serving() {
    let beside = Beside::begin().await;
    let path = beside.path("plain.wasm");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 3]).unwrap();
    assert!(!beside.modules.refresh().await, "another set is served");
    let reports = beside.modules.reports();
    let plain = report(&reports, "plain");
    assert!(plain.loaded().is_some() && plain.refused().is_some(), "{plain:?}");
    beside.end().await;
}

/// What the guest's switch says, what it says instead, and what is said of a module that does that.
const SWITCHED: [(&str, &str); 4] = [
    ("manifest-panics!", "panicked"),
    ("manifest-endless", "computed for more"),
    ("manifest-another", "something else than its custom section"),
    ("manifest-too-big", ""),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_that_fails_at_saying_its_manifest_is_refused_and_replaces_nothing() {
    let beside = Beside::begin().await;
    let policy =
        ModulePolicy { memory: MEMORY, running: Duration::from_millis(300), ..ModulePolicy::default() };
    let entry = |name: &str| (name.to_owned(), ModuleEntry { file: None, policy: policy.clone() });
    beside.modules.reconfigure(Entries::from(BTreeMap::from([entry("hostile"), entry("another")])));
    beside.modules.refresh().await;
    let (serving, whole) = (beside.hostile(), fs::read(beside.path("hostile.wasm")).unwrap());
    for (switch, says) in SWITCHED {
        let switched = patched(&whole, "manifest-honest!", switch);
        let is_refused = |name: &str| {
            let reports = beside.modules.reports();
            let refused =
                report(&reports, name).refused().unwrap_or_else(|| panic!("{switch} has no reason"));
            assert_eq!(refused.code(), "unusable", "{switch}: {refused}");
            assert!(refused.to_string().contains(says), "{switch}: {refused}");
        };
        // As a first one.
        fs::write(beside.path("another.wasm"), patched(&switched, "bridge-hostile", "bridge-another"))
            .unwrap();
        assert!(!beside.modules.refresh().await, "{switch} is served");
        is_refused("another");
        // In the place of one that serves.
        fs::write(beside.path("hostile.wasm"), &switched).unwrap();
        assert!(!beside.modules.refresh().await, "{switch} is served");
        is_refused("hostile");
        assert!(Arc::ptr_eq(&beside.hostile(), &serving), "{switch}: what was there stays");
    }
    beside.end().await;
}
