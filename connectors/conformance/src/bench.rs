//! One dataset in the subject and in the oracle, side by side.

use std::sync::atomic::{AtomicU64, Ordering};

use connector_api::Session;
use connector_memory::Table;
use connector_model::request::Kind;
use serde_json::json;

use crate::ddl;
use crate::job::{Job, Outcome, execute};
use crate::judge::judge;
use crate::oracle::Oracle;
use crate::report::Failure;
use crate::subject::Subject;

/// How much of a job or a table a failure shows: a list of 50,000 ids explains nothing.
const SHOWN_BYTES: usize = 8_000;

/// A suffix that no other dataset of this process has: connectors remember what a name meant.
pub(crate) fn unique_suffix() -> String {
    static DATASETS: AtomicU64 = AtomicU64::new(0);
    format!("t{}_", DATASETS.fetch_add(1, Ordering::Relaxed))
}

/// A subject and an oracle with the same tables.
pub struct Bench<'s> {
    subject: &'s dyn Subject,
    session: Box<dyn Session>,
    oracle: Oracle,
    /// What the subject calls each of the tables.
    names: Vec<(String, String)>,
}

impl<'s> Bench<'s> {
    /// Fills both with `tables`, and asks the subject what it calls them.
    ///
    /// # Errors
    /// A failure that says which step went wrong: a table that `listTargets` does not show is one.
    pub async fn open(subject: &'s dyn Subject, tables: Vec<Table>) -> Result<Bench<'s>, Failure> {
        let oracle = Oracle::new(tables, subject.profile())
            .map_err(|error| Failure::of("dataset", error.to_string()))?;
        let shown: Vec<String> =
            oracle.tables().iter().map(|table| ddl::shown(table, oracle.profile())).collect();
        subject.load(oracle.tables()).await.map_err(|error| Failure {
            table: shown.join("\n"),
            ..Failure::of("dataset", format!("the engine did not take it: {error}"))
        })?;
        let session = open(subject).await?;
        let mut bench = Bench { subject, session, oracle, names: Vec::new() };
        bench.names = bench.listed().await?;
        Ok(bench)
    }

    /// The subject's names: what `listTargets` shows is what other jobs take.
    async fn listed(&mut self) -> Result<Vec<(String, String)>, Failure> {
        let job = Job::new(Kind::ListTargets, "", json!({}));
        let Outcome::Targets(targets) = self.ask_as(&job, "").await else {
            return Err(Failure::of("listTargets", "no list of targets came"));
        };
        let named = |table: &Table| {
            let qualified = format!(".{}", table.name);
            let mut found = targets.iter().filter(|t| t.name == table.name || t.name.ends_with(&qualified));
            match (found.next(), found.next()) {
                (Some(target), None) if target.kind == table.kind => {
                    Ok((table.name.clone(), target.name.clone()))
                }
                (Some(target), None) => Err(format!("{:?} is listed as a {:?}", table.name, target.kind)),
                (None, _) => Err(format!("{:?} is not listed", table.name)),
                (Some(_), Some(_)) => Err(format!("{:?} is listed twice", table.name)),
            }
        };
        self.oracle
            .tables()
            .iter()
            .map(|table| named(table).map_err(|problem| Failure::of("listTargets", problem)))
            .collect()
    }

    /// The oracle's side.
    pub fn oracle(&self) -> &Oracle {
        &self.oracle
    }

    /// The tables.
    pub fn tables(&self) -> &[Table] {
        self.oracle.tables()
    }

    /// The connector's bridge name.
    pub fn bridge(&self) -> &str {
        self.subject.name()
    }

    /// What the subject calls a table; a name that is none of the tables' stays as it is.
    pub fn target<'n>(&'n self, name: &'n str) -> &'n str {
        self.names.iter().find(|(table, _)| table == name).map_or(name, |(_, target)| target)
    }

    /// The subject's answer.
    pub async fn ask(&mut self, job: &Job) -> Outcome {
        let target = self.target(&job.target).to_owned();
        self.ask_as(job, &target).await
    }

    /// The subject's answer to the job with another target.
    pub async fn ask_as(&mut self, job: &Job, target: &str) -> Outcome {
        if !self.session.reusable() {
            match open(self.subject).await {
                Ok(session) => self.session = session,
                Err(failure) => return Outcome::Garbled(failure.problem),
            }
        }
        execute(self.session.as_mut(), self.subject.name(), job, target).await
    }

    /// Sends the job to both sides and judges.
    ///
    /// # Errors
    /// What is wrong with the subject's answer.
    pub async fn check(&mut self, case: &str, job: &Job) -> Result<(), Failure> {
        let expected = self.oracle.expect(job).await;
        let got = self.ask(job).await;
        let request = job.request(self.subject.name(), &job.target).ok();
        judge(request.as_ref(), &expected, &got).map_err(|problem| {
            self.failure(case, job, problem, &expected.outcome.to_string(), &got.to_string())
        })
    }

    /// A failure of a job, with its table.
    pub fn failure(&self, case: &str, job: &Job, problem: String, expected: &str, got: &str) -> Failure {
        let table = self.tables().iter().find(|table| table.name == job.target);
        Failure {
            case: case.to_owned(),
            job: shortened(job.to_string()),
            table: shortened(table.map(|table| ddl::shown(table, self.oracle.profile())).unwrap_or_default()),
            problem,
            answers: format!("expected: {expected}\n  got: {got}"),
        }
    }
}

async fn open(subject: &dyn Subject) -> Result<Box<dyn Session>, Failure> {
    subject.open().await.map_err(|error| Failure::of("session", format!("it could not be opened: {error}")))
}

fn shortened(mut text: String) -> String {
    if text.len() > SHOWN_BYTES {
        text.truncate(text.floor_char_boundary(SHOWN_BYTES));
        text.push('…');
    }
    text
}
