//! What a connector component says of itself: a manifest, and what only a component has to say.

use serde::{Deserialize, Serialize};

use crate::conventions::Conventions;
use crate::manifest::{Manifest, Text};

/// The custom section that holds the manifest, in the component or in one of the core modules nested in it.
pub const MANIFEST_SECTION: &str = "semilayer:manifest";

/// The largest manifest that is taken, in bytes: what fits into the runner's `hello`.
pub const MAX_MANIFEST_BYTES: usize = 64 * 1024;

/// A component's self-description, as JSON in its custom section.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleManifest {
    /// What every connector has.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// The version of `semilayer:connector` that it is written for: `0.1.0`.
    pub connector_api: String,
    /// What it implements; anything else is refused without asking it.
    pub operations: Vec<Operation>,
    /// How its database's rows differ in meaning.
    #[serde(default)]
    pub conventions: Conventions,
    /// Where it wants to connect to: `{host}:{port}`, `{url}`, `*.example.com:443`. What stands in braces is the value of
    /// that configuration field.
    #[serde(default)]
    pub egress: Vec<Text>,
}

/// One thing that a session can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "each is the function of that name in the WIT")]
pub enum Operation {
    ListTargets,
    Introspect,
    Read,
    Query,
    Count,
    Aggregate,
}
