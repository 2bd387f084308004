//! The suite over a target that exists already: nothing is created and nothing is written.
//!
//! A target of at most [`MAX_ROWS`] rows is read whole, by a query without a filter, and its rows become the oracle's.
//! Then requests are generated of its own data and every answer is held against what the oracle makes of the same
//! request. What cannot be known of a database from outside is left open: the sequence of rows that an order does not
//! settle, and texts that are compared by a collation of their own.
//!
//! - `choose`: the target, and its rows as they came
//! - `typed`: those rows as a table of typed values
//! - `collation`: columns of text that are not compared byte by byte
//! - `right`: what should become of a request
//! - `hold`: whether it did
//! - `pages`: a result page by page
//! - `fixed`: what no generator should have to find by luck
//! - `report`: what came of it, for a person

mod choose;
mod collation;
mod fixed;
mod hold;
mod pages;
mod report;
mod right;
mod typed;

use std::sync::Arc;

use async_trait::async_trait;
use connector_api::Session;
use connector_model::Capabilities;
use connector_model::error::{Error, Result};
use proptest::strategy::{BoxedStrategy, ValueTree};
use serde_json::Value as Json;

pub use choose::MAX_ROWS;
pub use report::{Difference, ExistingReport};

use crate::generate::{AggregateJobs, Jobs, runner, tree};
use crate::job::{Job, Outcome, execute};
use right::Oracle;

/// How many smaller requests are tried to explain a wrong answer.
const SHRINK_STEPS: usize = 60;

/// Every so many of the generated requests is read page by page.
const WALK_EVERY: u32 = 5;

/// Every so many of them is an aggregate, where the connector computes any.
const AGGREGATE_EVERY: u32 = 4;

/// A target with more rows than this is asked for no aggregates: the oracle computes them the slow and obvious way.
const MAX_AGGREGATED_ROWS: usize = 2_000;

/// Where sessions of the source under test come from.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Opens one.
    ///
    /// # Errors
    /// As [`connector_api::Source::open`].
    async fn open(&self) -> Result<Box<dyn Session>>;
}

/// What is tried, and how much of it.
#[derive(Debug, Clone)]
pub struct ExistingOptions {
    /// The target; absent is the first that is small enough and not empty.
    pub target: Option<String>,
    /// How many generated requests are judged.
    pub cases: u32,
    /// What they are generated from; the report prints it.
    pub seed: u64,
}

impl Default for ExistingOptions {
    /// 300 requests of one fixed seed over the first target that fits.
    fn default() -> Self {
        ExistingOptions { target: None, cases: 300, seed: 20_240_301 }
    }
}

/// Holds a source's answers against the oracle's. `bridge` is what errors call the connector, `capabilities` what its
/// manifest declares.
///
/// # Errors
/// What kept the suite from beginning: no session, no target that fits, a target that could not be read. Wrong answers
/// are in the report.
pub async fn existing(
    sessions: &dyn Sessions,
    bridge: &str,
    capabilities: &Capabilities,
    options: &ExistingOptions,
) -> Result<ExistingReport> {
    let report = ExistingReport::new(bridge, options.seed);
    let mut tester = Tester { sessions, session: None, bridge, capabilities, report };
    let chosen = choose::choose(&mut tester, options.target.as_deref()).await?;
    let schema = chosen.schema.clone();
    let conventions = tester.session().await?.conventions();
    let mut loaded = typed::load(chosen, &conventions, &mut tester.report);
    collation::find(&mut tester, &mut loaded).await;
    let oracle = Oracle::new(loaded, schema)?;
    tester.report.describe(&oracle);
    fixed::run(&mut tester, &oracle).await;
    tester.generated(&oracle, options).await?;
    Ok(tester.report)
}

/// A run in progress.
struct Tester<'t> {
    sessions: &'t dyn Sessions,
    session: Option<Box<dyn Session>>,
    bridge: &'t str,
    capabilities: &'t Capabilities,
    report: ExistingReport,
}

