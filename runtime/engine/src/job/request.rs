//! What asks for a job.

use secrecy::ExposeSecret;
use serde_json::value::RawValue;

use crate::assignment::{Assignment, Credentials};

/// A job as it arrived. Its options are text still: they are parsed in the job's own task, so that a large `where`
/// holds up nobody else.
#[derive(Debug)]
pub struct JobRequest {
    /// Its id; no other running job has it.
    pub id: String,
    /// Where it runs.
    pub source: Assignment,
    /// Its kind, as on the wire.
    pub kind: String,
    /// The target, for kinds that have one.
    pub target: Option<String>,
    /// The options as JSON text.
    pub options: Option<Box<RawValue>>,
    /// Milliseconds it may take, counted from now; 0 is the default.
    pub deadline_ms: u64,
}

impl JobRequest {
    /// What it holds in memory: the parts that may be large.
    pub(crate) fn held_bytes(&self) -> usize {
        let config = match &self.source.credentials {
            Credentials::Managed { config } => config.expose_secret().len(),
            Credentials::RunnerLocal => 0,
        };
        let options = self.options.as_ref().map_or(0, |options| options.get().len());
        let target = self.target.as_ref().map_or(0, String::len);
        config + options + target
    }
}

/// The part of an id that logs show.
pub(crate) fn id8(id: &str) -> &str {
    id.char_indices().nth(8).map_or(id, |(end, _)| id.get(..end).unwrap_or(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_is_cut_between_characters() {
        assert_eq!(id8("3f2a9c1e-77"), "3f2a9c1e");
        assert_eq!(id8("short"), "short");
        assert_eq!(id8("ääääääääää"), "ääääääää");
    }
}
