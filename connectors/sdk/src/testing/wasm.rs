//! A built component, tested by the runner.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result, internal};

/// The built component at `path`, to be tested by `semilayer-runner connectors test`: in its sandbox, with the whole
/// suite, against the server that its settings name.
pub fn wasm(path: impl AsRef<Path>) -> Suite {
    Suite {
        module: path.as_ref().to_owned(),
        runner: PathBuf::from("semilayer-runner"),
        settings: Vec::new(),
        arguments: Vec::new(),
    }
}

/// A run of the suite.
#[derive(Debug, Clone)]
pub struct Suite {
    module: PathBuf,
    runner: PathBuf,
    settings: Vec<(String, String)>,
    arguments: Vec<OsString>,
}

impl Suite {
    /// The runner's program, if it is not the one on the path.
    #[must_use]
    pub fn runner(mut self, program: impl Into<PathBuf>) -> Suite {
        self.runner = program.into();
        self
    }

    /// One setting of the source.
    #[must_use]
    pub fn config(mut self, key: &str, value: &str) -> Suite {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// One more argument of `connectors test`.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<OsString>) -> Suite {
        self.arguments.push(argument.into());
        self
    }

    /// Runs it, and returns its report.
    ///
    /// # Errors
    /// `CONNECTOR_FAILED` with the report when a check failed, or with what kept the runner from starting.
    pub fn run(&self) -> Result<String> {
        let output = self.command().output().map_err(|failed| self.not_started(&failed))?;
        let mut report = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(report);
        }
        report.push_str(&String::from_utf8_lossy(&output.stderr));
        Err(internal(format!("{} failed its tests:\n{report}", self.module.display())))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.runner);
        command.args(["connectors", "test"]).arg(&self.module);
        for (key, value) in &self.settings {
            command.arg("--config").arg(format!("{key}={value}"));
        }
        command.args(&self.arguments);
        command
    }

    fn not_started(&self, failed: &std::io::Error) -> Error {
        let program = self.runner.display();
        internal(format!("{program} cannot be started ({failed}); install it, or name it by `runner`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_handed_on_and_a_failure_brings_the_report() {
        let suite = wasm("a.wasm").config("url", "http://h").argument("--target").argument("items");
        let arguments: Vec<String> =
            suite.command().get_args().map(|argument| argument.to_string_lossy().into_owned()).collect();
        assert_eq!(
            arguments,
            ["connectors", "test", "a.wasm", "--config", "url=http://h", "--target", "items"]
        );
        // `false` takes any arguments and fails, `true` takes any and does not.
        assert!(
            suite.clone().runner("false").run().unwrap_err().message().contains("a.wasm failed its tests")
        );
        assert_eq!(suite.clone().runner("true").run().unwrap(), "");
        let missing = suite.runner("/nowhere/semilayer-runner").run().unwrap_err();
        assert!(missing.message().contains("cannot be started"), "{missing}");
    }
}
