//! No secret of any configuration comes out anywhere.
//!
//! Every secret has a mark in its middle, and it is the mark that is looked for: half a password is a leak too.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod configuration;
mod logged;
mod shown;

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "shared with the other test program")]
mod support;

use configuration::MARK;

/// Fails when the text has a mark in it.
fn hold(what: &str, text: &str) {
    let lower = text.to_lowercase();
    if let Some(at) = lower.find(MARK) {
        let start = lower.floor_char_boundary(at.saturating_sub(200));
        let end = lower.ceil_char_boundary((at + 100).min(lower.len()));
        panic!("{what} shows a secret: …{}…", &lower[start..end]);
    }
}
