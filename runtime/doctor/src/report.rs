//! All findings, and what they amount to.

use crate::check::{Area, Check, Status};

/// All findings, in the order in which they are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The findings.
    pub checks: Vec<Check>,
}

/// What a report amounts to. Of several kinds of failure the first in this list counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The configuration is missing something or wrong.
    Config,
    /// The gateway cannot be reached, or refuses.
    Gateway,
    /// A source or a connector module cannot be used.
    Source,
    /// Nothing failed.
    Healthy,
}

impl Verdict {
    /// The exit code of the command.
    pub const fn exit_code(self) -> u8 {
        match self {
            Verdict::Config => 2,
            Verdict::Gateway => 1,
            Verdict::Source => 3,
            Verdict::Healthy => 0,
        }
    }
}

impl Report {
    /// How many checks failed.
    pub fn failures(&self) -> usize {
        self.checks.iter().filter(|check| check.status == Status::Failed).count()
    }

    /// What it amounts to.
    pub fn verdict(&self) -> Verdict {
        let failed = |is_meant: fn(&Area) -> bool| {
            self.checks.iter().any(|check| check.status == Status::Failed && is_meant(&check.area))
        };
        if failed(|area| *area == Area::Config) {
            Verdict::Config
        } else if failed(|area| *area == Area::Gateway) {
            Verdict::Gateway
        } else if failed(|area| matches!(area, Area::Source(_) | Area::Connector(_))) {
            Verdict::Source
        } else {
            Verdict::Healthy
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_comes_before_gateway_and_gateway_before_sources() {
        let failed = |area| Check::new(area, "x", Status::Failed, "");
        let mut report = Report::default();
        assert_eq!(report.verdict().exit_code(), 0);
        report.checks.push(Check::new(Area::Config, "x", Status::Warning, ""));
        assert_eq!(report.verdict().exit_code(), 0);
        report.checks.push(failed(Area::Connector("a".into())));
        assert_eq!(report.verdict().exit_code(), 3);
        report.checks.push(failed(Area::Source("a".into())));
        assert_eq!(report.verdict().exit_code(), 3);
        report.checks.push(failed(Area::Gateway));
        assert_eq!(report.verdict().exit_code(), 1);
        report.checks.push(failed(Area::Config));
        assert_eq!((report.verdict().exit_code(), report.failures()), (2, 4));
    }
}