impl Tester<'_> {
    /// A session that may serve; one that may not is gone before another is opened, since there may be room for one only.
    async fn session(&mut self) -> Result<&mut dyn Session> {
        self.session = self.session.take().filter(|session| session.reusable());
        let session = match self.session.take() {
            Some(session) => session,
            None => self.sessions.open().await?,
        };
        Ok(self.session.insert(session).as_mut())
    }

    /// The answer to a job.
    async fn ask(&mut self, job: &Job) -> Outcome {
        let bridge = self.bridge;
        match self.session().await {
            Ok(session) => execute(session, bridge, job, &job.target).await,
            Err(error) => Outcome::Failed(error),
        }
    }

    /// Judges one job; what is wrong with the answer.
    async fn check(&mut self, oracle: &Oracle, case: &str, job: &Job) -> std::result::Result<(), Difference> {
        let right = oracle.right(job, self.bridge);
        let got = self.ask(job).await;
        hold::hold(oracle, &right, self.capabilities, &got)
            .map_err(|problem| Difference::new(case, job, problem, right.to_string(), got.to_string()))
    }

    async fn generated(&mut self, oracle: &Oracle, options: &ExistingOptions) -> Result<()> {
        let table = Arc::new(oracle.table().clone());
        let jobs = Jobs::new(Arc::clone(&table), *oracle.profile(), oracle.generated(self.capabilities));
        let aggregates = self.aggregates(oracle).await;
        let mut random = runner(options.seed, 0);
        for number in 0..options.cases {
            let (strategy, way) = match &aggregates {
                Some(aggregates) if number % AGGREGATE_EVERY == 1 => (aggregates.clone(), Way::Once),
                _ if self.capabilities.cursor && number.is_multiple_of(WALK_EVERY) => {
                    (jobs.paged(), Way::ByPages)
                }
                _ => (jobs.any(), Way::Once),
            };
            let case = format!("generated request {number} (seed {})", options.seed);
            let mut tree = tree(&mut random, &strategy).map_err(Error::internal)?;
            let fitted = self.fitted(oracle, tree.current(), way);
            let kind = fitted.kind;
            let outcome = match self.one(oracle, &case, &fitted, way).await {
                Ok(()) => Ok(()),
                Err(difference) => Err(self.smallest(oracle, &case, tree.as_mut(), way, difference).await),
            };
            self.report.judged(kind, outcome);
            if self.report.is_full() {
                break;
            }
        }
        Ok(())
    }

    /// Aggregates over the target, where the connector computes any.
    async fn aggregates(&mut self, oracle: &Oracle) -> Option<BoxedStrategy<Job>> {
        let mut able = self.session().await.ok()?.aggregates();
        if !able.supports {
            self.report.note("the connector computes no aggregates; the runner does, of its rows");
            return None;
        }
        if oracle.table().rows.len() > MAX_AGGREGATED_ROWS {
            self.report
                .note(format!("aggregates are tried on targets of at most {MAX_AGGREGATED_ROWS} rows"));
            return None;
        }
        // There is no second target to join.
        able.joins = false;
        let tables = Arc::new(vec![oracle.written_alike().clone()]);
        let capabilities = oracle.generated(self.capabilities);
        Some(AggregateJobs::new(tables, *oracle.profile(), capabilities, able).over(0))
    }

    async fn one(
        &mut self,
        oracle: &Oracle,
        case: &str,
        job: &Job,
        way: Way,
    ) -> std::result::Result<(), Difference> {
        match way {
            Way::Once => self.check(oracle, case, job).await,
            Way::ByPages => pages::walk(self, oracle, case, job).await,
        }
    }

    /// The smallest request that still shows what is wrong.
    async fn smallest(
        &mut self,
        oracle: &Oracle,
        case: &str,
        tree: &mut dyn ValueTree<Value = Job>,
        way: Way,
        mut difference: Difference,
    ) -> Difference {
        let mut smaller = tree.simplify();
        for _ in 0..SHRINK_STEPS {
            if !smaller {
                break;
            }
            let job = self.fitted(oracle, tree.current(), way);
            smaller = match self.one(oracle, case, &job, way).await {
                Err(found) => {
                    difference = found;
                    tree.simplify()
                }
                Ok(()) => tree.complicate(),
            };
        }
        difference
    }

    /// The request as this connector and a target of this size can be asked: pages of a handful of rows would make
    /// thousands of them.
    fn fitted(&self, oracle: &Oracle, mut job: Job, way: Way) -> Job {
        let Some(options) = job.options.as_object_mut() else { return job };
        if !self.capabilities.limit_pushdown && job.kind != connector_model::request::Kind::Read {
            options.remove("limit");
            options.remove("offset");
        }
        let limit = options.get("limit").and_then(Json::as_u64);
        if let (Way::ByPages, Some(limit)) = (way, limit) {
            let rows = oracle.table().rows.len() as u64;
            options.insert("limit".to_owned(), (limit * (1 + rows / pages::PAGES)).into());
        }
        job
    }
}

/// How a result is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Once,
    ByPages,
}
