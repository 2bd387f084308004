//! The steps of opening a session, in the order they are taken.

use std::time::Duration;

/// One step on the way to a usable session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The configuration is complete and makes sense.
    Config,
    /// The host's name has addresses.
    Dns,
    /// One of them accepts connections.
    Tcp,
    /// The connection is encrypted, the peer's certificate checked.
    Tls,
    /// The server accepts the credentials; for a file, it opens.
    Auth,
    /// The server answers a query.
    Query,
    /// What the login may do besides reading.
    ReadOnly,
}

impl Stage {
    /// The name in `detail.stage` and in what `doctor` prints.
    pub const fn as_str(self) -> &'static str {
        match self {
            Stage::Config => "config",
            Stage::Dns => "dns",
            Stage::Tcp => "tcp",
            Stage::Tls => "tls",
            Stage::Auth => "auth",
            Stage::Query => "query",
            Stage::ReadOnly => "read-only",
        }
    }
}

/// A stage that was passed.
#[derive(Debug, Clone)]
pub struct StageReport {
    /// Which.
    pub stage: Stage,
    /// How long it took.
    pub elapsed: Duration,
    /// What was found, for a person: an address, a server version.
    pub note: String,
    /// Something that works but should be mended.
    pub warning: Option<String>,
}

impl StageReport {
    /// A report without a warning.
    pub fn new(stage: Stage, elapsed: Duration, note: impl Into<String>) -> Self {
        StageReport { stage, elapsed, note: note.into(), warning: None }
    }

    /// Adds a warning.
    #[must_use]
    pub fn with_warning(mut self, warning: impl Into<String>) -> Self {
        self.warning = Some(warning.into());
        self
    }
}

/// Whoever watches a session being opened.
pub trait StageObserver: Send + Sync {
    /// A stage was passed. A stage that fails is the error of the open, with `detail.stage`.
    fn passed(&self, report: StageReport);
}
