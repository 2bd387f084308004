//! One finding.

use std::time::Duration;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// As it should be.
    Passed,
    /// It works, and something about it should be mended.
    Warning,
    /// It does not work.
    Failed,
    /// Not tried, because something before it failed or it was not asked for.
    Skipped,
}

impl Status {
    /// The name in machine-readable reports.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Passed => "passed",
            Status::Warning => "warning",
            Status::Failed => "failed",
            Status::Skipped => "skipped",
        }
    }
}

/// What a check is about; it decides the exit code of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Area {
    /// The runner's own configuration.
    Config,
    /// The way to the gateway.
    Gateway,
    /// The source of that name.
    Source(String),
    /// The connector module of that name.
    Connector(String),
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it is about.
    pub area: Area,
    /// What was checked: `reachable`, `handshake`, the stage of a source, or what of a module.
    pub name: String,
    /// How it went.
    pub status: Status,
    /// What was found, on one line, for a person. Holds no secret.
    pub text: String,
    /// More of it, a line each.
    pub details: Vec<String>,
    /// What to do about it.
    pub remedy: Option<String>,
    /// How long it took.
    pub elapsed: Option<Duration>,
}

impl Check {
    /// A finding without details, remedy and time.
    pub fn new(area: Area, name: impl Into<String>, status: Status, text: impl Into<String>) -> Self {
        Check {
            area,
            name: name.into(),
            status,
            text: one_line(text.into()),
            details: Vec::new(),
            remedy: None,
            elapsed: None,
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: Option<impl Into<String>>) -> Self {
        self.remedy = remedy.map(Into::into);
        self
    }

    /// Says how long it took.
    #[must_use]
    pub fn with_elapsed(mut self, elapsed: Duration) -> Self {
        self.elapsed = Some(elapsed);
        self
    }

    /// Adds a line.
    #[must_use]
    pub fn with_detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(one_line(line.into()));
        self
    }
}

/// A peer chose some of the text: it may neither begin a line of its own nor move the cursor.
fn one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
