//! The conformance suite the whole way: HTTP, a gateway process, a runner process, a database, and back. What a driver
//! does not compute of an aggregate, the runner does: here everything has to be answered.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod answer;
mod mariadb;
mod mssql;
mod postgres;
mod sqlite;
mod through;

use connector_conformance::{RunOptions, conformance_tests};

/// Enough for every kind of job and every kind of measure; what a driver does by itself is tested without the way.
const OPTIONS: RunOptions = RunOptions { cases: 200, seed: 20_260_302 };

/// The other two databases have their drivers' own suites behind them as well: these show that the way is the same.
const FEWER: RunOptions = RunOptions { cases: 100, seed: 20_260_303 };

conformance_tests!(over_mariadb, crate::mariadb::Server::start().await, crate::FEWER);
conformance_tests!(over_mssql, crate::mssql::Server::start().await, crate::FEWER);
conformance_tests!(over_postgres, crate::postgres::Server::start().await, crate::OPTIONS);
conformance_tests!(over_sqlite, crate::sqlite::File::create().await, crate::OPTIONS);
