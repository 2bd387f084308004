//! The judge is judged: the oracle has to pass, every broken connector has to fail.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of a test fails its test")]

mod broken;
mod existing;
mod groups;
mod oracle;
mod subjects;
