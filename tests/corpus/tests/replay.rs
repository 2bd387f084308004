//! Everything that the fuzz targets have found, once more.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;

/// Runs a target over its corpus.
fn replay(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let mut inputs = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let input = std::fs::read(&path).unwrap();
        if std::panic::catch_unwind(|| target(&input)).is_err() {
            panic!("{} fails; the reason is above", path.display());
        }
        inputs += 1;
    }
    assert!(inputs >= 10, "{} holds {inputs} inputs", folder.display());
}

#[test]
fn filters_of_the_corpus_become_statements_or_errors() {
    replay("filter", corpus_tests::filter);
}

#[test]
fn cursors_of_the_corpus_are_read_or_refused() {
    replay("cursor", corpus_tests::cursor);
}

#[test]
fn aggregates_of_the_corpus_become_statements_or_errors() {
    replay("aggregate", corpus_tests::aggregate);
}
