//! `test-source`.

use serde_json::Value;

use crate::support::program::{TOKEN, database, run};

/// The text with its times taken out.
fn stable(text: &str) -> String {
    let line = |line: &str| match line.rsplit_once("  (") {
        Some((before, time)) if time.ends_with(" ms)") => format!("{before}  (TIME)"),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n").replace(rusqlite::version(), "VERSION")
}

#[tokio::test]
async fn a_source_is_opened_asked_and_one_row_is_read_of_which_nothing_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    // Neither an id nor a token: it speaks to no gateway.
    let set = [("SEMILAYER_SOURCE_MY_SHOP_PATH", &*file)];
    let ended = run(folder.path(), &["test-source", "my-shop", "--target", "things"], &set).await;
    insta::assert_snapshot!(stable(&ended.out), @r#"
    ✓ my_shop  config  sqlite, from SEMILAYER_SOURCE_MY_SHOP_PATH
    ✓ my_shop  auth  "shop.db" opens  (TIME)
    ✓ my_shop  query  SQLite VERSION, 1 tables and views  (TIME)
    ✓ my_shop  read-only  opened read-only  (TIME)
    ✓ my_shop  test  the job `test` passes: SQLite VERSION  (TIME)
    ✓ my_shop  targets  1: things  (TIME)
    ✓ my_shop  target  things: one row was read; 2 columns  (TIME)
        id                       INTEGER  (key)
        name                     TEXT
    The source "my_shop" can be used.
    "#);
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    assert!(!ended.out.contains("secret-row"), "{}", ended.out);

    let ended = run(folder.path(), &["test-source", "my-shop", "--json", "--target", "things"], &set).await;
    let json: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&json["usable"], &json["targets"]["count"]), (&true.into(), &1.into()), "{json:#}");
    assert_eq!(json["columns"][1]["name"], "name");
    assert!(!ended.out.contains("secret-row"), "{}", ended.out);
}

#[tokio::test]
async fn what_fails_of_the_source_is_3_and_of_its_configuration_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://app:hunter2@127.0.0.1:{port}/shop");
    let set = [
        ("SEMILAYER_RUNNER_TOKEN", TOKEN),
        ("SEMILAYER_SOURCE_SHOP_PATH", &*file),
        ("SEMILAYER_SOURCE_PG_URL", &*url),
        ("SEMILAYER_SOURCE_HALF_PASSWORD", "hunter2"),
    ];
    for (arguments, code, expected) in [
        (&["test-source", "shop", "--target", "thing"][..], 3, "✗ shop  target"),
        (&["test-source", "pg"], 3, "✗ pg  tcp  127.0.0.1:"),
        (&["test-source", "pg"], 3, "- pg  tls, auth, query, read-only  not tried: tcp failed"),
        (&["test-source", "half"], 2, "✗ half  config"),
        (&["test-source", "shoq"], 2, "set SEMILAYER_SOURCE_SHOQ_URL; did you mean \"shop\"?"),
    ] {
        let ended = run(folder.path(), arguments, &set).await;
        assert_eq!(ended.code, Some(code), "{arguments:?} {}{}", ended.out, ended.err);
        assert!(ended.out.contains(expected), "{arguments:?} {}", ended.out);
        assert!(!ended.out.contains("hunter2"), "{}", ended.out);
    }
    let ended = run(folder.path(), &["test-source"], &set).await;
    assert_eq!(ended.code, Some(2), "{}", ended.err);
}

#[tokio::test]
async fn the_name_of_a_host_that_refuses_is_told_to_have_resolved() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://app:hunter2@localhost:{port}/shop");
    let ended = run(folder.path(), &["test-source", "pg"], &[("SEMILAYER_SOURCE_PG_URL", &*url)]).await;
    assert_eq!(ended.code, Some(3), "{}", ended.out);
    let stages: Vec<&str> = ended.out.lines().filter_map(|line| line.split("  ").nth(1)).collect();
    assert_eq!(stages, ["config", "dns", "tcp", "tls, auth, query, read-only"], "{}", ended.out);
    assert!(ended.out.contains("✓ pg  dns  localhost → "), "{}", ended.out);
}
