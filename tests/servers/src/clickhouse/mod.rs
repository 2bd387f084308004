//! ClickHouse: its engine of today behind a door of ours, and the server that Debian has.

mod ask;
mod debian;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::launch::Launch;
use crate::postgres::{APP_PASSWORD, APP_USER};
use crate::process::Process;
use crate::url;
use crate::workspace::ServerDirectory;

pub use debian::OldClickHouse;

/// The door, a program in Python.
const DOOR: &str = include_str!("engine.py");
/// Where the engine is installed, below the home directory: a virtual environment.
const ENVIRONMENT: &str = ".cache/semilayer/venv-chdb";
/// How it is installed.
const INSTALL: &str = "python3 -m venv ~/.cache/semilayer/venv-chdb && \
     ~/.cache/semilayer/venv-chdb/bin/pip install --no-deps chdb-core==26.9.0";
/// The longest it may take to answer.
const START_LIMIT: Duration = Duration::from_secs(60);
/// The user that may write.
const ADMIN: &str = "admin";
/// The user whose profile refuses every setting, as `readonly = 1` does.
pub(crate) const FIXED_USER: &str = "fixed";

/// How a server is to be set up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClickHouseOptions {
    /// Whether an exception among the rows is marked by a tag that a header has named, as servers since 25.11 do.
    pub tagged_exceptions: bool,
}

/// The engine with one user and a database of the same name. It ends when dropped.
#[derive(Debug)]
pub struct ClickHouse {
    process: Process,
    port: u16,
    program: PathBuf,
    script: PathBuf,
    options: ClickHouseOptions,
    // Last, so that the server has ended before its files go.
    directory: ServerDirectory,
}

impl ClickHouse {
    /// Starts it on no data and waits until it answers.
    ///
    /// # Errors
    /// When it is not installed, or does not start; the error shows what it printed.
    pub async fn start(options: ClickHouseOptions) -> Result<Self> {
        let program = python()?;
        let directory = ServerDirectory::new("ch")?;
        let script = directory.write("engine.py", DOOR)?;
        let (process, port) = start(&program, &script, directory.path(), options, 0).await?;
        Ok(Self { process, port, program, script, options, directory })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The URL of the tests' database, with user and password.
    #[must_use]
    pub fn url(&self) -> String {
        url::clickhouse(APP_USER, APP_PASSWORD, self.port, APP_USER)
    }

    /// The URL of the same for a user whose profile is `readonly = 1`.
    #[must_use]
    pub fn url_without_settings(&self) -> String {
        url::clickhouse(FIXED_USER, APP_PASSWORD, self.port, APP_USER)
    }

    /// Runs a statement that may do anything, in the tests' database; its result as tab-separated text.
    ///
    /// # Errors
    /// What the server answers instead.
    pub async fn execute(&self, statement: &str) -> Result<String> {
        ask::ask(self.port, (ADMIN, APP_PASSWORD), APP_USER, statement).await
    }

    /// The server's process, to be watched.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// Kills the server, as a power cut would.
    ///
    /// # Errors
    /// When it survives.
    pub async fn kill(&self) -> Result<()> {
        self.process.kill9().await
    }

    /// Starts the server again, on the same data and port; kills it before when it still runs.
    ///
    /// # Errors
    /// When it does not start, for example because another process has taken the port.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill().await?;
        let started =
            start(&self.program, &self.script, self.directory.path(), self.options, self.port).await?;
        (self.process, self.port) = started;
        Ok(())
    }
}

/// The interpreter of the environment that the engine is installed in. Its own place may be one that only the tests'
/// user can read: the engine runs as that user.
fn python() -> Result<PathBuf> {
    let home = std::env::var_os("HOME").context("HOME is not set")?;
    let environment = Path::new(&home).join(ENVIRONMENT);
    let program = environment.join("bin/python");
    let is_installed = std::fs::read_dir(environment.join("lib"))
        .into_iter()
        .flatten()
        .flatten()
        .any(|version| version.path().join("site-packages/chdb").is_dir());
    if !is_installed || !program.exists() {
        bail!("ClickHouse's engine is not installed; install it with: {INSTALL}");
    }
    Ok(program)
}

async fn start(
    program: &Path,
    script: &Path,
    directory: &Path,
    options: ClickHouseOptions,
    port: u16,
) -> Result<(Process, u16)> {
    let user = |settings| json!({ "password": APP_PASSWORD, "settings": settings });
    let options = json!({
        "port": port,
        "data": directory.join("data"),
        "tagged": options.tagged_exceptions,
        "users": {
            APP_USER: user(json!({})),
            FIXED_USER: user(json!({ "readonly": 1 })),
            ADMIN: user(json!({})),
        },
        "statements": [format!("CREATE DATABASE IF NOT EXISTS {APP_USER}")],
    });
    let launch = Launch::new(program)
        .arg("-u")
        .arg(script)
        .arg(options.to_string())
        .env("HOME", directory)
        .env("TZ", "America/St_Johns")
        .current_dir(directory);
    let process = Process::start(&launch)?;
    let line = process.wait_for_line("listening on ", START_LIMIT).await?;
    let port = line.rsplit(' ').next().and_then(|port| port.parse().ok());
    Ok((process, port.context("the server did not name its port")?))
}
