//! A runner process.

use anyhow::Result;
use test_servers::{Exit, Launch, Process, Profile, binaries};

use crate::LIMIT;
use crate::gateway::{Gateway, Identity};

/// What a runner is told beside who it is.
#[derive(Debug, Clone, Default)]
pub struct RunnerOptions {
    /// Variables.
    pub variables: Vec<(String, String)>,
}

impl RunnerOptions {
    /// Sets a variable.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> RunnerOptions {
        self.variables.push((name.to_owned(), value.into()));
        self
    }
}

/// A running runner.
pub struct Runner {
    process: Process,
    launch: Launch,
}

impl Runner {
    /// The program with a command, in the environment of a runner of that gateway.
    ///
    /// # Errors
    /// When it does not build.
    pub fn launch(gateway: &Gateway, identity: &Identity, options: &RunnerOptions) -> Result<Launch> {
        let mut launch = Launch::new(binaries(Profile::Dev)?.runner)
            .env("SEMILAYER_RUNNER_ID", &identity.id)
            .env("SEMILAYER_RUNNER_TOKEN", &identity.token)
            .env("SEMILAYER_GATEWAY_URL", gateway.connect_url());
        for (name, value) in &options.variables {
            launch = launch.env(name, value);
        }
        Ok(launch)
    }

    /// Starts a runner and waits until it is connected.
    ///
    /// # Errors
    /// When it never is.
    pub async fn start(gateway: &Gateway, identity: &Identity, options: &RunnerOptions) -> Result<Runner> {
        let runner = Self::spawn(gateway, identity, options)?;
        runner.process.wait_for_line("connected, awaiting jobs", LIMIT).await?;
        Ok(runner)
    }

    /// Starts a runner.
    ///
    /// # Errors
    /// When the process does not start.
    pub fn spawn(gateway: &Gateway, identity: &Identity, options: &RunnerOptions) -> Result<Runner> {
        let launch = Self::launch(gateway, identity, options)?;
        Ok(Runner { process: Process::start(&launch.clone().arg("start"))?, launch })
    }

    /// Runs another command of the program in the same environment, to its end: how it ended, what it printed.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn command(launch: &Launch, arguments: &[&str]) -> Result<(Exit, String, String)> {
        let process = Process::start(&launch.clone().args(arguments.iter().copied()))?;
        let exit = process.wait(LIMIT).await?;
        let text = |origin| process.text(origin);
        Ok((exit, text(test_servers::Origin::Stdout), text(test_servers::Origin::Stderr)))
    }

    /// How it was launched.
    pub fn launched(&self) -> &Launch {
        &self.launch
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }
}
