//! Modules that do what no connector should, in the real host. While each tries, an honest module answers jobs in the same
//! process and must not notice; the process must not grow beyond what a module may have.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test's helper cannot do fails the test"
)]

mod asked;
mod beside;
mod files;
mod honest;
mod log;
mod looks;
mod pool;
mod reaches;
mod rows;
mod takes;
mod words;
