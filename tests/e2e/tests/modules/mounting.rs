//! A module that is mounted is one more connector.

use reqwest::StatusCode;
use serde_json::json;

use super::{Stack, plain};
use e2e_tests::{LIMIT, Runner};

#[tokio::test]
async fn a_mounted_module_serves_rows_is_listed_and_known_to_the_gateway() {
    let stack = Stack::new().await;
    stack.mount("plain.wasm", &plain());
    let runner = stack.serve().await;
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
    drop(stack.serve().await);
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
    let runner = stack.serve().await;
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
    let runner = stack.serve().await;
    assert!(runner.process().wait_for_line("open to other users", LIMIT).await.is_ok());
    assert!(runner.process().wait_for_line("compiled at each start", LIMIT).await.is_ok());
    assert_eq!(stack.ask("numbers").await.status, StatusCode::OK);
    assert_eq!(stack.cached().len(), 0);
}

#[tokio::test]
async fn a_connector_that_fails_time_and_again_is_left_alone_and_the_gateway_knows() {
    let stack = Stack::new().await;
    stack.mount("plain.wasm", &plain());
    let runner = stack.serve().await;
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
async fn a_runner_is_connected_before_a_large_module_is_compiled_and_then_serves_it() {
    let stack = Stack::new().await;
    stack.mount("plain.wasm", &plain());
    drop(stack.serve().await);
    // The large one is of another bridge, and was never compiled.
    stack.mount("large.wasm", &large(&plain()));
    let runner = stack.start().await;
    assert_eq!(stack.ask("numbers").await.status, StatusCode::OK, "what was compiled is named in hello");
    assert_eq!(stack.cached().iter().filter(|path| path.extension().unwrap() == "cwasm").count(), 1);
    runner.process().wait_for_line("is compiled, and served when that is done", LIMIT).await.unwrap();
    let gave_up_rights = async {
        while !children(runner.process().id()).iter().any(|status| status.contains("NoNewPrivs:\t1")) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, gave_up_rights).await.expect("the compiler's process keeps its rights");
    runner.process().wait_for_line("@semilayer/bridge-large is served", LIMIT).await.unwrap();
    runner.process().wait_for_line("the gateway knows the connectors", LIMIT).await.unwrap();
    assert_eq!(stack.ask("numbers").await.status, StatusCode::OK);
}

/// What `/proc` says of the children of a process (proc_pid_status(5)).
fn children(of: i32) -> Vec<String> {
    let parent = format!("PPid:\t{of}\n");
    let all = std::fs::read_dir("/proc").unwrap();
    // One that has ended meanwhile has nothing to say.
    let statuses = all.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("status")).ok());
    statuses.filter(|status| status.contains(&parent)).collect()
}

/// The plain guest as the bridge `large`, which it is: it has a core module beside its own whose compiling takes long.
pub(super) fn large(plain: &[u8]) -> Vec<u8> {
    let (from, to) = (b"bridge-plain", b"bridge-large");
    let mut bytes = plain.to_vec();
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    places.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to));
    // A component's section 1 is a core module (the component model's Binary.md); nothing instantiates this one.
    let core = core_module(FUNCTIONS);
    bytes.push(1);
    leb(&mut bytes, core.len());
    bytes.extend(core);
    bytes
}

/// Functions of the large module: some seconds of compiling in a debug build, fewer in a release.
const FUNCTIONS: usize = 2_000;
/// Instructions of each, in pairs.
const PAIRS: usize = 200;

/// A core module of functions that compute something.
fn core_module(functions: usize) -> Vec<u8> {
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    let mut section = |id: u8, content: &[u8]| {
        module.push(id);
        leb(&mut module, content.len());
        module.extend(content);
    };
    // One type: (i32) -> i32.
    section(1, &[1, 0x60, 1, 0x7f, 1, 0x7f]);
    let mut types = Vec::new();
    leb(&mut types, functions);
    types.resize(types.len() + functions, 0);
    section(3, &types);
    let mut body = vec![0, 0x20, 0];
    for at in 0..PAIRS {
        // local.get 0, i32.const, i32.add or i32.xor, and that times the value before.
        body.extend([
            0x20,
            0,
            0x41,
            u8::try_from(at % 64).unwrap(),
            if at % 2 == 0 { 0x6a } else { 0x73 },
            0x6c,
        ]);
    }
    body.push(0x0b);
    let mut code = Vec::new();
    leb(&mut code, functions);
    for _ in 0..functions {
        leb(&mut code, body.len());
        code.extend(&body);
    }
    section(10, &code);
    module
}

/// An unsigned number in LEB128.
fn leb(bytes: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        bytes.push(if number == 0 { low } else { low | 0x80 });
        if number == 0 {
            return;
        }
    }
}
