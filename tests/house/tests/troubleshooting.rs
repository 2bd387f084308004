//! Every error code has its section in the page that people are sent to.

#![allow(clippy::panic, reason = "a test fails by panicking")]

use connector_model::error::ErrorCode;
use runner_protocol::codes;

const PAGE: &str = include_str!("../../../docs/troubleshooting.md");

/// The text of the section of this title, up to the next one.
fn section(title: &str) -> &'static str {
    let Some((_, after)) = PAGE.split_once(&format!("\n### `{title}`\n")) else {
        panic!("docs/troubleshooting.md has no section `{title}`")
    };
    after.split("\n### ").next().unwrap_or(after).trim()
}

#[test]
fn every_code_that_a_job_can_end_with_has_its_section() {
    let gateway = [codes::NO_RUNNERS_ONLINE, codes::RUNNER_FAILED];
    for code in ErrorCode::ALL.iter().map(|code| code.as_str()).chain(gateway) {
        assert!(section(code).len() > 40, "the section of {code} says nothing");
    }
}

#[test]
fn a_code_that_may_be_tried_again_says_so_and_no_other_does() {
    for code in ErrorCode::ALL {
        let says = section(code.as_str()).contains("try again");
        assert_eq!(says, code.retryable(), "{code}");
    }
}
