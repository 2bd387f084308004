//! How a program is to be started.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::install;

/// The user that servers run as when the tests run as root: `nobody`. Database servers refuse root.
pub(crate) const UNPRIVILEGED: u32 = 65534;

/// A program, its arguments and its whole environment: nothing is inherited.
#[derive(Debug, Clone)]
pub struct Launch {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    unprivileged: bool,
}

impl Launch {
    /// A program by its path, without arguments and with an empty environment.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: None,
            unprivileged: false,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Sets the working directory; otherwise it is the tests' own.
    #[must_use]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Runs the program as `nobody` when the tests run as root.
    #[must_use]
    pub const fn unprivileged(mut self) -> Self {
        self.unprivileged = true;
        self
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// `setpriv` becomes the program, so the process id is the program's own.
    pub(crate) fn command(&self) -> Result<Command> {
        let mut command = Command::new(install::program("setpriv", "util-linux")?);
        command.arg("--pdeathsig=KILL");
        if self.unprivileged && rustix::process::geteuid().is_root() {
            command
                .arg(format!("--reuid={UNPRIVILEGED}"))
                .arg(format!("--regid={UNPRIVILEGED}"))
                .arg("--clear-groups");
        }
        command.arg("--").arg(&self.program).args(&self.arguments);
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command.process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command)
    }
}
