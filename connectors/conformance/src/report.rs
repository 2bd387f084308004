//! What came of a run.

use std::fmt;

/// A run stops looking after this many different failures.
pub const MAX_FAILURES: usize = 8;

/// A run stops looking after this many wrong answers, however alike they are.
pub const MAX_WRONG: u64 = 60;

/// One answer that was wrong, with what it takes to see it again.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What was tried.
    pub case: String,
    /// The job, or what else was asked.
    pub job: String,
    /// The table as SQL; empty where none matters.
    pub table: String,
    /// What is wrong.
    pub problem: String,
    /// The right answer and the one that came.
    pub answers: String,
}

impl Failure {
    /// A failure of something that has no job and no table.
    pub fn of(case: &str, problem: impl Into<String>) -> Self {
        Failure {
            case: case.to_owned(),
            job: String::new(),
            table: String::new(),
            problem: problem.into(),
            answers: String::new(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "✗ {}: {}", self.case, self.problem)?;
        let parts = [("job: ", &self.job), ("table: ", &self.table), ("", &self.answers)];
        parts
            .iter()
            .filter(|(_, text)| !text.is_empty())
            .try_for_each(|(title, text)| writeln!(f, "  {title}{text}"))
    }
}

/// What came of a run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The connector's bridge name.
    pub subject: String,
    /// The seed that everything was generated from.
    pub seed: u64,
    /// How many answers were judged.
    pub judged: u64,
    /// How many of them were wrong.
    pub wrong: u64,
    /// The wrong ones, one of each kind: the next with the same problem tells the same story.
    pub failures: Vec<Failure>,
}

impl Report {
    /// An empty report.
    pub fn new(subject: &str, seed: u64) -> Self {
        Report { subject: subject.to_owned(), seed, ..Report::default() }
    }

    /// Whether something was judged, and nothing was wrong.
    pub fn passed(&self) -> bool {
        self.wrong == 0 && self.judged > 0
    }

    /// Whether there are failures enough.
    pub fn is_full(&self) -> bool {
        self.failures.len() >= MAX_FAILURES || self.wrong >= MAX_WRONG
    }

    /// Counts one answer that was judged, and keeps it if it was wrong.
    pub fn judged(&mut self, outcome: Result<(), Failure>) {
        self.judged += 1;
        if let Err(failure) = outcome {
            let known = self.failures.iter().any(|known| known.problem == failure.problem);
            if !known && !self.is_full() {
                self.failures.push(failure);
            }
            self.wrong += 1;
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} answers judged, {} wrong (seed {})",
            self.subject, self.judged, self.wrong, self.seed
        )?;
        self.failures.iter().try_for_each(|failure| write!(f, "\n{failure}"))
    }
}
