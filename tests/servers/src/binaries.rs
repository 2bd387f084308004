//! The project's own programs, built and found.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// How the programs are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build.
    Dev,
    /// As shipped; what figures are measured on.
    Release,
}

/// Where the programs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// `semilayer-runner`.
    pub runner: PathBuf,
    /// `semilayer-gateway`.
    pub gateway: PathBuf,
}

const RUNNER: &str = "semilayer-runner";
const GATEWAY: &str = "semilayer-gateway";

/// Builds both programs when they are not up to date, once a process and profile.
///
/// # Errors
/// When they do not build; cargo's messages go to standard error.
pub fn binaries(profile: Profile) -> Result<Binaries> {
    static BUILT: Mutex<Vec<(Profile, Binaries)>> = Mutex::new(Vec::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, binaries)) = built.iter().find(|(known, _)| *known == profile) {
        return Ok(binaries.clone());
    }
    let binaries = build(profile)?;
    built.push((profile, binaries.clone()));
    Ok(binaries)
}

/// A line of cargo's message format, as far as it is of interest here.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

fn build(profile: Profile) -> Result<Binaries> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["build", "--quiet", "--message-format=json-render-diagnostics", "--bins"])
        .args(["--package", RUNNER, "--package", GATEWAY])
        .current_dir(&root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    if profile == Profile::Release {
        command.arg("--release");
    }
    let output = command.output().context("running cargo build")?;
    if !output.status.success() {
        bail!("cargo build of {RUNNER} and {GATEWAY} failed ({}); its messages are above", output.status);
    }
    // Where they are, cargo says itself: the target directory may be anywhere.
    let messages: Vec<Message> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(serde_json::from_slice)
        .collect::<Result<_, _>>()
        .context("reading cargo's messages")?;
    let find = |name: &str| {
        messages
            .iter()
            .find(|message| {
                message.target.as_ref().is_some_and(|target| target.name == name)
                    && message.executable.is_some()
            })
            .and_then(|message| message.executable.clone())
            .with_context(|| format!("cargo built no program named {name}"))
    };
    Ok(Binaries { runner: find(RUNNER)?, gateway: find(GATEWAY)? })
}
