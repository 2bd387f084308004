//! `connectors`, and modules that are none.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::support::program::{Ended, run};

/// The gateway's copy of the drivers' manifests: it makes forms of them without a runner.
const OF_GATEWAY: &str = include_str!("../../../../gateway/src/http/drivers.json");

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", ended.out, ended.err))
}

#[tokio::test]
async fn the_gateway_knows_the_drivers_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["connectors", "list", "--json"], &[]).await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    let manifests: Vec<Value> = json(&ended)["drivers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|driver| {
            let mut manifest = driver["manifest"].clone();
            // A runner says its version itself.
            manifest.as_object_mut().unwrap().shift_remove("version");
            manifest
        })
        .collect();
    let here = format!("{:#}\n", Value::from(manifests));
    if here != OF_GATEWAY {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("drivers.json");
        std::fs::write(&path, here).unwrap();
        panic!(
            "the drivers' manifests have changed: copy {} to gateway/src/http/drivers.json",
            path.display()
        );
    }
}

#[tokio::test]
async fn a_folder_without_modules_and_one_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let ended = run(folder.path(), &["connectors", "list", "--connectors-dir", path], &[]).await;
    assert_eq!(ended.code, Some(0));
    assert!(ended.out.contains("@semilayer/bridge-postgres  0."), "{}", ended.out);
    assert!(ended.out.ends_with(&format!("no module in {path}\n")), "{}", ended.out);
    let set = [("SEMILAYER_CONNECTORS_DIR", "/nonexistent")];
    for command in [&["connectors", "list"][..], &["sources"], &["start"]] {
        let ended = run(folder.path(), command, &set).await;
        assert_eq!(ended.code, Some(2), "{command:?}");
        let expected = if command == ["start"] {
            "no runner id"
        } else {
            "SEMILAYER_CONNECTORS_DIR: /nonexistent is no folder"
        };
        assert!(ended.err.contains(expected), "{}", ended.err);
    }
}

