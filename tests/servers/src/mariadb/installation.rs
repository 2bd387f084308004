//! A server's files, and the process on them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

use super::connect_as_admin;
use crate::certificates::CertificateFiles;
use crate::launch::Launch;
use crate::port::free_port;
use crate::process::{Exit, Process};
use crate::workspace::ServerDirectory;

/// The longest a server may take to answer; it takes a second on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Starts tried, since the port found free may be taken by another.
const STARTS: usize = 5;

/// Small files that nobody waits for: the data has to survive the server's death, not the machine's.
const SMALL: [&str; 5] = [
    "--innodb-log-file-size=16M",
    "--innodb-buffer-pool-size=64M",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-doublewrite=0",
    "--innodb-flush-method=nosync",
];

pub(super) async fn install(installer: &Path, directory: &ServerDirectory) -> Result<()> {
    let launch = Launch::new(installer)
        .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
        .arg(format!("--datadir={}", directory.path().join("data").display()))
        .arg(format!("--tmpdir={}", directory.path().display()))
        .args(SMALL)
        .env("HOME", directory.path())
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .current_dir(directory.path())
        .unprivileged();
    let process = Process::start(&launch)?;
    match process.wait(START_LIMIT).await? {
        Exit::Code(0) => Ok(()),
        exit => bail!("mariadb-install-db ended with {exit:?}:\n{}", process.tail()),
    }
}

pub(super) fn server(
    program: &Path,
    directory: &ServerDirectory,
    tls: Option<&CertificateFiles>,
    settings: &[(String, String)],
) -> Launch {
    let path = |name: &str| directory.path().join(name).display().to_string();
    let mut launch = Launch::new(program)
        .arg("--no-defaults")
        .arg(format!("--datadir={}", path("data")))
        .arg(format!("--socket={}", path("socket")))
        .arg(format!("--pid-file={}", path("pid")))
        .arg(format!("--tmpdir={}", directory.path().display()))
        .args(["--bind-address=127.0.0.1", "--skip-log-bin", "--skip-name-resolve", "--max-connections=100"])
        .args(SMALL);
    if let Some(files) = tls {
        launch = launch
            .arg(format!("--ssl-cert={}", files.certificate.display()))
            .arg(format!("--ssl-key={}", files.key.display()))
            .arg(format!("--ssl-ca={}", files.authority.display()));
    }
    launch
        .args(settings.iter().map(|(name, value)| format!("--{name}={value}")))
        .env("HOME", directory.path())
        .current_dir(directory.path())
        .unprivileged()
}

pub(super) fn with_port(launch: &Launch, port: u16) -> Launch {
    launch.clone().arg(format!("--port={port}"))
}

pub(super) async fn start_on_a_free_port(launch: &Launch, socket: &Path) -> Result<(Process, u16)> {
    let mut last = None;
    for _ in 0..STARTS {
        let port = free_port()?;
        let process = Process::start(&with_port(launch, port))?;
        match until_it_answers(&process, socket).await {
            Ok(()) => return Ok((process, port)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("no start was tried")))
}

pub(super) async fn until_it_answers(process: &Process, socket: &Path) -> Result<()> {
    const STEP: Duration = Duration::from_millis(10);
    let deadline = Instant::now() + START_LIMIT;
    loop {
        let refused = match connect_as_admin(socket).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        if let Some(exit) = process.exit() {
            bail!("MariaDB ended with {exit:?} while starting:\n{}", process.tail());
        }
        if Instant::now() > deadline {
            return Err(refused.context(format!("MariaDB does not answer:\n{}", process.tail())));
        }
        tokio::time::sleep(STEP).await;
    }
}
