//! The driver against real database files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test's helper cannot do fails the test"
)]

mod aggregate;
mod cancel;
mod catalogue;
mod existing;
mod open;
mod paging;
mod rows;
mod subject;
