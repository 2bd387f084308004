//! Modules that come, change and go while the runner serves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use e2e_tests::LIMIT;
use reqwest::StatusCode;
use serde_json::json;

use super::{Stack, plain, plain_of_version};

/// Versions that the module goes through under load.
const VERSIONS: [&str; 6] = ["0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0"];
/// Callers that ask all the while.
const CALLERS: usize = 4;

#[tokio::test]
async fn a_module_is_replaced_under_load_without_a_failed_job() {
    let stack = Stack::new().await;
    stack.mount("plain.wasm", &plain());
    let runner = stack.start().await;
    stack.gateway.serving(&stack.caller, "numbers").await.unwrap();
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (caller, stop, answered) = (stack.caller.clone(), stop.clone(), answered.clone());
            tokio::spawn(async move {
                let body = json!({"target": "numbers", "options": {"limit": 20}});
                while !stop.load(Ordering::Relaxed) {
                    let answer = caller.ask("numbers", "query", &body).await.unwrap();
                    assert_eq!((answer.status, answer.rows().len()), (StatusCode::OK, 20), "{}", answer.body);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for version in VERSIONS {
        let before = answered.load(Ordering::Relaxed);
        stack.mount("plain.wasm", &plain_of_version(version));
        let line = format!("version={version}");
        runner.process().wait_for_line(&line, LIMIT).await.unwrap();
        stack.told(&[version]).await;
        assert!(answered.load(Ordering::Relaxed) > before, "jobs were answered meanwhile");
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("no job failed");
    }
    assert!(answered.load(Ordering::Relaxed) > 50, "{answered:?} jobs");
}

#[tokio::test]
async fn a_broken_file_leaves_the_old_module_serving_until_a_good_one_comes() {
    let stack = Stack::new().await;
    let path = stack.mount("plain.wasm", &plain());
    let runner = stack.serve().await;
    let good = plain();
    for (broken, reason) in
        [(&good[..good.len() / 2], "is damaged at byte"), (&b"not a module"[..], "no WebAssembly file")]
    {
        stack.mount("plain.wasm", broken);
        let line = runner.process().wait_for_line(reason, LIMIT).await.unwrap();
        assert!(line.contains("what was loaded before stays"), "{line}");
        assert_eq!(stack.ask("numbers").await.status, StatusCode::OK);
    }
    assert_eq!(stack.listed().await.0, Some(3), "whoever starts now does not have the old one");
    // Written in place, as some tools do.
    std::fs::write(&path, plain_of_version("0.2.0")).unwrap();
    stack.told(&["0.2.0"]).await;
    assert_eq!(stack.ask("numbers").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_module_may_come_and_go_while_the_runner_is_connected() {
    let stack = Stack::new().await;
    let runner = stack.start().await;
    let answer = stack.ask("numbers").await;
    assert_ne!(answer.status, StatusCode::OK);
    let path = stack.mount("plain.wasm", &plain());
    stack.told(&["0.1.0"]).await;
    stack.gateway.serving(&stack.caller, "numbers").await.unwrap();
    std::fs::remove_file(path).unwrap();
    runner.process().wait_for_line("served no longer", LIMIT).await.unwrap();
    stack.told(&[]).await;
    assert_ne!(stack.ask("numbers").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_the_operator_says_is_read_again_at_sighup() {
    let stack = Stack::new().await;
    stack.mount("plain.wasm", &plain());
    let runner = stack.start().await;
    stack.gateway.serving(&stack.caller, "numbers").await.unwrap();
    stack.configure(&format!("[connectors.plain]\nsha256 = \"{}\"\n", "0".repeat(64)));
    runner.process().signal(test_servers::Signal::HUP).unwrap();
    let line = runner.process().wait_for_line("the configuration asks for 0000", LIMIT).await.unwrap();
    assert!(line.contains("nor may what was loaded before be served"), "{line}");
    stack.told(&[]).await;
    assert_ne!(stack.ask("numbers").await.status, StatusCode::OK);
    stack.configure("[connectors.plain]\nmax_sessions = 3\n");
    runner.process().signal(test_servers::Signal::HUP).unwrap();
    stack.told(&["0.1.0"]).await;
    stack.gateway.serving(&stack.caller, "numbers").await.unwrap();
}

#[tokio::test]
async fn what_sighup_takes_away_is_gone_while_another_module_is_being_compiled() {
    let stack = Stack::new().await;
    stack.mount("plain.wasm", &plain());
    let runner = stack.serve().await;
    stack.mount("large.wasm", &super::mounting::large(&plain()));
    runner.process().wait_for_line("large.wasm is compiled, and served when", LIMIT).await.unwrap();
    stack.configure("[connectors]\nrequire_pins = true\n");
    runner.process().signal(test_servers::Signal::HUP).unwrap();
    let line = runner.process().wait_for_line("require_pins", LIMIT).await.unwrap();
    assert!(line.contains("plain.wasm") && line.contains("nor may what was loaded before"), "{line}");
    stack.told(&[]).await;
    assert_ne!(stack.ask("numbers").await.status, StatusCode::OK);
    // The large one was not pinned either, and is given up.
    runner.process().wait_for_line("large.wasm is not loaded", LIMIT).await.unwrap();
}
