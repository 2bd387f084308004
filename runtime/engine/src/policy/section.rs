//! One table of the file: what an operator wrote, understood.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use connector_api::MaskKey;
use connector_model::request::Kind;

use super::pattern::{ColumnPattern, TargetPattern};

/// What the file says, for all sources and for single ones.
#[derive(Debug, Clone, Default)]
pub struct PolicySettings {
    /// `[policy]`.
    pub all: PolicySection,
    /// `[policy.sources.NAME]`, by name.
    pub sources: std::collections::BTreeMap<String, PolicySection>,
}

/// One table: a key that is not set takes nothing away.
#[derive(Debug, Clone, Default)]
pub struct PolicySection {
    /// The longest that a job may take.
    pub statement_timeout: Option<Duration>,
    /// The most rows of one job.
    pub max_rows: Option<u64>,
    /// The most bytes of one job's chunks.
    pub max_bytes: Option<u64>,
    /// The most jobs of a source at once.
    pub max_concurrent: Option<usize>,
    /// Which targets.
    pub targets: Option<TargetRules>,
    /// Which kinds of job.
    pub kinds: Option<Vec<Kind>>,
    /// The columns that nobody sees.
    pub deny: Vec<ColumnPattern>,
    /// The columns whose values nobody sees.
    pub mask: Vec<(ColumnPattern, Mask)>,
    /// What hashes are made with.
    pub mask_key: Option<HashKey>,
    /// Where it is written down what was done.
    pub audit: Option<PathBuf>,
}

/// The key of hashes; never printed.
#[derive(Clone)]
pub struct HashKey(pub Arc<MaskKey>);

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(…)")
    }
}

/// Which targets: those that fit a pattern and none of the exceptions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetRules {
    /// The patterns; without any, every target.
    pub allow: Vec<TargetPattern>,
    /// The exceptions (`!`), which win wherever they stand.
    pub deny: Vec<TargetPattern>,
}

impl TargetRules {
    /// The rules of a list such as `["public.*", "!public.secrets"]`.
    ///
    /// # Errors
    /// The first entry that is no target.
    pub fn parse<'t>(entries: impl IntoIterator<Item = &'t str>) -> Result<Self, String> {
        let mut rules = TargetRules::default();
        for entry in entries {
            match entry.strip_prefix('!') {
                Some(exception) => rules.deny.push(exception.parse()?),
                None => rules.allow.push(entry.parse()?),
            }
        }
        Ok(rules)
    }
}

/// What becomes of a masked column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mask {
    /// A keyed hash in their place.
    Hash,
    /// `null` in their place.
    Null,
    /// `"***"` in their place.
    Redact,
}

impl Mask {
    /// Every one.
    pub const ALL: [Mask; 3] = [Mask::Hash, Mask::Null, Mask::Redact];

    /// Its name in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Mask::Hash => "hash",
            Mask::Null => "null",
            Mask::Redact => "redact",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Mask> {
        Mask::ALL.into_iter().find(|mask| mask.as_str() == name)
    }
}