#[tokio::test]
async fn what_is_no_module_is_listed_with_the_reason_and_ends_with_3() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("script.wasm"), "#!/bin/sh").unwrap();
    std::fs::write(folder.path().join("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    std::fs::write(folder.path().join("other.wasm"), b"\0asm\x0d\0\x01\0").unwrap();
    std::fs::write(
        folder.path().join("semilayer-runner.toml"),
        "[connectors.absent]\nmax_sessions = 1\n[connectors.named]\nfile = \"gone.wasm\"\n",
    )
    .unwrap();
    let path = folder.path().to_str().unwrap();
    let ended = run(folder.path(), &["connectors", "list", "--connectors-dir", path], &[]).await;
    assert_eq!(ended.code, Some(3));
    let shown: Vec<&str> = ended.out.lines().filter(|line| !line.contains("built in")).collect();
    insta::assert_snapshot!(shown.join("\n").replace(path, "FOLDER"), @r"
    ✗ FOLDER/core.wasm: it is a core module and no component
        → build it for the target wasm32-wasip2, which makes components, and mount the .wasm file that it writes
    ✗ FOLDER/gone.wasm: the file cannot be read: there is no file FOLDER/gone.wasm
        → see that the file is there, and that the runner's user may read it
    ✗ FOLDER/other.wasm: it exports no semilayer:connector/source@0.1.0; it exports nothing at all
        → build it with a version of the SDK that this runner knows, or update the older of the two
    ✗ FOLDER/script.wasm: it is no WebAssembly file
        → build it for the target wasm32-wasip2, which makes components, and mount the .wasm file that it writes
    ! [connectors.absent]: no module is loaded that has this bridge name
    ");
    let ended = run(folder.path(), &["connectors", "list", "--json", "--connectors-dir", path], &[]).await;
    let modules = json(&ended)["modules"].as_array().unwrap().clone();
    let codes: Vec<&str> = modules.iter().map(|module| module["refused"]["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["not_a_component", "unreadable", "other_world", "not_a_component"]);

    let ended = run(folder.path(), &["doctor", "--offline", "--json", "--connectors-dir", path], &[]).await;
    let report = json(&ended);
    let checks = report["checks"].as_array().unwrap();
    let failed = checks.iter().filter(|check| check["area"] == "connector" && check["status"] == "failed");
    assert_eq!(failed.count(), 4, "{report:#}");
}

#[tokio::test]
async fn a_file_is_looked_into_without_running_it_and_compiled_only_where_it_can_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.wasm");
    std::fs::write(&file, b"\0asm\x0d\0\x01\0").unwrap();
    let file = file.to_str().unwrap();
    let ended = run(folder.path(), &["connectors", "inspect", file], &[]).await;
    assert_eq!((ended.code, &*ended.out), (Some(3), ""));
    assert!(ended.err.contains("exports nothing at all"), "{}", ended.err);
    let ended = run(folder.path(), &["connectors", "inspect", file, "--json"], &[]).await;
    assert_eq!((ended.code, &json(&ended)["refused"]["code"]), (Some(3), &"other_world".into()));
    let ended = run(folder.path(), &["connectors", "compile", file], &[]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("SEMILAYER_CACHE_DIR"), "{}", ended.err);

    let cache = folder.path().join("cache");
    std::fs::create_dir_all(cache.join("modules")).unwrap();
    std::fs::set_permissions(cache.join("modules"), PermissionsExt::from_mode(0o777)).unwrap();
    let set = [("SEMILAYER_CACHE_DIR", cache.to_str().unwrap())];
    let ended = run(folder.path(), &["connectors", "compile", file], &set).await;
    assert_eq!(ended.code, Some(3));
    assert!(ended.err.contains("is open to other users") && ended.err.contains("chmod 700"), "{}", ended.err);
}

#[tokio::test]
async fn the_compilers_process_says_what_is_wrong_and_writes_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    // Standard input is empty.
    let ended = run(folder.path(), &["connectors", "compile", "--pipe"], &[]).await;
    assert_eq!((ended.code, &*ended.out), (Some(1), ""));
    assert!(!ended.err.is_empty());
}

#[tokio::test]
async fn what_cannot_be_tested_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.wasm");
    std::fs::write(&file, b"\0asm\x0d\0\x01\0").unwrap();
    let file = file.to_str().unwrap();
    let ended = run(folder.path(), &["connectors", "test", file, "--config", "url=x"], &[]).await;
    assert_eq!((ended.code, &*ended.out), (Some(3), ""));
    assert!(ended.err.contains("exports nothing at all"), "{}", ended.err);
    // Without a `=` it is the runner's own file.
    let ended = run(folder.path(), &["connectors", "test", file, "--config", "absent.toml"], &[]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("absent.toml"), "{}", ended.err);
}

#[tokio::test]
async fn a_new_connector_is_a_folder_of_its_name_with_the_sdk_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors/sdk").canonicalize().unwrap();
    let sdk = sdk.to_str().unwrap();
    for kind in ["--http", "--tcp"] {
        let name = format!("acme{kind}").replace("--", "-");
        let ended = run(folder.path(), &["connectors", "new", &name, kind, "--sdk", sdk], &[]).await;
        assert_eq!((ended.code, &*ended.err), (Some(0), ""));
        assert!(ended.out.contains(&format!("cd {name}")), "{}", ended.out);
        let file = |path: &str| std::fs::read_to_string(folder.path().join(&name).join(path)).unwrap();
        assert!(file("Cargo.toml").contains(&format!("semilayer-connector = {{ path = \"{sdk}\" }}")));
        assert!(file("src/lib.rs").contains(&format!("@acme/bridge-{name}")));
        let again = run(folder.path(), &["connectors", "new", &name, kind, "--sdk", sdk], &[]).await;
        assert_eq!(again.code, Some(2));
        assert!(again.err.contains("is there already"), "{}", again.err);
    }
    for (arguments, expected) in [
        (&["new", "x", "--http"][..], "the SDK is not found above this folder"),
        (&["new", "x", "--http", "--sdk", "."], ". is not the SDK"),
        (&["new", "../x", "--http", "--sdk", sdk], "cannot be a connector's name"),
        (&["new", "x"], "--http|--tcp"),
        (&["new", "x", "--http", "--tcp"], "cannot be used with"),
    ] {
        let arguments = [&["connectors"][..], arguments].concat();
        let ended = run(folder.path(), &arguments, &[]).await;
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        assert!(ended.err.contains(expected), "{}", ended.err);
    }
    assert!(!folder.path().join("x").exists());
}
