//! What a run found, for people and for programs.

mod markdown;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::figure::Figure;
use crate::floor::Statements;
use crate::machine::Machine;
use crate::run::Outcome;

/// One measurement's part.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Section {
    /// Its name, as `--only` takes it.
    pub(crate) name: String,
    /// What it found.
    pub(crate) figures: Vec<Figure>,
    /// Why it found nothing.
    pub(crate) error: Option<String>,
    /// The machine's load when it began.
    pub(crate) load: f64,
    /// The share of all cores used meanwhile, by anyone.
    pub(crate) busy: f64,
    /// The share that the hypervisor gave to others.
    pub(crate) stolen: f64,
}

/// A run's report.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    machine: Machine,
    quick: bool,
    seconds: f64,
    whole_table: String,
    by_key: String,
    sections: Vec<Section>,
}

impl Report {
    /// An empty one.
    pub(crate) fn new(machine: Machine, quick: bool, statements: Statements) -> Self {
        Report {
            machine,
            quick,
            seconds: 0.0,
            whole_table: statements.everything,
            by_key: statements.by_key,
            sections: Vec::new(),
        }
    }

    /// Adds a measurement's part.
    pub(crate) fn add(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// Notes how long it took.
    pub(crate) fn finish(&mut self, elapsed: Duration) {
        self.seconds = elapsed.as_secs_f64();
    }

    /// How the run ended.
    pub(crate) fn outcome(&self) -> Outcome {
        if self.sections.iter().any(|section| section.error.is_some()) {
            Outcome::Unmeasured
        } else if self.figures().any(|figure| figure.gates && figure.misses()) {
            Outcome::GateMissed
        } else {
            Outcome::Holds
        }
    }

    fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.sections.iter().flat_map(|section| &section.figures)
    }

    /// What is printed at the end: every figure, then what falls short.
    pub(crate) fn summary(&self) -> String {
        markdown::summary(self)
    }

    /// Writes report.md and report.json, and gives the former's path.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub(crate) fn write(&self, directory: &Path) -> Result<PathBuf> {
        std::fs::create_dir_all(directory).with_context(|| format!("making {}", directory.display()))?;
        let (text, json) = (directory.join("report.md"), directory.join("report.json"));
        std::fs::write(&text, markdown::report(self))
            .with_context(|| format!("writing {}", text.display()))?;
        let encoded = serde_json::to_vec_pretty(self)?;
        std::fs::write(&json, encoded).with_context(|| format!("writing {}", json.display()))?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(figures: Vec<Figure>, error: Option<&str>) -> Report {
        let machine = Machine {
            processor: "a processor".into(),
            cores: 2,
            memory_mib: 4096,
            kernel: "6.1".into(),
            server: "PostgreSQL 15".into(),
        };
        let statements = Statements { everything: "SELECT 1".into(), by_key: "SELECT $1".into() };
        let mut report = Report::new(machine, false, statements);
        let error = error.map(str::to_owned);
        report.add(Section { name: "streaming".into(), figures, error, load: 1.0, busy: 0.5, stolen: 0.0 });
        report
    }

    #[test]
    fn only_a_gate_that_misses_fails_a_run() {
        let missed = Figure::new("memory", 70.0, "MiB").at_most(64.0).hint("look here");
        assert_eq!(report(vec![missed.clone()], None).outcome(), Outcome::Holds);
        let gate = Figure::new("R_drv", 0.69, "").at_least(0.70).gating();
        assert_eq!(report(vec![missed, gate], None).outcome(), Outcome::GateMissed);
    }

    #[test]
    fn what_could_not_be_measured_is_not_a_success() {
        let report = report(Vec::new(), Some("it hangs"));
        assert_eq!(report.outcome(), Outcome::Unmeasured);
        assert!(report.summary().contains("it hangs"));
    }

    #[test]
    fn a_missed_target_is_named_with_where_to_look() {
        let summary =
            report(vec![Figure::new("memory", 70.0, "MiB").at_most(64.0).hint("look here")], None).summary();
        let (_, short) = summary.split_once("Short of the target").unwrap();
        assert!(short.contains("memory") && short.contains("look here"), "{summary}");
    }
}
