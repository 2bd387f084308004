//! A password that is rotated while the runner runs, and a file that is read again.

use std::path::PathBuf;

use e2e_tests::{Caller, Gateway, GatewayOptions, LIMIT, Runner, RunnerOptions};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use test_servers::{APP_PASSWORD, APP_USER, Postgres, PostgresOptions, Signal};
use tokio_postgres::Client;

const NEW_PASSWORD: &str = "n€w-p@ss:wörd/%";

/// A database, a gateway and a caller. No runner yet.
struct Stack {
    postgres: Postgres,
    admin: Client,
    gateway: Gateway,
    caller: Caller,
    folder: TempDir,
}

impl Stack {
    async fn start() -> Stack {
        let postgres = Postgres::start(PostgresOptions::default()).await.unwrap();
        let admin = postgres.admin().await.unwrap();
        let gateway = Gateway::start(GatewayOptions::default()).await.unwrap();
        let caller = gateway.caller().await.unwrap();
        Stack { postgres, admin, gateway, caller, folder: TempDir::new().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a text into a file as secrets are mounted: beside it, then renamed.
    fn put(&self, name: &str, text: &str) -> String {
        let (unfinished, path) = (self.path(&format!(".{name}")), self.path(name));
        std::fs::write(&unfinished, text).unwrap();
        std::fs::rename(unfinished, &path).unwrap();
        path.display().to_string()
    }

    fn configure(&self, database: &str, password: &str) -> String {
        let port = self.postgres.port();
        let quoted = serde_json::Value::from(password).to_string();
        self.put(
            "runner.toml",
            &format!(
                "[sources.shop]\ndriver = \"postgres\"\nhost = \"127.0.0.1\"\nport = {port}\ndatabase = \"{database}\"\n\
                 user = \"{APP_USER}\"\npassword = {quoted}\nsslmode = \"disable\"\n"
            ),
        )
    }

    async fn runner(&self, options: &RunnerOptions) -> Runner {
        let identity = self.gateway.runner("first").await.unwrap();
        self.gateway.source("shop", "postgres", &identity).await.unwrap();
        let runner = Runner::start(&self.gateway, &identity, options).await.unwrap();
        self.gateway.serving(&self.caller, "shop").await.unwrap();
        runner
    }

    /// Gives the login another password and ends its sessions, as a rotation and a failover do.
    async fn rotate(&self) {
        self.admin.batch_execute(&format!("ALTER ROLE {APP_USER} PASSWORD '{NEW_PASSWORD}'")).await.unwrap();
        let ended = "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE usename = $1";
        self.admin.query_one(ended, &[&APP_USER]).await.unwrap();
    }

    async fn test(&self) -> (StatusCode, Value) {
        let answer = self.caller.ask("shop", "test", &json!({})).await.unwrap();
        (answer.status, answer.body)
    }

    /// Asks until the runner has seen that its sessions are gone and that its password is not taken.
    async fn until_refused(&self) {
        let refused = async {
            loop {
                let (status, body) = self.test().await;
                assert_ne!(status, StatusCode::OK, "{body}");
                if body.to_string().contains("SOURCE_AUTH_FAILED") {
                    return;
                }
            }
        };
        tokio::time::timeout(LIMIT, refused).await.expect("the old password is never refused");
    }
}

fn said(runner: &Runner) -> String {
    let lines = runner.process().lines();
    lines.into_iter().map(|line| line.text).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_password_rotated_in_a_secret_file_is_taken_by_the_first_job_that_is_refused_with_the_old_one() {
    let stack = Stack::start().await;
    let secret = stack.put("password", &format!("{APP_PASSWORD}\n"));
    let options = RunnerOptions::default()
        .set("SEMILAYER_SOURCE_SHOP_HOST", "127.0.0.1")
        .set("SEMILAYER_SOURCE_SHOP_PORT", stack.postgres.port().to_string())
        .set("SEMILAYER_SOURCE_SHOP_DATABASE", APP_USER)
        .set("SEMILAYER_SOURCE_SHOP_USER", APP_USER)
        .set("SEMILAYER_SOURCE_SHOP_SSLMODE", "disable")
        .set("SEMILAYER_SOURCE_SHOP_PASSWORD_FILE", &secret);
    let runner = stack.runner(&options).await;
    stack.rotate().await;
    stack.until_refused().await;
    stack.put("password", &format!("{NEW_PASSWORD}\n"));
    let (status, body) = stack.test().await;
    assert_eq!(status, StatusCode::OK, "{body}\n{}", said(&runner));
    let said = said(&runner);
    assert!(!said.contains(APP_PASSWORD) && !said.contains(NEW_PASSWORD), "{said}");
}

#[tokio::test]
async fn a_password_rotated_in_the_configuration_file_is_taken_without_a_signal() {
    let stack = Stack::start().await;
    let file = stack.configure(APP_USER, APP_PASSWORD);
    let runner = stack.runner(&RunnerOptions::default().set("SEMILAYER_CONFIG", file)).await;
    stack.rotate().await;
    stack.until_refused().await;
    // A file that is being edited changes nothing, and is told.
    stack.put("runner.toml", "[sources.shop]\npassword = \"");
    let (status, body) = stack.test().await;
    assert_ne!(status, StatusCode::OK, "{body}");
    runner.process().wait_for_line("what was read before stays in force", LIMIT).await.unwrap();
    stack.configure(APP_USER, NEW_PASSWORD);
    let (status, body) = stack.test().await;
    assert_eq!(status, StatusCode::OK, "{body}\n{}", said(&runner));
    let said = said(&runner);
    assert!(!said.contains(APP_PASSWORD) && !said.contains(NEW_PASSWORD), "{said}");
}

#[tokio::test]
async fn at_sighup_the_file_is_read_again_and_the_next_job_sees_it() {
    let stack = Stack::start().await;
    stack.admin.batch_execute(&format!("CREATE DATABASE other OWNER {APP_USER}")).await.unwrap();
    let file = stack.configure(APP_USER, APP_PASSWORD);
    let runner = stack.runner(&RunnerOptions::default().set("SEMILAYER_CONFIG", file)).await;
    let backends = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND datname = 'other'";
    let of_other = async || stack.admin.query_one(backends, &[&APP_USER]).await.unwrap().get::<_, i64>(0);
    stack.configure("other", APP_PASSWORD);
    assert_eq!(stack.test().await.0, StatusCode::OK);
    assert_eq!(of_other().await, 0, "it was read without being asked to");
    runner.process().signal(Signal::HUP).unwrap();
    runner.process().wait_for_line("SIGHUP received", LIMIT).await.unwrap();
    assert_eq!(stack.test().await.0, StatusCode::OK);
    assert!(of_other().await > 0, "{}", said(&runner));
    // A file that cannot be understood leaves everything as it is.
    stack.put("runner.toml", "[sources.shop]\npassword = \"");
    runner.process().signal(Signal::HUP).unwrap();
    runner.process().wait_for_line("what was read before stays in force", LIMIT).await.unwrap();
    assert_eq!(stack.test().await.0, StatusCode::OK);
}
