//! What came of it, for a person.

use std::fmt;

use connector_model::request::Kind;
use serde_json::{Value as Json, json};

use super::right::Oracle;
use crate::job::Job;
use crate::report::{MAX_FAILURES, MAX_WRONG};

/// How much of an answer or a request is shown.
const SHOWN_BYTES: usize = 4_000;

/// One answer that differs from the oracle's.
#[derive(Debug, Clone)]
pub struct Difference {
    /// What was tried.
    pub case: String,
    /// The request as JSON: `{"kind", "target", "options"}`.
    pub request: Json,
    /// What is wrong.
    pub problem: String,
    /// What should have come.
    pub expected: String,
    /// What came.
    pub got: String,
}

impl Difference {
    pub(super) fn new(case: &str, job: &Job, problem: String, expected: String, got: String) -> Self {
        let mut request = json!({"kind": job.kind.as_str()});
        if let Some(parts) = request.as_object_mut() {
            if !job.target.is_empty() {
                parts.insert("target".to_owned(), Json::from(job.target.as_str()));
            }
            parts.insert("options".to_owned(), job.options.clone());
        }
        Difference { case: case.to_owned(), request, problem, expected, got }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "✗  {}: {}", self.case, shortened(&self.problem))?;
        // Whole: it is there to be pasted.
        writeln!(f, "   request:  {}", self.request)?;
        for (title, text) in [("expected:", &self.expected), ("got:     ", &self.got)] {
            if !text.is_empty() {
                writeln!(f, "   {title} {}", shortened(text))?;
            }
        }
        Ok(())
    }
}

fn shortened(text: &str) -> &str {
    text.get(..text.floor_char_boundary(SHOWN_BYTES)).unwrap_or(text)
}

/// How the requests of one kind were answered.
#[derive(Debug, Clone, Copy)]
struct Tried {
    kind: Kind,
    judged: u64,
    wrong: u64,
}

/// What came of a run over an existing target.
#[derive(Debug, Clone)]
pub struct ExistingReport {
    /// What the connector is called.
    pub bridge: String,
    /// What the requests were generated from.
    pub seed: u64,
    /// The target that was tried.
    pub target: String,
    /// How many rows it has.
    pub rows: usize,
    /// How many columns.
    pub columns: usize,
    /// What was left out, and why.
    pub notes: Vec<String>,
    /// The answers that differ, one of each kind: the next with the same problem tells the same story.
    pub differences: Vec<Difference>,
    tried: Vec<Tried>,
}

impl ExistingReport {
    pub(super) fn new(bridge: &str, seed: u64) -> Self {
        ExistingReport {
            bridge: bridge.to_owned(),
            seed,
            target: String::new(),
            rows: 0,
            columns: 0,
            notes: Vec::new(),
            differences: Vec::new(),
            tried: Vec::new(),
        }
    }

    pub(super) fn describe(&mut self, oracle: &Oracle) {
        self.target.clone_from(&oracle.table().name);
        self.rows = oracle.table().rows.len();
        self.columns = oracle.table().columns.len();
        if oracle.schema().key.is_empty() {
            self.note("no columns tell its rows apart by introspection");
        }
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(super) fn judged(&mut self, kind: Kind, outcome: Result<(), Difference>) {
        let at = self.tried.iter().position(|tried| tried.kind == kind).unwrap_or_else(|| {
            self.tried.push(Tried { kind, judged: 0, wrong: 0 });
            self.tried.len() - 1
        });
        let Some(tried) = self.tried.get_mut(at) else { return };
        tried.judged += 1;
        if let Err(difference) = outcome {
            tried.wrong += 1;
            let known = self.differences.iter().any(|known| known.problem == difference.problem);
            if !known && self.differences.len() < MAX_FAILURES {
                self.differences.push(difference);
            }
        }
    }

    /// How many answers were judged.
    pub fn judged_answers(&self) -> u64 {
        self.tried.iter().map(|tried| tried.judged).sum()
    }

    /// How many of them were wrong.
    pub fn wrong_answers(&self) -> u64 {
        self.tried.iter().map(|tried| tried.wrong).sum()
    }

    /// Whether something was judged, and nothing was wrong.
    pub fn passed(&self) -> bool {
        self.wrong_answers() == 0 && self.judged_answers() > 0
    }

    /// Whether there are differences enough.
    pub(super) fn is_full(&self) -> bool {
        self.differences.len() >= MAX_FAILURES || self.wrong_answers() >= MAX_WRONG
    }
}

impl fmt::Display for ExistingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ExistingReport { bridge, seed, target, rows, columns, .. } = self;
        writeln!(f, "{bridge} over target \"{target}\": {rows} rows, {columns} columns (seed {seed})")?;
        for Tried { kind, judged, wrong } in &self.tried {
            let mark = if *wrong == 0 { "✓" } else { "✗" };
            let outcome = if *wrong == 0 { "all right".to_owned() } else { format!("{wrong} wrong") };
            writeln!(f, "{mark}  {:<17} {judged:>5} tried, {outcome}", kind.as_str())?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "!  {note}"))?;
        self.differences.iter().try_for_each(|difference| write!(f, "\n{difference}"))?;
        match self.wrong_answers() {
            0 => write!(f, "{} answers, all as the oracle gives them.", self.judged_answers()),
            wrong => write!(f, "\n{wrong} of {} answers are wrong.", self.judged_answers()),
        }
    }
}
