//! The programs under test, built as they ship but with names for a profiler.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

const RUNNER: &str = "semilayer-runner";
const ENCODER: &str = "encoder";

/// Where the programs are.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    /// The runner.
    pub(crate) runner: PathBuf,
    /// The row writer alone.
    pub(crate) encoder: PathBuf,
    /// This program.
    pub(crate) own: PathBuf,
    /// Cargo's target directory.
    pub(crate) target: PathBuf,
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

#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
}

impl Programs {
    /// Builds what is not up to date, in the profile of this program; or takes the given runner.
    ///
    /// # Errors
    /// When it does not build; cargo's messages go to standard error.
    pub(crate) fn find(runner: Option<&Path>) -> Result<Programs> {
        let own = std::env::current_exe().context("finding this program")?;
        let metadata = cargo(&["metadata", "--format-version=1", "--no-deps"])?;
        let metadata: Metadata = serde_json::from_slice(&metadata).context("reading cargo's metadata")?;
        Ok(Programs {
            // Alone, so that no other package's features get into it.
            runner: runner
                .map_or_else(|| build("semilayer-runner", RUNNER), |runner| Ok(runner.to_owned()))?,
            encoder: match runner {
                Some(_) => own.with_file_name(ENCODER),
                None => build("bench", ENCODER)?,
            },
            own,
            target: metadata.target_directory,
        })
    }
}

/// Builds one program in the profile that ships with names for a profiler, and gives its path.
fn build(package: &str, name: &str) -> Result<PathBuf> {
    let arguments = vec![
        "build",
        "--profile=bench",
        "--message-format=json-render-diagnostics",
        "--package",
        package,
        "--bin",
        name,
    ];
    let messages: Vec<Message> = cargo(&arguments)?
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(serde_json::from_slice)
        .collect::<Result<_, _>>()
        .context("reading cargo's messages")?;
    let named = messages
        .into_iter()
        .filter(|message| message.target.as_ref().is_some_and(|target| target.name == name))
        .find_map(|message| message.executable);
    named.with_context(|| format!("cargo built no program named {name}"))
}

fn cargo(arguments: &[&str]) -> Result<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(&root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("running cargo")?;
    if !output.status.success() {
        bail!(
            "cargo {} ended with {}; its messages are above",
            arguments.first().unwrap_or(&""),
            output.status
        );
    }
    Ok(output.stdout)
}
