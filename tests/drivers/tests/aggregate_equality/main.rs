//! Aggregates that the engine computes of a driver's rows are those that the database computes itself: both are held
//! against the conformance suite's oracle, and against each other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod both_ways;
mod mariadb;
mod mssql;
mod postgres;
mod sqlite;
mod streamed;

use connector_conformance::RunOptions;

/// Enough to meet every measure on every type many times over.
const OPTIONS: RunOptions = RunOptions { cases: 1_000, seed: 20_261_125 };
