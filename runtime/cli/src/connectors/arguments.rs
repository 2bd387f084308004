//! The command line of `connectors`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::arguments::Flags;

/// What to do with connectors.
#[derive(Debug, Clone, Subcommand)]
pub enum ConnectorsCommand {
    /// Show the drivers and modules that are served, and modules that are not and why
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show what a module says of itself and what it would be granted; nothing of it runs
    Inspect {
        /// The module's .wasm file
        file: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Hold a module against the contract: over a target of a real source that has at most 10,000 rows; nothing is written
    Test {
        /// The module's .wasm file
        file: PathBuf,
        /// A setting of the source, as often as there are settings; without a `=`, the runner's configuration file. Other
        /// users of this machine can see a command line: name a login that can only read
        #[arg(long, value_name = "KEY=VALUE")]
        config: Vec<PathBuf>,
        /// The target; otherwise the first that is small enough and not empty
        #[arg(long)]
        target: Option<String>,
        /// How many generated requests are tried
        #[arg(long, default_value_t = 300)]
        cases: u32,
        /// What they are generated from
        #[arg(long, default_value_t = 20_240_301)]
        seed: u64,
    },
    /// Compile a module and keep the result in SEMILAYER_CACHE_DIR, so that the next start need not
    Compile {
        /// The module's .wasm file
        #[arg(required_unless_present = "pipe")]
        file: Option<PathBuf>,
        /// How the runner starts a process of its own that compiles
        #[arg(long, hide = true)]
        pipe: bool,
    },
    /// Begin a connector: a folder with a small one that works
    New {
        /// Its name, and the folder's: lower-case words with hyphens between them
        name: String,
        /// What it begins from.
        #[command(flatten)]
        template: Template,
        /// The folder connectors/sdk of a checkout of this project, where this folder is not within one
        #[arg(long, value_name = "FOLDER")]
        sdk: Option<PathBuf>,
    },
}

/// What a new connector begins from.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct Template {
    /// Its database answers HTTP requests
    #[arg(long)]
    pub http: bool,
    /// It speaks a protocol of its own over TCP
    #[arg(long)]
    pub tcp: bool,
}

impl ConnectorsCommand {
    /// `--config` is the runner's own file everywhere; behind `test` it is a setting of the source where it has a `=` in it.
    pub(crate) fn correct(&self, flags: &mut Flags) {
        if let ConnectorsCommand::Test { config, .. } = self {
            flags.config = config.iter().find(|text| setting(text).is_none()).cloned();
        }
    }
}

/// The settings among these.
pub(super) fn settings(config: &[PathBuf]) -> Vec<(&str, &str)> {
    config.iter().filter_map(|text| setting(text)).collect()
}

/// `KEY=VALUE`, split at the first `=`.
fn setting(text: &Path) -> Option<(&str, &str)> {
    text.to_str()?.split_once('=')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Arguments, Command};
    use clap::Parser;

    #[test]
    fn behind_test_config_is_a_setting_or_the_file() {
        let read = |arguments: &[&str]| {
            let arguments = Arguments::try_parse_from(arguments).unwrap();
            let Some(Command::Connectors(command)) = arguments.command else { panic!("another command") };
            let mut flags = arguments.flags;
            command.correct(&mut flags);
            let ConnectorsCommand::Test { config, .. } = command else { panic!("another command") };
            let settings: Vec<String> =
                settings(&config).iter().map(|(key, value)| format!("{key} is {value}")).collect();
            (settings, flags.config)
        };
        let test = |more: &[&str]| read(&[&["runner", "connectors", "test", "x.wasm"], more].concat());
        assert_eq!(test(&[]), (vec![], None));
        let (settings, file) =
            test(&["--config", "url=redis://h?a=b", "--config", "runner.toml", "--config", "tls=true"]);
        assert_eq!(settings, ["url is redis://h?a=b", "tls is true"]);
        assert_eq!(file, Some(PathBuf::from("runner.toml")));
        let before = read(&["runner", "--config", "runner.toml", "connectors", "test", "x.wasm"]);
        assert_eq!(before, (vec![], Some(PathBuf::from("runner.toml"))));
    }
}
