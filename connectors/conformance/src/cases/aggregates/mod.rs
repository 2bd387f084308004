//! Groups and measures.
//!
//! - `sales`: the tables they are of
//! - `right`: every function, every bucket, joins, and how groups are chosen
//! - `wrong`: aggregates that cannot be, and SQL in every name
//! - `sample`: parts of the rows

mod right;
mod sales;
mod sample;
mod wrong;

use connector_model::capability::AggregateCapabilities;
use connector_model::error::ErrorCode;
use connector_model::request::{Kind, Request};
use serde_json::json;

use super::tables::large;
use crate::bench::Bench;
use crate::job::Job;
use crate::report::{Failure, Report};
use crate::subject::Subject;
use sales::{COUNTRIES, SALES, SHOWN, Sales};

/// Runs the cases.
///
/// # Errors
/// The engine could not be filled.
pub async fn run(subject: &dyn Subject, report: &mut Report) -> Result<(), Failure> {
    let sales = Sales::of(subject)?;
    let many = large(subject)?;
    let mut tables = sales.tables.clone();
    tables.push(many.clone());
    let mut bench = Bench::open(subject, tables).await?;
    let name = |at: usize| sales.tables.get(at).map(|table| table.name.clone()).unwrap_or_default();
    let (own, other, shown) = (name(SALES), name(COUNTRIES), name(SHOWN));
    let able = bench.aggregates();
    let of = |target: &str, options| Job::new(Kind::Aggregate, target, options);
    let measured = sales.measures.iter().filter(|measure| serves(&able, measure)).cloned().collect();
    let mut jobs: Vec<Job> =
        right::measured(&sales, measured).into_iter().map(|options| of(&own, options)).collect();
    for target in [&own, &shown] {
        let requests =
            right::bucketed(&sales).into_iter().chain(right::chosen()).chain(right::joined(&other));
        jobs.extend(requests.map(|options| of(target, options)));
    }
    jobs.extend(right::many_ids().into_iter().map(|options| of(&own, options)));
    jobs.extend(right::over_many().into_iter().map(|options| of(&many.name, options)));
    for job in jobs {
        report.judged(served(&mut bench, &job).await);
        if report.is_full() {
            return Ok(());
        }
    }
    let wrong = if able.supports { wrong::wrong(&sales, &other) } else { Vec::new() };
    for options in wrong {
        let job = Job::new(Kind::Aggregate, &own, options);
        report.judged(refused(&mut bench, &job).await);
    }
    for options in wrong::hostile(&own) {
        let job = Job::new(Kind::Aggregate, &own, options);
        report.judged(served(&mut bench, &job).await);
        let untouched = Job::new(Kind::Query, &own, json!({"orderBy": {"id": "asc"}}));
        report.judged(bench.check("the table is untouched", &untouched).await);
    }
    let unknown = Job::new(Kind::Aggregate, "no such target", json!({"measures": {"n": {"agg": "count"}}}));
    if able.supports {
        report.judged(bench.check("aggregates that cannot be", &unknown).await);
    }
    sample::sampled(&mut bench, &many, report).await;
    Ok(())
}

/// Whether the measure is declared.
fn serves(able: &AggregateCapabilities, measure: &serde_json::Value) -> bool {
    let job = Job::new(Kind::Aggregate, "any", json!({"measures": {"m": measure}}));
    matches!(job.request("", "any"), Ok(Request::Aggregate(request)) if able.serve(&request))
}

/// What is declared has to be right, and what is not has to be refused.
async fn served(bench: &mut Bench<'_>, job: &Job) -> Result<(), Failure> {
    let request = job.request(bench.bridge(), &job.target);
    let served = match &request {
        Ok(Request::Aggregate(request)) => bench.aggregates().serve(request),
        // What cannot be parsed is answered alike by all.
        _ => true,
    };
    if served {
        return bench.check("aggregates", job).await;
    }
    let got = bench.ask(job).await;
    if got.error().is_some_and(|error| error.code() == ErrorCode::UnsupportedJob) {
        return Ok(());
    }
    let problem = "it is not declared, and not refused".to_owned();
    Err(bench.failure("undeclared aggregates", job, problem, "UNSUPPORTED_JOB", &got.to_string()))
}

/// What cannot be is refused as such, unless it is not declared and refused as that.
async fn refused(bench: &mut Bench<'_>, job: &Job) -> Result<(), Failure> {
    let request = job.request(bench.bridge(), &job.target);
    if let Ok(Request::Aggregate(request)) = request
        && !bench.aggregates().serve(&request)
    {
        let got = bench.ask(job).await;
        if got.error().is_some_and(|error| error.code() == ErrorCode::UnsupportedJob) {
            return Ok(());
        }
    }
    bench.check("aggregates that cannot be", job).await
}
