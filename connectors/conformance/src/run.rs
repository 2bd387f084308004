//! Everything at once.

use std::sync::Arc;

use proptest::strategy::{BoxedStrategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::bench::{Bench, unique_suffix};
use crate::cases;
use crate::generate::{AggregateJobs, Jobs, runner, tables, tree};
use crate::job::Job;
use crate::report::{Failure, Report};
use crate::subject::Subject;
use crate::walk::walk;

/// Tables of one generated dataset.
const TABLES: usize = 3;
/// Generated jobs of one dataset.
const JOBS_PER_DATASET: u32 = 30;
/// Every so many of them is read page by page.
const WALK_EVERY: u32 = 4;
/// One in so many of the generated jobs is an aggregate.
const AGGREGATE_OF: u32 = 3;
/// How many smaller jobs are tried to explain a wrong answer.
const SHRINK_STEPS: usize = 200;

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunOptions {
    /// How many generated jobs are judged.
    pub cases: u32,
    /// What they are generated from; the report prints it.
    pub seed: u64,
}

impl Default for RunOptions {
    /// 1,000 jobs of one fixed seed: a change that breaks something is then the only thing that changed.
    fn default() -> Self {
        RunOptions { cases: 1_000, seed: 20_240_301 }
    }
}

/// The parts of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Generated jobs over generated tables, aggregates aside.
    Generated,
    /// Generated aggregates over generated tables.
    GeneratedAggregates,
    /// Groups and measures: the contract's own cases, and those that cannot be.
    Aggregates,
    /// The contract's `where` table.
    Filters,
    /// Limits, cursors, large results.
    Paging,
    /// Wrong options, unknown names.
    Options,
    /// SQL in every name and value.
    Injection,
    /// Targets and introspection.
    Catalogue,
    /// What is not declared.
    Capabilities,
}

impl Part {
    /// Every part.
    pub const ALL: [Part; 9] = [
        Part::Capabilities,
        Part::Catalogue,
        Part::Options,
        Part::Filters,
        Part::Paging,
        Part::Injection,
        Part::Aggregates,
        Part::Generated,
        Part::GeneratedAggregates,
    ];
}

/// Runs the whole suite.
pub async fn run(subject: &dyn Subject, options: RunOptions) -> Report {
    let mut report = Report::new(subject.name(), options.seed);
    for part in Part::ALL {
        run_part(subject, part, options, &mut report).await;
        if report.is_full() {
            break;
        }
    }
    report
}

/// Runs one part of it.
pub async fn run_part(subject: &dyn Subject, part: Part, options: RunOptions, report: &mut Report) {
    let outcome = match part {
        Part::Generated => {
            let cases = options.cases - options.cases / AGGREGATE_OF;
            generated(subject, RunOptions { cases, ..options }, report, rows).await
        }
        Part::GeneratedAggregates => match subject.executor().await {
            Err(error) => Err(Failure::of("session", format!("it could not be opened: {error}"))),
            Ok(executor) if executor.aggregates().supports => {
                let cases = options.cases / AGGREGATE_OF;
                generated(subject, RunOptions { cases, ..options }, report, groups).await
            }
            // There is nothing to generate: what there is has to be refused.
            Ok(_) => cases::aggregates::run(subject, report).await,
        },
        Part::Aggregates => cases::aggregates::run(subject, report).await,
        Part::Filters => cases::filters::run(subject, report).await,
        Part::Paging => cases::paging::run(subject, report).await,
        Part::Options => cases::options::run(subject, report).await,
        Part::Injection => cases::injection::run(subject, report).await,
        Part::Catalogue => cases::catalogue::run(subject, report).await,
        Part::Capabilities => cases::capabilities::run(subject, report).await,
    };
    if let Err(failure) = outcome {
        report.judged(Err(failure));
    }
}

/// A generated job, and whether it is read page by page.
type Generated = (BoxedStrategy<Job>, bool);

/// Makes the job of that number over the dataset of a bench.
type Generator = fn(&Bench<'_>, &dyn Subject, u32) -> Option<Generated>;

fn rows(bench: &Bench<'_>, subject: &dyn Subject, number: u32) -> Option<Generated> {
    let table = bench.tables().get(number as usize % TABLES)?;
    let jobs = Jobs::new(Arc::new(table.clone()), subject.profile(), subject.capabilities());
    let paged = subject.capabilities().cursor && number.is_multiple_of(WALK_EVERY);
    Some((if paged { jobs.paged() } else { jobs.any() }, paged))
}

fn groups(bench: &Bench<'_>, subject: &dyn Subject, number: u32) -> Option<Generated> {
    let tables = Arc::new(bench.tables().to_vec());
    let jobs = AggregateJobs::new(tables, subject.profile(), subject.capabilities(), bench.aggregates());
    Some((jobs.over(number as usize % TABLES), false))
}

async fn generated(
    subject: &dyn Subject,
    options: RunOptions,
    report: &mut Report,
    make: Generator,
) -> Result<(), Failure> {
    for dataset in 0..options.cases.div_ceil(JOBS_PER_DATASET) {
        // A stream a dataset: each can be made again without those before it.
        let mut random = runner(options.seed, u64::from(dataset));
        let strategy = tables(subject.types(), TABLES, &unique_suffix());
        let made = tree(&mut random, &strategy).map_err(|why| Failure::of("tables", why))?;
        let mut bench = Bench::open(subject, made.current()).await?;
        let first = dataset * JOBS_PER_DATASET;
        for number in first..options.cases.min(first + JOBS_PER_DATASET) {
            let Some((strategy, paged)) = make(&bench, subject, number) else { continue };
            let case = format!("generated job {number} (seed {}, dataset {dataset})", options.seed);
            report.judged(one(&mut bench, &mut random, &strategy, &case, paged).await);
            if report.is_full() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// One generated job; a wrong answer is given for the smallest job that still has one.
async fn one(
    bench: &mut Bench<'_>,
    random: &mut TestRunner,
    strategy: &BoxedStrategy<Job>,
    case: &str,
    paged: bool,
) -> Result<(), Failure> {
    let mut tree = tree(random, strategy).map_err(|why| Failure::of(case, why))?;
    let Err(mut smallest) = judged(bench, case, &tree.current(), paged).await else { return Ok(()) };
    let mut smaller = tree.simplify();
    for _ in 0..SHRINK_STEPS {
        if !smaller {
            break;
        }
        smaller = match judged(bench, case, &tree.current(), paged).await {
            Err(failure) => {
                smallest = failure;
                tree.simplify()
            }
            Ok(()) => tree.complicate(),
        };
    }
    Err(smallest)
}

async fn judged(bench: &mut Bench<'_>, case: &str, job: &Job, paged: bool) -> Result<(), Failure> {
    if paged { walk(bench, case, job).await } else { bench.check(case, job).await }
}
