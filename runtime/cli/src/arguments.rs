//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::connectors::ConnectorsCommand;
use crate::version;

/// Connects a gateway to the databases of this network.
#[derive(Debug, Parser)]
#[command(
    name = "semilayer-runner",
    version = version::LONG,
    about = "Connects to a gateway and runs its jobs against the databases of this network",
    after_help = "Without a command: start. Every option has an environment variable, and each of those a _FILE form that names a file with the value."
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings given here.
    #[command(flatten)]
    pub flags: Flags,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Connect and serve jobs until SIGINT or SIGTERM (the default)
    Start,
    /// Check the configuration, the way to the gateway and every source; changes nothing
    Doctor(DoctorFlags),
    /// Show what is configured and where each value comes from; no network
    Status,
    /// Open one source as a job would, ask it for a sign of life, and show what it has
    TestSource(TestSourceFlags),
    /// Show every setting with its origin, or the schema of the configuration file
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write a support bundle: configuration without secrets, doctor's report, log lines
    Diag(DiagFlags),
    /// Show the sources that the environment and the file configure
    Sources {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show drivers and modules, look into a module, compile it, or begin one
    #[command(subcommand)]
    Connectors(ConnectorsCommand),
}

/// What `doctor` checks and how it answers.
#[derive(Debug, Clone, Default, Args)]
pub struct DoctorFlags {
    /// Check only this source; may be repeated
    #[arg(long = "source", value_name = "NAME")]
    pub sources: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Leave the gateway out
    #[arg(long)]
    pub offline: bool,
}

/// What `test-source` opens and how it answers.
#[derive(Debug, Clone, Args)]
pub struct TestSourceFlags {
    /// The source
    pub name: String,
    /// Read one row of this target and show the names and types of its columns, never a value
    #[arg(long, value_name = "TARGET")]
    pub target: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What to show of the configuration.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Show what is set, and by what; secrets are masked
    Show {
        /// Show what is in force: defaults too
        #[arg(long)]
        effective: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON schema of semilayer-runner.toml, for editors
    Schema,
}

/// What goes into a support bundle, and where it goes.
#[derive(Debug, Clone, Args)]
pub struct DiagFlags {
    /// Where to write it; `-` is standard output. Otherwise a new file in the working directory
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// A file with the runner's log, of which the end goes into the bundle; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub logs: Option<PathBuf>,
    /// Leave the gateway out of doctor's report
    #[arg(long)]
    pub offline: bool,
}

/// Settings on the command line. They win over variables and the file.
#[derive(Debug, Clone, Default, Args)]
#[allow(rustdoc::broken_intra_doc_links, reason = "the help text names each flag's variable in brackets")]
pub struct Flags {
    /// The runner's id (UUID) or name [SEMILAYER_RUNNER_ID]
    #[arg(long, global = true, value_name = "ID")]
    pub id: Option<String>,
    /// The runner's token, rk_…; other users of this machine can see a command line, so prefer the variable [SEMILAYER_RUNNER_TOKEN]
    #[arg(long, global = true, value_name = "TOKEN")]
    pub token: Option<Token>,
    /// The gateway's URL [SEMILAYER_GATEWAY_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub gateway: Option<String>,
    /// Permit ws:// to another machine: the token then crosses the network in clear
    #[arg(long, global = true)]
    pub insecure_gateway: bool,
    /// A PEM file with authorities to trust besides the system's; may be repeated [SEMILAYER_CA_FILE, NODE_EXTRA_CA_CERTS, SSL_CERT_FILE]
    #[arg(long = "ca-file", global = true, value_name = "FILE")]
    pub ca_files: Vec<PathBuf>,
    /// A PEM file with the certificate to show to the gateway [SEMILAYER_CLIENT_CERT]
    #[arg(long, global = true, value_name = "FILE")]
    pub client_cert: Option<String>,
    /// A PEM file with its private key [SEMILAYER_CLIENT_KEY]
    #[arg(long, global = true, value_name = "FILE")]
    pub client_key: Option<String>,
    /// The folder with connector modules, /connectors when it is there [SEMILAYER_CONNECTORS_DIR]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub connectors_dir: Option<String>,
    /// Jobs that run at once (256) [SEMILAYER_MAX_JOBS]
    #[arg(long, global = true, value_name = "N")]
    pub max_jobs: Option<String>,
    /// text or json [SEMILAYER_LOG_FORMAT]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// error, warn, info, debug, trace, or a filter such as info,runner_link=debug [SEMILAYER_LOG]
    #[arg(long, global = true, value_name = "FILTER")]
    pub log_level: Option<String>,
    /// The configuration file [SEMILAYER_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// A token on the command line; never printed.
#[derive(Clone)]
pub struct Token(pub secrecy::SecretString);

impl std::str::FromStr for Token {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Token(text.into()))
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}
