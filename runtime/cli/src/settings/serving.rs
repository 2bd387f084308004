//! How much the runner does at once, how it stops, where it is asked for its health.

use std::time::Duration;

use super::error::ConfigError;
use super::layers::{Layers, Names};

const MAX_JOBS: Names = Names { flag: "--max-jobs", variable: "SEMILAYER_MAX_JOBS", key: "max_jobs" };
const DRAIN: Names = Names { flag: "", variable: "SEMILAYER_DRAIN_SECONDS", key: "drain_seconds" };
const METRICS: Names = Names { flag: "--metrics", variable: "SEMILAYER_METRICS", key: "metrics" };
const PORT: Names = Names { flag: "", variable: "PORT", key: "" };

/// Jobs at once when nobody says.
const DEFAULT_MAX_JOBS: usize = 256;
/// The most that may be asked for: four times as many wait, and each takes memory.
const MOST_JOBS: u64 = 10_000;
/// How long jobs may take to end after a stop was asked for.
const DEFAULT_DRAIN: Duration = Duration::from_secs(30);
/// The longest drain; no supervisor waits longer.
const LONGEST_DRAIN_SECONDS: u64 = 24 * 60 * 60;

/// How much the runner does at once, how it stops, where it is asked for its health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Serving {
    /// Jobs at once.
    pub max_jobs: usize,
    /// How long jobs may take to end after a stop was asked for.
    pub drain: Duration,
    /// The port of the health endpoints (0 lets the system choose one); no socket listens without it.
    pub port: Option<u16>,
    /// Whether metrics are among them.
    pub metrics: bool,
}

impl Default for Serving {
    fn default() -> Self {
        Serving { max_jobs: DEFAULT_MAX_JOBS, drain: DEFAULT_DRAIN, port: None, metrics: true }
    }
}

impl Serving {
    /// Takes it from the layers.
    ///
    /// # Errors
    /// A number out of its range, or a word for a yes or no that is none.
    pub fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let max_jobs = layers.number(layers.flags.max_jobs.as_deref(), MAX_JOBS, 1..=MOST_JOBS)?;
        let drain = layers.number(None, DRAIN, 0..=LONGEST_DRAIN_SECONDS)?;
        let port = layers.number(None, PORT, 0..=u64::from(u16::MAX))?;
        Ok(Serving {
            max_jobs: max_jobs.and_then(|jobs| usize::try_from(jobs).ok()).unwrap_or(DEFAULT_MAX_JOBS),
            drain: drain.map_or(DEFAULT_DRAIN, Duration::from_secs),
            port: port.and_then(|port| u16::try_from(port).ok()),
            metrics: layers.switch(layers.flags.metrics.as_deref(), METRICS)?.unwrap_or(true),
        })
    }
}
