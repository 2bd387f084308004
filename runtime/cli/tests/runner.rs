//! The program as a process, against a gateway written by hand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows the test functions, not what they share"
)]

mod cases;
mod support;
