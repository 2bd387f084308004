//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::measure::Measurement;

/// Measures the runner against floors taken in the same run.
///
/// Writes report.md and report.json into the folder `bench` of cargo's target directory. Ends with 0 when every
/// figure that gates holds its target, with 1 when one does not, with 2 when something could not be measured.
#[derive(Debug, Parser)]
#[command(name = "bench")]
pub(crate) struct Arguments {
    /// Measure only this; may be repeated
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) only: Vec<Measurement>,
    /// Smaller tables and fewer jobs: shows that everything runs, not how fast
    #[arg(long)]
    pub(crate) quick: bool,
    /// Measure this runner instead of building one; the encoder beside this program then stands as it is
    #[arg(long, value_name = "FILE")]
    pub(crate) runner: Option<PathBuf>,
    /// What this program does when it is its own counterpart.
    #[command(subcommand)]
    pub(crate) part: Option<Part>,
}

/// The other end of a floor, in a process of its own as a runner is.
#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// Connects to a WebSocket and sends back what comes
    #[command(hide = true)]
    Echo {
        /// The WebSocket's address.
        url: String,
    },
}
