//! The ClickHouse server that Debian has: 18.16, from before parameters could be bound. Who may log in, and who is told
//! what, was much the same then.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::launch::Launch;
use crate::port::free_port;
use crate::postgres::{APP_PASSWORD, APP_USER};
use crate::process::Process;
use crate::workspace::ServerDirectory;
use crate::{install, url};

/// The longest it may take to answer.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Starts tried, since a port found free may be taken by another.
const STARTS: usize = 5;

/// A running server of that age with one user. It ends when dropped.
#[derive(Debug)]
pub struct OldClickHouse {
    process: Process,
    port: u16,
    // Last, so that the server has ended before its files go.
    _directory: ServerDirectory,
}

impl OldClickHouse {
    /// Starts a server on no data and waits until it answers.
    ///
    /// # Errors
    /// When it is not installed, or does not start; the error shows what it printed.
    pub async fn start() -> Result<Self> {
        let program = install::program("clickhouse-server", "clickhouse-server")?;
        let directory = ServerDirectory::new("ch18")?;
        directory.write("users.xml", &users())?;
        let mut last = None;
        for _ in 0..STARTS {
            let port = free_port()?;
            let text = configuration(&directory.path().display().to_string(), port);
            let launch = Launch::new(&program)
                .arg(format!("--config-file={}", directory.write("config.xml", &text)?.display()))
                .env("HOME", directory.path())
                .current_dir(directory.path())
                .unprivileged();
            let process = Process::start(&launch)?;
            match process.wait_for_line("Ready for connections", START_LIMIT).await {
                Ok(_) => return Ok(Self { process, port, _directory: directory }),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("no start was tried")?)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The URL of its only database, with user and password.
    #[must_use]
    pub fn url(&self) -> String {
        url::clickhouse(APP_USER, APP_PASSWORD, self.port, "default")
    }

    /// Kills the server, as a power cut would.
    ///
    /// # Errors
    /// When it survives.
    pub async fn kill(&self) -> Result<()> {
        self.process.kill9().await
    }
}

fn configuration(directory: &str, port: u16) -> String {
    format!(
        "<yandex><logger><level>information</level><console>1</console></logger>\
         <listen_host>127.0.0.1</listen_host><http_port>{port}</http_port>\
         <path>{directory}/data/</path><tmp_path>{directory}/tmp/</tmp_path>\
         <users_config>users.xml</users_config><default_profile>default</default_profile>\
         <default_database>default</default_database><mark_cache_size>5242880</mark_cache_size></yandex>\n"
    )
}

fn users() -> String {
    let password = APP_PASSWORD.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<yandex><profiles><default></default></profiles><quotas><default></default></quotas><users><{APP_USER}>\
         <password>{password}</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>\
         <quota>default</quota></{APP_USER}></users></yandex>\n"
    )
}
