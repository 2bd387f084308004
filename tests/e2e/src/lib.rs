//! Both programs as their users run them: processes with an environment, spoken to over HTTP.
//!
//! - [`Gateway`]: a `semilayer-gateway` process and its API
//! - [`Runner`]: a `semilayer-runner` process
//! - [`Caller`]: whoever asks for rows

mod caller;
mod gateway;
mod runner;

pub use caller::{Answer, Caller, Lines};
pub use gateway::{Gateway, GatewayOptions, Identity};
pub use runner::{Runner, RunnerOptions};

use std::time::Duration;

/// How long a step of a test may take, on a machine that is busy with other tests.
pub const LIMIT: Duration = Duration::from_secs(60);
