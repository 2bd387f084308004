//! Connector components, built for wasm32-wasip2 and found: those that ship, and the tests' own guests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// What a component is built for; `rustup target add wasm32-wasip2` installs it.
const TARGET: &str = "wasm32-wasip2";

/// A component of connectors/components by its package name, built when it is not up to date, once a process.
///
/// # Errors
/// When it does not build; cargo's messages go to standard error.
pub fn component(name: &str) -> Result<PathBuf> {
    built("connectors/components", name)
}

/// A guest of tests/guests by its package name; otherwise as [`component`].
///
/// # Errors
/// As [`component`].
pub fn guest(name: &str) -> Result<PathBuf> {
    built("tests/guests", name)
}

fn built(workspace: &'static str, name: &str) -> Result<PathBuf> {
    static BUILT: Mutex<Vec<(&str, String, PathBuf)>> = Mutex::new(Vec::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, _, path)) = built.iter().find(|(at, known, _)| *at == workspace && known == name) {
        return Ok(path.clone());
    }
    let path = build(workspace, name)?;
    built.push((workspace, name.to_owned(), path.clone()));
    Ok(path)
}

/// A line of cargo's message format, as far as it is of interest here.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

fn build(workspace: &str, name: &str) -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--message-format=json-render-diagnostics", "--release"])
        .args(["--target", TARGET, "--package", name])
        // Beside the host's own artifacts, so that neither build locks the other out.
        .arg("--target-dir")
        .arg(target_directory(&root)?.join("components"))
        .current_dir(root.join(workspace))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("running cargo build")?;
    if !output.status.success() {
        bail!(
            "cargo build of {name} in {workspace} for {TARGET} failed ({}); its messages are above, and \
             `rustup target add {TARGET}` installs the target",
            output.status
        );
    }
    let crate_name = name.replace('-', "_");
    let messages: Vec<Message> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(serde_json::from_slice)
        .collect::<Result<_, _>>()
        .context("reading cargo's messages")?;
    messages
        .into_iter()
        .filter(|message| {
            message.target.as_ref().is_some_and(|target| target.name.replace('-', "_") == crate_name)
        })
        .flat_map(|message| message.filenames)
        .find(|file| file.extension().is_some_and(|extension| extension == "wasm"))
        .with_context(|| format!("cargo built no component named {name} in {workspace}"))
}

/// The target directory, wherever the configuration or the environment puts it.
fn target_directory(root: &Path) -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1"])
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("running cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed ({}); its messages are above", output.status);
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("reading cargo's metadata")?;
    Ok(metadata.target_directory)
}
