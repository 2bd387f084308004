//! `diag`: what is in the bundle, what is not, and who may read it.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::support::bundle::unpacked;
use crate::support::program::{TOKEN, database, program, run};

const URL: &str = "postgres://app:hunter2%40pg@127.0.0.1:1/shop?password=hunter2-parameter";

fn variables(file: &str) -> Vec<(&str, &str)> {
    vec![
        ("SEMILAYER_RUNNER_ID", "3f2a9c1e-1111-4222-8333-444444444444"),
        ("SEMILAYER_RUNNER_TOKEN", TOKEN),
        ("SEMILAYER_GATEWAY_URL", "ws://127.0.0.1:1/connect"),
        ("SEMILAYER_SOURCE_PG_URL", URL),
        ("SEMILAYER_SOURCE_SHOP_PATH", file),
        ("DATABASE_PASSWORD", "hunter2-of-another-program"),
    ]
}

#[tokio::test]
async fn a_bundle_says_everything_but_secrets_and_only_its_owner_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    // A log of another program's, with what no log should have.
    let log = folder.path().join("runner.log");
    std::fs::write(&log, format!("one\nconnecting with {TOKEN} to {URL} as hunter2@pg\nlast\n")).unwrap();
    let out = folder.path().join("bundle.tar.gz");
    let (log, out) = (log.to_str().unwrap(), out.to_str().unwrap());
    let ended = run(folder.path(), &["diag", "--logs", log, "--out", out], &variables(&file)).await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""), "{}", ended.out);
    assert!(ended.out.contains(out) && ended.out.contains("doctor.json"), "{}", ended.out);
    let mode = std::fs::metadata(out).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let files = unpacked(&std::fs::read(out).unwrap());
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected = [
        "about.json",
        "config.json",
        "config.txt",
        "connectors.json",
        "doctor.json",
        "doctor.txt",
        "log.txt",
        "variables.txt",
    ];
    assert_eq!(names, expected);
    for (name, text) in &files {
        assert!(!text.contains("hunter2") && !text.contains("secret-row"), "{name}: {text}");
        if name.ends_with(".json") {
            serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    let about: Value = serde_json::from_str(&files["about.json"]).unwrap();
    assert_eq!(about["runnerId"], "3f2a9c1e-1111-4222-8333-444444444444");
    assert!(about["begunAt"].as_str().unwrap().ends_with('Z'));
    assert!(files["doctor.txt"].contains("✗ reachable") && files["doctor.txt"].contains("✓ shop  query"));
    assert!(files["config.txt"].contains("postgres://app:…@127.0.0.1:1/shop?…"), "{}", files["config.txt"]);
    assert!(files["log.txt"].starts_with("one\nconnecting with ") && files["log.txt"].ends_with("\nlast\n"));
    assert!(files["variables.txt"].contains("SEMILAYER_SOURCE_PG_URL\n"));
    assert!(!files["variables.txt"].contains("DATABASE_PASSWORD"));

    // What is there is somebody's.
    let again = run(folder.path(), &["diag", "--out", out, "--offline"], &variables(&file)).await;
    assert_eq!(again.code, Some(1));
    assert!(again.err.starts_with("error: the bundle cannot be written to "), "{}", again.err);
}

#[tokio::test]
async fn in_a_container_it_goes_through_pipes() {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let mut command =
        program(folder.path(), &["diag", "--offline", "--logs", "-", "--out", "-"], &variables(&file));
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all("→ done 12345678\n".as_bytes()).await.unwrap();
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files = unpacked(&output.stdout);
    assert_eq!(files["log.txt"], "→ done 12345678\n");
    assert!(String::from_utf8(output.stderr).unwrap().contains("standard output"));
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["shop.db"]);
}

#[tokio::test]
async fn a_configuration_that_cannot_be_read_is_what_the_bundle_is_about() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("semilayer-runner.toml"), "[runner]\ntoken = \"hunter2\nid = 1")
        .unwrap();
    let ended = run(folder.path(), &["diag", "--offline"], &[("SEMILAYER_RUNNER_ID", "edge")]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let mut bundles = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let bundle = bundles.find(|path| path.extension().is_some_and(|end| end == "gz")).unwrap();
    let files = unpacked(&std::fs::read(bundle).unwrap());
    assert!(files["config.txt"].contains("configuration file "), "{files:#?}");
    assert!(files.values().all(|text| !text.contains("hunter2")), "{files:#?}");
}
