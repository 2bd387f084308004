//! One dataset in the subject and in the oracle, side by side.

use std::sync::atomic::{AtomicU64, Ordering};

use connector_memory::Table;
use connector_model::capability::AggregateCapabilities;
use connector_model::request::Kind;
use serde_json::{Value as Json, json};

use crate::ddl;
use crate::executor::Executor;
use crate::job::{Job, Outcome};
use crate::judge::judge;
use crate::oracle::Oracle;
use crate::report::Failure;
use crate::subject::{Change, Subject};

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
    executor: Box<dyn Executor>,
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
        let tables = tables.into_iter().map(|table| subject.fitted(table)).collect();
        let oracle = Oracle::new(tables, subject.profile())
            .map_err(|error| Failure::of("dataset", error.to_string()))?;
        let shown: Vec<String> =
            oracle.tables().iter().map(|table| ddl::shown(table, oracle.profile())).collect();
        subject.load(oracle.tables()).await.map_err(|error| Failure {
            table: shown.join("\n"),
            ..Failure::of("dataset", format!("the engine did not take it: {error}"))
        })?;
        let executor = open(subject).await?;
        let mut bench = Bench { subject, executor, oracle, names: Vec::new() };
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
        if !self.executor.reusable() {
            match open(self.subject).await {
                Ok(executor) => self.executor = executor,
                Err(failure) => return Outcome::Garbled(failure.problem),
            }
        }
        // A join names a target too.
        let job = job.with_join_targets(|name| self.target(name).to_owned());
        self.executor.execute(&job, target, self.subject.name()).await
    }

    /// What the subject computes of an aggregate.
    pub fn aggregates(&self) -> AggregateCapabilities {
        self.executor.aggregates()
    }

    /// Takes rows out of a table and puts others in, on both sides; `false` when the subject cannot.
    ///
    /// # Errors
    /// The engine or the oracle did not take the change.
    pub async fn change(&mut self, name: &str, change: &Change) -> Result<bool, Failure> {
        let failed = |problem: String| Failure::of("rows that change", problem);
        let Some(table) = self.tables().iter().find(|table| table.name == name).cloned() else {
            return Err(failed(format!("there is no table {name:?}")));
        };
        if !self.subject.change(&table, change).await.map_err(|error| failed(error.to_string()))? {
            return Ok(false);
        }
        self.oracle.change(name, change).map_err(|error| failed(error.to_string()))?;
        Ok(true)
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
        let joins = job.options.get("joins").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let joined: Vec<&str> = joins.iter().filter_map(|join| join.get("target")?.as_str()).collect();
        let meant = |table: &&Table| table.name == job.target || joined.contains(&table.name.as_str());
        let tables = self.tables().iter().filter(meant).map(|table| ddl::shown(table, self.oracle.profile()));
        Failure {
            case: case.to_owned(),
            job: shortened(job.to_string()),
            table: shortened(tables.collect::<Vec<_>>().join("\n")),
            problem,
            answers: format!("expected: {expected}\n  got: {got}"),
        }
    }
}

async fn open(subject: &dyn Subject) -> Result<Box<dyn Executor>, Failure> {
    subject
        .executor()
        .await
        .map_err(|error| Failure::of("session", format!("it could not be opened: {error}")))
}

fn shortened(mut text: String) -> String {
    if text.len() > SHOWN_BYTES {
        text.truncate(text.floor_char_boundary(SHOWN_BYTES));
        text.push('…');
    }
    text
}
