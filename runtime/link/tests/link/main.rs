//! The link against a scripted gateway, on a simulated network with simulated time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy knows the test functions, not what they share")]

mod gateway;
mod jobs;
mod probing;
mod reconnecting;
mod runner;
mod serving;

use std::time::Duration;

use turmoil::{Builder, Sim};

/// An hour of simulated time, in steps of 5 ms.
fn simulation<'a>() -> Sim<'a> {
    Builder::new()
        .simulation_duration(Duration::from_secs(3_600))
        .tick_duration(Duration::from_millis(5))
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(5))
        .tcp_capacity(4_096)
        .rng_seed(7)
        .build()
}
