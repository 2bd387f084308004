//! The command line of `connectors`.

use std::path::PathBuf;

use clap::Subcommand;

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
    /// Compile a module and keep the result in SEMILAYER_CACHE_DIR, so that the next start need not
    Compile {
        /// The module's .wasm file
        #[arg(required_unless_present = "pipe")]
        file: Option<PathBuf>,
        /// How the runner starts a process of its own that compiles
        #[arg(long, hide = true)]
        pipe: bool,
    },
}
