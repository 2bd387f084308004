//! What the process ends with; scripts and supervisors rely on the numbers.

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well: a clean drain, or every check passed.
    Ok,
    /// Something failed that has no number of its own; for `doctor`: the gateway cannot be used.
    Failed,
    /// The configuration is missing something or wrong.
    Config,
    /// `doctor`: a source cannot be used.
    Source,
    /// `policy check`: the job is refused.
    Refused,
    /// The gateway refused the credentials for good.
    CredentialsRefused,
    /// The gateway speaks another protocol version.
    VersionRefused,
}

impl Exit {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Config => 2,
            Exit::Source | Exit::Refused => 3,
            Exit::CredentialsRefused => 4,
            Exit::VersionRefused => 5,
        }
    }
}
