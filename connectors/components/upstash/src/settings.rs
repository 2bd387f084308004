//! What a source is configured with.

use semilayer_connector::prelude::*;

/// The settings of a source.
#[derive(Debug, Config)]
pub struct Settings {
    /// Where requests go.
    #[config(
        label = "URL",
        placeholder = "https://us1-xxx.upstash.io",
        hint = "The REST URL in Upstash's console, not the one that begins with rediss://."
    )]
    pub url: String,
    /// What requests are signed in with.
    #[config(
        label = "Token",
        hint = "The REST token in Upstash's console; a read-only one may not look keys up."
    )]
    pub token: Secret,
    /// How many rows of a target are looked at to learn its columns.
    #[config(
        label = "Rows sampled",
        default = 1000,
        hint = "How many rows of a target are looked at for its columns.",
        advanced
    )]
    pub sample_rows: u32,
}
