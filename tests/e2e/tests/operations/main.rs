//! What an operator does with a runner: rotates a password, reads what doctor says, hands in a bundle.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod doctor;
mod rotating;
