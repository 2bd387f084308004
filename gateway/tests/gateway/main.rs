//! A whole gateway in this process, driven by a runner written by hand over a real socket and by real HTTP.

// The configuration that allows these in tests sees functions marked as tests, not what they call.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, unreachable_pub)]

mod admin;
mod bridge_manifests;
mod connect;
mod fake_runner;
mod jobs;
mod lifecycle;
mod program;
mod streaming;
mod tls;
mod world;
