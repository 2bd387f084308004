//! What every connector speaks, native driver or WASM component alike.
//!
//! This crate does no I/O, knows no async runtime and builds for `wasm32-wasip2`: a connector author's guest
//! depends on it just as the runner does.
//!
//! - [`request`]: a job's options, parsed once into typed requests
//! - [`filter`]: the `where` tree, its limits, and operands cast to a column's type
//! - [`json`]: values to JSON text, and the row buffer that writes them
//! - [`column_rules`]: columns that a policy drops, masks or hashes on their way out
//! - [`target`]: tables, views and their columns
//! - [`cursor`]: where the next page begins
//! - [`config`], [`manifest`], [`capability`]: what a source is configured with, and what it can do
//! - [`module`]: what a component says of itself besides
//! - [`conventions`]: how databases differ in what their rows mean
//! - [`error`]: one closed set of codes
//! - [`url`]: connection URLs, with any password
//! - [`nearest`]: "did you mean"
//! - [`wildcard`]: names with `*` in them

pub mod capability;
pub mod column_rules;
pub mod config;
pub mod conventions;
pub mod cursor;
pub mod error;
pub mod filter;
pub mod json;
pub mod manifest;
pub mod module;
pub mod nearest;
pub mod request;
pub mod target;
pub mod time;
pub mod url;
pub mod wildcard;

pub use capability::Capabilities;
pub use config::Config;
pub use conventions::Conventions;
pub use error::{Error, ErrorCode, Result};
pub use manifest::Manifest;
