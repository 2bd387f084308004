//! A module that is mounted is one more connector.

use reqwest::StatusCode;
use serde_json::json;

use super::{Stack, plain};
use e2e_tests::{LIMIT, Runner};

#[tokio::test]
async fn a_mounted_module_serves_rows_is_listed_and_known_to_the_gateway() {
    let stack = Stack::new().await;
    stack.mount("plain.wasm", &plain());
    let runner = stack.start().await;
    let answer = stack.ask("numbers").await;
    assert_eq!((answer.status, answer.rows().len()), (StatusCode::OK, 20), "{}", answer.body);
    assert_eq!(answer.rows()[0]["id"], 0);
    let counted = stack.caller.ask("numbers", "count", &json!({"target": "numbers"})).await.unwrap();
    assert_eq!(counted.body["meta"]["total"], 50, "{}", counted.body);

    let bridge = stack.manifest().await.expect("the gateway was told");
    assert_eq!((&bridge["kind"], &bridge["runners"]), (&json!("wasm"), &json!(1)));
    let keys: Vec<&str> = bridge["manifest"]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["rows", "password", "pool.max", "pool.min", "pool.idleTimeoutMillis"]);

    let (code, list) = stack.listed().await;
    assert_eq!(code, Some(0));
    let module = &list["modules"][0]["loaded"];
    assert_eq!(module["bridge"], "@semilayer/bridge-plain");
    assert_eq!(bridge["digests"], json!([module["sha256"]]));

    let launch = Runner::launch(&stack.gateway, &stack.identity, &stack.options).unwrap();
    let (_, out, _) = Runner::command(&launch, &["doctor", "--offline"]).await.unwrap();
    for line in [
        "✓ plain  loads  @semilayer/bridge-plain 0.1.0 from ",
        "✓ plain  contract  semilayer:connector 0.1.0",
    ] {
        assert!(out.contains(line), "{out}");
    }
    drop(runner);
}

#[tokio::test]
async fn a_module_is_compiled_once_and_kept_for_this_user_alone() {
    use std::os::unix::fs::MetadataExt;
    let stack = Stack::new().await;
    stack.mount("plain.wasm", &plain());
    drop(stack.start().await);
    let cached = stack.cached();
    assert_eq!(cached.len(), 1, "{cached:?}");
    let of = |path: &std::path::Path| std::fs::metadata(path).unwrap();
    assert_eq!(of(&cached[0]).mode() & 0o777, 0o600);
    assert_eq!(of(cached[0].parent().unwrap()).mode() & 0o777, 0o700);
    let made = of(&cached[0]).ino();
    let runner = stack.start().await;
    assert_eq!(stack.ask("numbers").await.status, StatusCode::OK);
    assert_eq!(of(&stack.cached()[0]).ino(), made, "loaded, not made again");
    drop(runner);

    // Code that was cut off is noticed, and made again.
    std::fs::write(&cached[0], b"cut off").unwrap();
    let runner = stack.start().await;
    assert_eq!(stack.ask("numbers").await.status, StatusCode::OK);
    assert!(runner.process().wait_for_line("made again", LIMIT).await.is_ok());
}

#[tokio::test]
async fn a_cache_that_others_may_write_to_is_not_used_and_the_module_still_is() {
    use std::os::unix::fs::PermissionsExt;
    let stack = Stack::new().await;
    stack.mount("plain.wasm", &plain());
    let folder = stack.folder.path().join("cache/modules");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o777)).unwrap();
    let runner = stack.start().await;
    assert!(runner.process().wait_for_line("open to other users", LIMIT).await.is_ok());
    assert!(runner.process().wait_for_line("compiled at each start", LIMIT).await.is_ok());
    assert_eq!(stack.ask("numbers").await.status, StatusCode::OK);
    assert_eq!(stack.cached().len(), 0);
}

#[tokio::test]
async fn a_connector_that_fails_time_and_again_is_left_alone_and_the_gateway_knows() {
    let stack = Stack::new().await;
    stack.mount("plain.wasm", &plain());
    let runner = stack.start().await;
    for _ in 0..5 {
        assert_eq!(stack.ask("panics").await.code(), "CONNECTOR_FAILED");
    }
    assert!(runner.process().wait_for_line("left alone for 1 s", LIMIT).await.is_ok());
    let answer = stack.ask("numbers").await;
    assert_eq!(answer.code(), "CONNECTOR_FAILED", "{}", answer.body);
    assert!(answer.body["message"].as_str().unwrap().contains("5 times in a row"), "{}", answer.body);
    let back = async {
        while stack.ask("numbers").await.status != StatusCode::OK {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LIMIT, back).await.expect("it is tried again");
}

#[tokio::test]
async fn a_modules_source_is_tested_like_any_other() {
    let stack = Stack::new().await;
    stack.mount("plain.wasm", &plain());
    let launch = Runner::launch(&stack.gateway, &stack.identity, &stack.options).unwrap();
    let asked = ["test-source", "numbers", "--target", "numbers"];
    let (exit, out, err) = Runner::command(&launch, &asked).await.unwrap();
    assert_eq!((exit, &*err), (test_servers::Exit::Code(0), ""), "{out}");
    for expected in [
        "✓ numbers  config  plain, from SEMILAYER_SOURCE_NUMBERS_ROWS",
        "✓ numbers  test  ",
        "✓ numbers  targets  1: numbers",
        "✓ numbers  target  numbers: one row was read; ",
        "The source \"numbers\" can be used.",
    ] {
        assert!(out.contains(expected), "{expected:?} is not in\n{out}");
    }
    let (exit, out, _) = Runner::command(&launch, &["config", "show", "--effective"]).await.unwrap();
    assert_eq!(exit, test_servers::Exit::Code(0), "{out}");
    assert!(out.contains("[sources.numbers]") && out.contains("SEMILAYER_SOURCE_NUMBERS_ROWS"), "{out}");
}
