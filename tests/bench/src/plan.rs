//! How much is measured: in full, or as a smoke run.

use std::time::Duration;

/// How much of everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Rows of the reference table.
    pub(crate) rows: u32,
    /// Times that a floor and its measurement take turns.
    pub(crate) rounds: usize,
    /// Small jobs one after the other, in all rounds together.
    pub(crate) single_jobs: u64,
    /// Length of each closed loop.
    pub(crate) loop_time: Duration,
    /// Small jobs over which processor time is taken.
    pub(crate) cpu_jobs: u64,
    /// Small jobs beside the streams.
    pub(crate) jobs_beside_streams: u64,
    /// Rows of nearly a mebibyte that are streamed.
    pub(crate) wide_rows: u32,
    /// Queries cancelled.
    pub(crate) cancels: usize,
    /// Times the runner is started.
    pub(crate) starts: usize,
    /// How long idle memory settles, and how long a stopped reader is watched.
    pub(crate) settle: Duration,
}

impl Plan {
    /// Every figure as it is published; within six minutes on two cores.
    pub(crate) const FULL: Plan = Plan {
        rows: 1_000_000,
        rounds: 5,
        single_jobs: 5_000,
        loop_time: Duration::from_secs(10),
        cpu_jobs: 100_000,
        jobs_beside_streams: 1_000,
        wide_rows: 300,
        cancels: 100,
        starts: 20,
        settle: Duration::from_secs(3),
    };

    /// Whether everything runs at all; within a minute. Its figures are noise beside the full ones.
    pub(crate) const QUICK: Plan = Plan {
        rows: 100_000,
        rounds: 3,
        single_jobs: 600,
        loop_time: Duration::from_secs(2),
        cpu_jobs: 20_000,
        jobs_beside_streams: 200,
        wide_rows: 50,
        cancels: 20,
        starts: 5,
        settle: Duration::from_secs(1),
    };
}
