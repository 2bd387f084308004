//! Requests to SQL: the text and the parameters of both dialects, side by side, as snapshots.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test's helper cannot do fails the test"
)]

mod aggregates;
mod clickhouse;
mod cockroach;
mod filters;
mod folding;
mod hostile;
mod mssql;
mod mysql;
mod paging;
mod requests;
mod shown;
mod tables;
