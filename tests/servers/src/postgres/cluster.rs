//! A cluster's files, and the server process on them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::Instant;
use tokio_postgres::{Client, NoTls};

use crate::certificates::CertificateFiles;
use crate::launch::Launch;
use crate::port::free_port;
use crate::process::{Exit, Process};
use crate::workspace::ServerDirectory;

/// The superuser, let in without a password over the Unix socket only.
pub(super) const ADMIN_USER: &str = "postgres";

/// The longest a server may take to answer; it takes a tenth of a second on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Starts tried, since the port found free may be taken by another.
const STARTS: usize = 5;

pub(super) async fn initialise(programs: &Path, directory: &ServerDirectory, data: &Path) -> Result<()> {
    let launch = Launch::new(programs.join("initdb"))
        .args(["--username", ADMIN_USER, "--auth=scram-sha-256", "--auth-local=trust"])
        .args(["--no-sync", "--locale=C.UTF-8", "--encoding=UTF8"])
        .arg("-D")
        .arg(data)
        .args(["--pwfile"])
        .arg(directory.write("admin-password", "not used: the superuser comes by the Unix socket\n")?)
        .env("HOME", directory.path())
        .env("PATH", "/usr/bin:/bin")
        .current_dir(directory.path())
        .unprivileged();
    let process = Process::start(&launch)?;
    match process.wait(START_LIMIT).await? {
        Exit::Code(0) => Ok(()),
        exit => bail!("initdb ended with {exit:?}:\n{}", process.tail()),
    }
}

pub(super) fn access_rules(first: &[String], tls: bool) -> String {
    let encrypted = tls.then_some("hostssl all all 127.0.0.1/32 scram-sha-256");
    let plain = [
        "local all postgres trust",
        "local all all scram-sha-256",
        "host all all 127.0.0.1/32 scram-sha-256",
    ];
    let lines = first.iter().map(String::as_str).chain(encrypted).chain(plain);
    lines.map(|line| format!("{line}\n")).collect()
}

pub(super) fn server(
    programs: &Path,
    directory: &ServerDirectory,
    data: &Path,
    files: &CertificateFiles,
    tls: bool,
    settings: &[(String, String)],
) -> Launch {
    let path = |path: &PathBuf| path.display().to_string();
    let mut all = vec![
        ("listen_addresses".to_owned(), "127.0.0.1".to_owned()),
        ("unix_socket_directories".to_owned(), directory.path().display().to_string()),
        // The data lives as long as the test.
        ("fsync".to_owned(), "off".to_owned()),
        ("full_page_writes".to_owned(), "off".to_owned()),
        ("max_connections".to_owned(), "100".to_owned()),
        ("password_encryption".to_owned(), "scram-sha-256".to_owned()),
    ];
    if tls {
        all.extend([
            ("ssl".to_owned(), "on".to_owned()),
            ("ssl_cert_file".to_owned(), path(&files.certificate)),
            ("ssl_key_file".to_owned(), path(&files.key)),
            ("ssl_ca_file".to_owned(), path(&files.authority)),
        ]);
    }
    all.extend(settings.iter().cloned());
    Launch::new(programs.join("postgres"))
        .arg("-D")
        .arg(data)
        .args(all.into_iter().map(|(name, value)| format!("--{name}={value}")))
        .env("HOME", directory.path())
        .env("LC_ALL", "C.UTF-8")
        .current_dir(directory.path())
        .unprivileged()
}

pub(super) fn with_port(launch: &Launch, port: u16) -> Launch {
    launch.clone().arg(format!("--port={port}"))
}

pub(super) async fn start_on_a_free_port(launch: &Launch, sockets: &Path) -> Result<(Process, u16)> {
    let mut last = None;
    for _ in 0..STARTS {
        let port = free_port()?;
        let process = Process::start(&with_port(launch, port))?;
        match until_it_answers(&process, sockets, port).await {
            Ok(()) => return Ok((process, port)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("no start was tried")))
}

pub(super) async fn until_it_answers(process: &Process, sockets: &Path, port: u16) -> Result<()> {
    const STEP: Duration = Duration::from_millis(10);
    let deadline = Instant::now() + START_LIMIT;
    loop {
        let refused = match connect_as_admin(sockets, port, ADMIN_USER).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        if let Some(exit) = process.exit() {
            bail!("PostgreSQL ended with {exit:?} while starting:\n{}", process.tail());
        }
        if Instant::now() > deadline {
            return Err(refused.context(format!("PostgreSQL does not answer:\n{}", process.tail())));
        }
        tokio::time::sleep(STEP).await;
    }
}

pub(super) async fn connect_as_admin(sockets: &Path, port: u16, database: &str) -> Result<Client> {
    let mut config = tokio_postgres::Config::new();
    config.host_path(sockets).port(port).user(ADMIN_USER).dbname(database);
    let (client, connection) = config.connect(NoTls).await.context("connecting as the superuser")?;
    // It ends when the client is dropped; what broke it off, the client's next call reports.
    tokio::spawn(connection);
    Ok(client)
}
