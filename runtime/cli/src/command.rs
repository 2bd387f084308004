//! From the process to a command and back to an exit code.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Parser;
use clap::error::ErrorKind;
use runner_link::Signals;
use tokio::runtime::Runtime;

use crate::arguments::{Arguments, Command, ConfigCommand, Flags};
use crate::config::{Shown, schema};
use crate::connectors::loading::Loaded;
use crate::connectors::{self, ConnectorsError};
use crate::exit::Exit;
use crate::settings::{ConfigError, Connection, Layers, Logging, Settings, SourceSettings, connection};
use crate::signals::OsSignals;
use crate::start::Runner;
use crate::variables::Variables;
use crate::{diag, doctor, log_output, sources, status, test_source};

/// Threads that run jobs, at most. A runner waits for networks; what it computes is JSON.
const MAX_WORKERS: usize = 4;

/// What the operating system hands to the program.
pub struct Process<'a> {
    /// The command line, the program's name included.
    pub arguments: Vec<OsString>,
    /// The environment.
    pub variables: Variables,
    /// Where a configuration file is looked for.
    pub folders: Vec<PathBuf>,
    /// Whether `out` is a terminal.
    pub is_terminal: bool,
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Standard error.
    pub err: &'a mut dyn Write,
}

/// Why a command ended without its own exit code.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the runtime cannot start: {0}")]
    Runtime(io::Error),
    #[error(transparent)]
    Log(#[from] log_output::LogError),
    #[error("the output cannot be written: {0}")]
    Output(io::Error),
    #[error(transparent)]
    Connectors(#[from] ConnectorsError),
    #[error(transparent)]
    Diag(#[from] diag::DiagError),
}

/// Runs the program.
pub fn run(process: &mut Process<'_>) -> Exit {
    // Fails only where somebody has chosen a provider before, who then means it.
    let _chosen = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let Arguments { command, mut flags } = match Arguments::try_parse_from(&process.arguments) {
        Ok(arguments) => arguments,
        Err(answer) => return explain(process, &answer),
    };
    if let Some(Command::Connectors(command)) = &command {
        command.correct(&mut flags);
    }
    match dispatch(process, command.unwrap_or(Command::Start), flags) {
        Ok(exit) => exit,
        Err(failure) => {
            // With standard error gone there is nobody left to tell.
            let _told = writeln!(process.err, "error: {failure}");
            match failure {
                Failure::Config(_) => Exit::Config,
                Failure::Runtime(_)
                | Failure::Log(_)
                | Failure::Output(_)
                | Failure::Connectors(_)
                | Failure::Diag(_) => Exit::Failed,
            }
        }
    }
}

/// Prints help, version, or what is wrong with the arguments.
fn explain(process: &mut Process<'_>, answer: &clap::Error) -> Exit {
    let text = answer.render();
    let (out, exit) = match answer.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => (&mut *process.out, Exit::Ok),
        _ => (&mut *process.err, Exit::Config),
    };
    match write!(out, "{text}") {
        Ok(()) => exit,
        Err(_) => Exit::Failed,
    }
}

fn dispatch(process: &mut Process<'_>, command: Command, flags: Flags) -> Result<Exit, Failure> {
    let layers = Layers::read(flags, process.variables.clone(), &process.folders);
    match command {
        Command::Start => start(&layers?),
        Command::Status => {
            let connection = Connection::read(&layers?)?;
            status::print(&connection, process.out).map_err(Failure::Output)?;
            Ok(Exit::Ok)
        }
        Command::Doctor(asked) => {
            let exit = runtime()?.block_on(doctor::run(&asked, layers, process.is_terminal, process.out));
            exit.map_err(Failure::Output)
        }
        Command::TestSource(asked) => {
            let report = runtime()?.block_on(test_source::run(&asked, &layers?))?;
            report.print(process.is_terminal, process.out).map_err(Failure::Output)
        }
        Command::Config(ConfigCommand::Show { effective, json }) => {
            let shown = runtime()?.block_on(Shown::of(&layers?));
            shown.print(effective, json, process.out).map_err(Failure::Output)
        }
        Command::Config(ConfigCommand::Schema) => {
            writeln!(process.out, "{:#}", schema::schema()).map_err(Failure::Output)?;
            Ok(Exit::Ok)
        }
        Command::Diag(asked) => {
            Ok(runtime()?.block_on(diag::run(&asked, &layers, process.out, process.err))?)
        }
        Command::Sources { json } => {
            let layers = layers?;
            let (settings, modules) = (SourceSettings::read(&layers)?, connectors::settings(&layers)?);
            let loaded = runtime()?.block_on(Loaded::load(&modules));
            let found = sources::find(&settings, &loaded)?;
            sources::print(&found, json, process.out).map_err(Failure::Output)
        }
        Command::Connectors(command) => {
            let layers = layers?;
            let (modules, ca_files) = (connectors::settings(&layers)?, connection::ca_files(&layers)?);
            let running = connectors::run(command, &modules, &ca_files, process.out, process.err);
            Ok(runtime()?.block_on(running)?)
        }
    }
}

fn start(layers: &Layers) -> Result<Exit, Failure> {
    let logging = Logging::read(layers)?;
    let mut settings = Settings::read(layers)?;
    settings.modules = connectors::settings(layers)?;
    let _written_at_the_end = log_output::install(logging)?;
    runtime()?.block_on(async {
        let os_signals = OsSignals::catch().map_err(Failure::Runtime)?;
        let runner = Runner::prepare(settings).await?;
        let signals = Signals::default();
        tokio::spawn(os_signals.relay(signals.clone(), runner.reload()));
        Ok(runner.run(signals).await)
    })
}

fn runtime() -> Result<Runtime, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(MAX_WORKERS))
        .enable_all()
        .build()
        .map_err(Failure::Runtime)
}
