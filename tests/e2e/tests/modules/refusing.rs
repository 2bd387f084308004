//! Modules that are not loaded, and why.

use e2e_tests::LIMIT;
use reqwest::StatusCode;

use super::{Stack, plain};

/// A key whose owner has not signed anything here, and a signature of its of another file (from the documentation of
/// the crate minisign-verify).
const KEY: &str = "minisign:RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const SIGNATURE: &str = "untrusted comment: signature from minisign secret key\n\
    RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
    trusted comment: timestamp:1633700835\tfile:test\tprehashed\n\
    wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==\n";

/// Mounts the module with this configuration and expects that it is refused with this reason, in the log, in the list, and
/// by answering no job; other connectors are served.
async fn is_refused(stack: &Stack, configuration: &str, code: &str, reason: &str) {
    stack.configure(configuration);
    let runner = stack.start().await;
    let line = runner.process().wait_for_line("is not loaded", LIMIT).await.unwrap();
    assert!(line.contains(reason), "{line}");
    assert_ne!(stack.ask("numbers").await.status, StatusCode::OK);
    let (exit, list) = stack.listed().await;
    let refused = &list["modules"][0]["refused"];
    assert_eq!((exit, refused["code"].as_str()), (Some(3), Some(code)), "{list:#}");
    assert!(list["drivers"].as_array().unwrap().len() >= 9);
}

#[tokio::test]
async fn another_file_than_the_pinned_one() {
    let stack = Stack::new().await;
    stack.mount("whatever.wasm", &plain());
    let pin = format!("[connectors.plain]\nsha256 = \"{}\"\n", "ab".repeat(32));
    is_refused(&stack, &pin, "digest", "the configuration asks for abab").await;
}

#[tokio::test]
async fn a_module_that_is_not_signed_or_whose_signature_is_of_another_file() {
    let stack = Stack::new().await;
    stack.mount("plain.wasm", &plain());
    let signed = format!("[connectors.plain]\nsignature = \"{KEY}\"\n");
    is_refused(&stack, &signed, "signature", "no .minisig file beside it").await;
    stack.mount("plain.wasm.minisig", SIGNATURE.as_bytes());
    is_refused(&stack, &signed, "signature", "not of this file").await;
}

#[tokio::test]
async fn a_name_that_a_driver_or_another_module_has() {
    let stack = Stack::new().await;
    stack.mount("a.wasm", &plain());
    stack.mount("b.wasm", &plain());
    let runner = stack.start().await;
    let line = runner.process().wait_for_line("is not loaded", LIMIT).await.unwrap();
    assert!(line.contains("b.wasm") && line.contains("belongs to the module"), "{line}");
    stack.gateway.serving(&stack.caller, "numbers").await.unwrap();
    assert_eq!(stack.ask("numbers").await.status, StatusCode::OK);
    // Once the first is gone the name is free.
    std::fs::remove_file(stack.folder.path().join("connectors/a.wasm")).unwrap();
    runner.process().wait_for_line("served no longer", LIMIT).await.unwrap();
    stack.gateway.serving(&stack.caller, "numbers").await.unwrap();
    drop(runner);

    // As many characters as the guest's own name, and a driver's alias.
    let mut bytes = plain();
    let (from, to) = (b"@semilayer/bridge-plain", b"@semilayer/bridge-mysql");
    let places: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, window)| *window == from)
        .map(|(at, _)| at)
        .collect();
    places.into_iter().for_each(|at| bytes[at..at + from.len()].copy_from_slice(to));
    stack.mount("b.wasm", &bytes);
    let runner = stack.start().await;
    let line = runner.process().wait_for_line("is not loaded", LIMIT).await.unwrap();
    assert!(line.contains("the built-in driver @semilayer/bridge-mysql"), "{line}");
}
