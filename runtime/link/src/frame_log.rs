//! Logging what a gateway gets wrong, without letting it fill the log.

use runner_protocol::FrameError;

/// Faults of one session that are logged as warnings. A broken gateway repeats itself; the rest is for those
/// who ask for debug lines.
const MAX_WARNINGS: u32 = 20;

/// Counts the faults of one session.
#[derive(Debug, Default)]
pub(crate) struct FrameLog {
    warnings: u32,
}

impl FrameLog {
    fn warns(&mut self) -> bool {
        self.warnings = self.warnings.saturating_add(1);
        if self.warnings == MAX_WARNINGS {
            tracing::warn!("the gateway keeps sending bad frames; further ones are logged at debug level");
        }
        self.warnings < MAX_WARNINGS
    }

    /// A frame that says nothing usable. The error has its size and type, never its content.
    pub(crate) fn unreadable(&mut self, error: &FrameError) {
        let (bytes, kind) = (error.size, error.kind.unwrap_or("unknown"));
        if self.warns() {
            tracing::warn!(bytes, kind, "protocol error: {error}");
        } else {
            tracing::debug!(bytes, kind, "protocol error: {error}");
        }
    }

    /// A job that cannot be started.
    pub(crate) fn dropped_job(&mut self, id: &str, why: &'static str) {
        let job: String = id.chars().filter(|c| !c.is_control()).take(64).collect();
        if self.warns() {
            tracing::warn!(job, "{why}");
        } else {
            tracing::debug!(job, "{why}");
        }
    }
}
