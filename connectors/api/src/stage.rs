//! The steps of opening a session, in the order they are taken.

use std::net::IpAddr;
use std::time::Duration;

use dial::DialError;

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
    /// All of them, in their order.
    pub const ALL: [Stage; 7] =
        [Stage::Config, Stage::Dns, Stage::Tcp, Stage::Tls, Stage::Auth, Stage::Query, Stage::ReadOnly];

    /// The stage of that name.
    pub fn from_name(name: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.as_str() == name)
    }

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

    /// The host's name has this address.
    pub fn of_name(host: &str, address: IpAddr, elapsed: Duration) -> Self {
        StageReport::new(Stage::Dns, elapsed, format!("{host} → {address}"))
    }

    /// What a dial that failed had passed before: its name had addresses, and none of them answered.
    pub fn of_failed_dial(error: &DialError) -> Option<Self> {
        let (elapsed, host) = (error.dns()?, error.destination()?.host());
        let tried = error.attempts().first().map(|attempt| attempt.address);
        Some(StageReport::of_name(host, error.address().or(tried)?.ip(), elapsed))
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
