//! A report for people.

use std::fmt::{self, Display};
use std::time::Duration;

use crate::check::{Area, Check, Status};
use crate::report::Report;

/// The last line of a report without failures.
pub const HEALTHY: &str = "Runner environment looks healthy. Run semilayer-runner start to connect.";

/// A report as text; colour is for terminals only.
pub struct Text<'r> {
    /// The report.
    pub report: &'r Report,
    /// Whether marks are coloured.
    pub colour: bool,
}

/// The findings alone, a line each; what was skipped for one reason shares a line.
pub struct Lines<'r> {
    /// The findings.
    pub checks: &'r [Check],
    /// Whether marks are coloured.
    pub colour: bool,
}

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Lines { checks: &self.report.checks, colour: self.colour }.fmt(f)?;
        match self.report.failures() {
            0 => writeln!(f, "{HEALTHY}"),
            1 => writeln!(f, "1 check failed."),
            failures => writeln!(f, "{failures} checks failed."),
        }
    }
}

impl Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alike = |one: &Check, other: &Check| {
            let skipped = one.status == Status::Skipped && other.status == Status::Skipped;
            skipped && one.area == other.area && one.text == other.text
        };
        for checks in self.checks.chunk_by(alike) {
            let names: Vec<&str> = checks.iter().map(|check| check.name.as_str()).collect();
            if let Some(check) = checks.first() {
                self.line(f, check, &names.join(", "))?;
            }
        }
        Ok(())
    }
}

impl Lines<'_> {
    fn line(&self, f: &mut fmt::Formatter<'_>, check: &Check, name: &str) -> fmt::Result {
        let (mark, colour) = match check.status {
            Status::Passed => ("✓", "32"),
            Status::Warning => ("!", "33"),
            Status::Failed => ("✗", "31"),
            Status::Skipped => ("-", "2"),
        };
        if self.colour {
            write!(f, "\u{1b}[{colour}m{mark}\u{1b}[0m ")?;
        } else {
            write!(f, "{mark} ")?;
        }
        let Check { area, name: _, text, details, remedy, elapsed, status } = check;
        match area {
            // Scripts look for `✗ config: `.
            Area::Config if *status == Status::Failed => write!(f, "{name}: {text}")?,
            Area::Config => write!(f, "{name} {text}")?,
            Area::Gateway => write!(f, "{name}  {text}")?,
            Area::Source(subject) | Area::Connector(subject) => write!(f, "{subject}  {name}  {text}")?,
        }
        if let (Area::Source(_), Some(elapsed)) = (area, elapsed) {
            write!(f, "  ({})", Milliseconds(*elapsed))?;
        }
        writeln!(f)?;
        for detail in details {
            writeln!(f, "    {detail}")?;
        }
        if let Some(remedy) = remedy {
            writeln!(f, "    → {remedy}")?;
        }
        Ok(())
    }
}

/// Milliseconds, with a decimal where they are few.
struct Milliseconds(Duration);

impl Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_secs_f64() * 1000.0;
        if millis < 10.0 { write!(f, "{millis:.1} ms") } else { write!(f, "{millis:.0} ms") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let main = || Area::Source("main".to_owned());
        let millis = Duration::from_micros;
        Report {
            checks: vec![
                Check::new(
                    Area::Config,
                    "config",
                    Status::Passed,
                    "loaded (runner 3f2a9c1e…) — env vars resolved",
                ),
                Check::new(
                    Area::Config,
                    "config",
                    Status::Warning,
                    "SEMILAYER_SOURCE_X is set, and no source reads it",
                ),
                Check::new(Area::Gateway, "reachable", Status::Passed, "https://g.example/health → 404"),
                Check::new(
                    Area::Gateway,
                    "handshake",
                    Status::Failed,
                    "the gateway refuses the credentials: 4401 revoked",
                )
                .with_remedy(Some("make a new token")),
                Check::new(main(), "config", Status::Passed, "postgres, from SEMILAYER_SOURCE_MAIN_URL"),
                Check::new(main(), "dns", Status::Passed, "db.internal → 10.0.0.7")
                    .with_elapsed(millis(1_234)),
                Check::new(main(), "tls", Status::Warning, "TLSv1.3 — encrypted, not verified")
                    .with_elapsed(millis(45_600)),
                Check::new(
                    main(),
                    "auth",
                    Status::Failed,
                    "password authentication failed\nfor user (28P01)",
                )
                .with_elapsed(millis(3_000))
                .with_detail("the server adds: x\u{1b}[2J")
                .with_remedy(Some("compare user and password")),
                Check::new(Area::Gateway, "handshake", Status::Skipped, "not tried"),
            ],
        }
    }

    #[test]
    fn a_report_as_people_see_it() {
        insta::assert_snapshot!(Text { report: &report(), colour: false }, @r"
        ✓ config loaded (runner 3f2a9c1e…) — env vars resolved
        ! config SEMILAYER_SOURCE_X is set, and no source reads it
        ✓ reachable  https://g.example/health → 404
        ✗ handshake  the gateway refuses the credentials: 4401 revoked
            → make a new token
        ✓ main  config  postgres, from SEMILAYER_SOURCE_MAIN_URL
        ✓ main  dns  db.internal → 10.0.0.7  (1.2 ms)
        ! main  tls  TLSv1.3 — encrypted, not verified  (46 ms)
        ✗ main  auth  password authentication failed for user (28P01)  (3.0 ms)
            the server adds: x [2J
            → compare user and password
        - handshake  not tried
        2 checks failed.
        ");
    }

    #[test]
    fn without_failures_the_last_line_says_what_to_do_next() {
        let report = Report::default();
        assert_eq!(Text { report: &report, colour: false }.to_string(), format!("{HEALTHY}\n"));
    }

    #[test]
    fn only_the_mark_is_coloured() {
        let report = Report { checks: vec![Check::new(Area::Config, "config", Status::Failed, "no token")] };
        let text = Text { report: &report, colour: true }.to_string();
        assert!(text.starts_with("\u{1b}[31m✗\u{1b}[0m config: no token\n"), "{text:?}");
    }
}
