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
    /// Show the sources that the environment and the file configure
    Sources {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Ask the runner of this machine whether it lives, on the port that PORT names; for a container's HEALTHCHECK
    Healthcheck,
    /// Show drivers and modules, look into a module, compile it, or begin one
    #[command(subcommand)]
    Connectors(ConnectorsCommand),
    /// Ask this machine's policy about a job
    #[command(subcommand)]
    Policy(PolicyCommand),
}

/// What the policy is asked.
#[derive(Debug, Clone, Subcommand)]
pub enum PolicyCommand {
    /// Say whether a job would be allowed, and why not; opens its source where a rule needs the target's schema
    Check(CheckFlags),
}

/// Which job `policy check` is about and how it answers.
#[derive(Debug, Clone, Args)]
pub struct CheckFlags {
    /// A JSON file: {"source": …, "kind": …, "target": …, "options": {…}}, and "bridge" where the source does not say
    #[arg(long, value_name = "FILE")]
    pub job: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Ask no database; what needs one stays open (exit code 1)
    #[arg(long)]
    pub offline: bool,
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

/// Settings on the command line. They win over variables and the file.
#[derive(Debug, Clone, Default, Args)]
#[allow(rustdoc::broken_intra_doc_links, reason = "the help text names each flag's variable in brackets")]
pub struct Flags {
    /// The runner's id (UUID) or name [SEMILAYER_RUNNER_ID]
    #[arg(long, global = true, value_name = "ID")]
    pub id: Option<String>,
    /// The runner's token, rk_…; other users of this machine can see a command line, so prefer the variable [SEMILAYER_RUNNER_TOKEN]
    #[arg(long, global = true, value_name = "TOKEN")]
    pub token: Option<Secret>,
    /// The gateway's URL [SEMILAYER_GATEWAY_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub gateway: Option<String>,
    /// Permit ws:// to another machine: the token then crosses the network in clear
    #[arg(long, global = true)]
    pub insecure_gateway: bool,
    /// The proxy to the gateway, http://, https://, socks5:// or socks5h://, or none; for one with a password prefer the variable [SEMILAYER_PROXY; HTTPS_PROXY, ALL_PROXY, NO_PROXY]
    #[arg(long, global = true, value_name = "URL")]
    pub proxy: Option<Secret>,
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
    /// Whether /metrics answers under PORT (on); on or off [SEMILAYER_METRICS]
    #[arg(long, global = true, value_name = "on|off", num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    pub metrics: Option<String>,
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

/// A secret on the command line; never printed.
#[derive(Clone)]
pub struct Secret(pub secrecy::SecretString);

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Secret(text.into()))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}
