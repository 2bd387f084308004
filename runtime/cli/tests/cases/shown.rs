//! The commands that only show something.

use crate::support::program::{TOKEN, run};

#[tokio::test]
async fn the_version_is_the_real_one_with_commit_and_target() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["--version"], &[("SEMILAYER_RUNNER_VERSION", "9.9.9")]).await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    let start = format!("semilayer-runner {} (commit ", env!("CARGO_PKG_VERSION"));
    assert!(ended.out.starts_with(&start) && ended.out.ends_with(")\n"), "{}", ended.out);
    assert!(!ended.out.contains("9.9.9"));
    let ended = run(folder.path(), &["--help"], &[]).await;
    assert_eq!(ended.code, Some(0));
    assert!(ended.out.contains("--insecure-gateway"), "{}", ended.out);
}

#[tokio::test]
async fn status_has_four_aligned_lines_with_origins_and_a_masked_token() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    std::fs::write(folder.path().join("semilayer-runner.toml"), "[runner]\nid = \"edge-1\"\n").unwrap();
    let variables = [("SEMILAYER_RUNNER_TOKEN_FILE", token.to_str().unwrap())];
    let ended = run(folder.path(), &["status"], &variables).await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    let shown = ended.out.lines().take(3).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(shown, @r"
    runner id:  edge-1  ([runner] id in ./semilayer-runner.toml)
    gateway:    wss://runner.semilayer.com/connect  (default)
    token:      rk_hunte…mnop  (SEMILAYER_RUNNER_TOKEN_FILE)
    ");
    assert!(ended.out.lines().nth(3).unwrap().starts_with("version:    0."), "{}", ended.out);
}

#[tokio::test]
async fn sources_show_what_the_environment_means_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        (
            "SEMILAYER_SOURCE_MAIN_URL",
            "postgres://app:hunter2@db.internal:5432/shop?sslmode=require&password=hunter2",
        ),
        ("SEMILAYER_SOURCE_MAIN_POOL__MAX", "5"),
        ("SEMILAYER_SOURCE_FILES_PATH", "/var/lib/app.db"),
        ("SEMILAYER_SOURCE_PARTS_DRIVER", "postgres"),
        ("SEMILAYER_SOURCE_PARTS_HOST", "db"),
        ("SEMILAYER_SOURCE_PARTS_USER", "app"),
        ("SEMILAYER_SOURCE_PARTS_DATABASE", "shop"),
        ("SEMILAYER_SOURCE_PARTS_PASSWORD", "hunter2"),
        ("SEMILAYER_SOURCE_PARTS_PORT", "54x"),
    ];
    let ended = run(folder.path(), &["sources"], &variables).await;
    assert!(!ended.out.contains("hunter2"), "{}", ended.out);
    insta::assert_snapshot!(ended.out);
    assert_eq!((ended.code, &*ended.err), (Some(2), ""));
    let ended = run(folder.path(), &["sources", "--json"], &variables[..3]).await;
    let json: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(json["sources"].as_array().unwrap().len(), 2);
    assert_eq!(json["sources"][1]["settings"]["url"], "postgres://app:…@db.internal:5432/shop?…");
    assert_eq!(ended.code, Some(0), "{json}");
    assert!(!ended.out.contains("hunter2"));
}
