//! The program's arguments, and what each does.

use std::io::{IsTerminal as _, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use secrecy::ExposeSecret as _;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::admin::{self, AdminCommand};
use crate::environment::Environment;
use crate::settings::Settings;
use crate::start::{Running, start};

/// The gateway between HTTP callers and runners.
#[derive(Debug, Parser)]
#[command(name = "semilayer-gateway", version, about, propagate_version = true)]
pub struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Serve until SIGTERM or SIGINT. DATABASE_URL is required
    Serve,
    /// Change or list things of a running gateway, found at GATEWAY_URL with GATEWAY_ADMIN_TOKEN
    Admin(AdminCommand),
}

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Success,
    /// It did not.
    Failure,
    /// A setting is missing or makes no sense.
    Configuration,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Success => Self::SUCCESS,
            Exit::Failure => Self::FAILURE,
            Exit::Configuration => Self::from(2),
        }
    }
}

/// Does what the arguments say.
pub async fn run(
    command: Command,
    environment: &Environment,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> Exit {
    // A second call finds a provider installed already, which is as good.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        tracing::debug!("a TLS provider was installed before");
    }
    match command.action {
        Action::Serve => serve(environment, out, err).await,
        Action::Admin(command) => admin::run(command, environment, out, err).await,
    }
}

/// Writes a line for a person. A closed pipe is no reason to stop.
pub(crate) fn say(to: &mut (dyn Write + Send), line: impl std::fmt::Display) {
    if let Err(error) = writeln!(to, "{line}").and_then(|()| to.flush()) {
        tracing::debug!(%error, "a line could not be printed");
    }
}

async fn serve(
    environment: &Environment,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> Exit {
    let settings = match Settings::from_environment(environment) {
        Ok(settings) => settings,
        Err(error) => {
            say(err, error);
            return Exit::Configuration;
        }
    };
    if let Err(problem) = log(environment) {
        say(err, problem);
        return Exit::Configuration;
    }
    let given = settings.admin_token.is_some();
    // Caught before anything is opened, so that a signal during the start also ends it cleanly.
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        say(err, "error: signals cannot be caught on this system");
        return Exit::Failure;
    };
    let running = match start(settings).await {
        Ok(running) => running,
        Err(error) => {
            say(err, format_args!("error: {error}"));
            return Exit::Failure;
        }
    };
    announce(&running, given, out);
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM received, stopping"),
        _ = interrupt.recv() => tracing::info!("SIGINT received, stopping"),
    }
    running.stop().await;
    Exit::Success
}

fn announce(running: &Running, given: bool, out: &mut (dyn Write + Send)) {
    say(out, format_args!("semilayer-gateway serves {} (runners: {})", running.url(), running.connect_url()));
    if let Some(token) = running.admin_token().filter(|_| !given) {
        say(out, "admin token, shown only this once:");
        say(out, format_args!("GATEWAY_ADMIN_TOKEN={}", token.expose_secret()));
    }
}

/// Begins logging to stderr: `GATEWAY_LOG` is a filter, `GATEWAY_LOG_FORMAT` is `text` or `json`.
fn log(environment: &Environment) -> Result<(), String> {
    let filter = environment.get("GATEWAY_LOG").map_err(|error| error.to_string())?;
    let filter = EnvFilter::try_new(filter.as_deref().unwrap_or("info"))
        .map_err(|error| format!("GATEWAY_LOG: {error}"))?;
    let format = environment.get("GATEWAY_LOG_FORMAT").map_err(|error| error.to_string())?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let begun = match format.as_deref() {
        None | Some("text") => lines.try_init(),
        Some("json") => lines.json().try_init(),
        Some(_) => return Err("GATEWAY_LOG_FORMAT: text or json".to_owned()),
    };
    begun.map_err(|error| format!("logging could not begin: {error}"))
}
