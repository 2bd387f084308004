//! The program itself: what it prints, and how it ends.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_semilayer-gateway"));
    command.args(arguments).env_clear().stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Waits for the line on stdout that begins so, and returns the rest of it.
async fn line(child: &mut Child, beginning: &str) -> String {
    let mut lines = BufReader::new(child.stdout.as_mut().expect("a pipe")).lines();
    let found = async {
        while let Some(line) = lines.next_line().await.expect("text") {
            if let Some(rest) = line.strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
        panic!("it ended without saying {beginning}");
    };
    timeout(Duration::from_secs(30), found).await.expect("the line in time")
}

#[tokio::test]
async fn without_a_database_it_says_so_and_exits_2() {
    for (url, says) in [
        (None, "DATABASE_URL is required\n"),
        (Some("postgres://u:hunter2@h/d"), "DATABASE_URL: postgres://"),
    ] {
        let mut command = program(&["serve"]);
        if let Some(url) = url {
            command.env("DATABASE_URL", url);
        }
        let output = command.output().await.expect("an end");
        let text = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.starts_with(says) && text.contains("sqlite://"), "{text}");
        assert!(!text.contains("hunter2"));
    }
}

#[tokio::test]
async fn it_serves_prints_its_first_token_and_ends_cleanly_on_sigterm() {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("sqlite://{}", directory.path().join("gateway.db").display());
    let mut child = program(&["serve"])
        .env("DATABASE_URL", &url)
        .env("GATEWAY_LISTEN", "127.0.0.1:0")
        .spawn()
        .expect("a process");
    let token = line(&mut child, "GATEWAY_ADMIN_TOKEN=").await;
    assert!(token.starts_with("admin_"), "{token}");
    let pid = child.id().expect("a live process").to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill").success());
    let output =
        timeout(Duration::from_secs(30), child.wait_with_output()).await.expect("an end").expect("a status");
    let log = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert!(log.contains("gateway stopped"), "{log}");
    assert!(!log.contains(&token), "a token in the log");
}
