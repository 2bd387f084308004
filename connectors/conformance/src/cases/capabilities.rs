//! What is declared works; what is not declared is refused, with a code that says so.

use connector_model::Capabilities;
use connector_model::capability::AggregateCapabilities;
use connector_model::error::ErrorCode;
use connector_model::request::Kind;
use serde_json::json;

use super::tables::{PEOPLE, fixed};
use crate::bench::Bench;
use crate::job::{Job, Outcome};
use crate::report::{Failure, Report};
use crate::subject::Subject;

/// Runs the cases.
///
/// # Errors
/// The engine could not be filled.
pub async fn run(subject: &dyn Subject, report: &mut Report) -> Result<(), Failure> {
    let capabilities = subject.capabilities();
    let mut bench = Bench::open(subject, fixed(subject)?).await?;
    let Some(people) = bench.tables().get(PEOPLE).map(|table| table.name.clone()) else { return Ok(()) };
    let aggregates = bench.aggregates();
    if capabilities.aggregates.is_some_and(|declared| declared.supports) != aggregates.supports {
        let problem = "the manifest and the session do not agree on whether there are aggregates";
        report.judged(Err(Failure::of("aggregates", problem)));
    }
    if capabilities.per_key_limit {
        report.judged(Err(Failure::of("perKeyLimit", "it is declared, and no job can ask for it")));
    }
    let (works, refused) = probes(&capabilities, &aggregates, &people);
    for job in works {
        report.judged(bench.check("declared capabilities", &job).await);
    }
    for job in refused {
        let got = bench.ask(&job).await;
        let refused = got.error().is_some_and(|error| {
            matches!(error.code(), ErrorCode::UnsupportedJob | ErrorCode::UnsupportedOperator)
        });
        report.judged(if refused {
            Ok(())
        } else {
            let problem = "it is not declared, and not refused".to_owned();
            let expected = "UNSUPPORTED_JOB or unsupported_operator";
            Err(bench.failure("undeclared capabilities", &job, problem, expected, &got.to_string()))
        });
    }
    let count = Job::new(Kind::Count, &people, json!({}));
    let got = bench.ask(&count).await;
    let honest = matches!(&got, Outcome::Counted(counted) if counted.approximate != capabilities.exact_count);
    report.judged(if honest {
        Ok(())
    } else {
        let expected = format!("approximate: {}", !capabilities.exact_count);
        let problem = "exactCount says otherwise".to_owned();
        Err(bench.failure("exact count", &count, problem, &expected, &got.to_string()))
    });
    Ok(())
}

/// A job for everything that can be declared or not: those that have to work, and those that have to be refused.
fn probes(
    capabilities: &Capabilities,
    aggregates: &AggregateCapabilities,
    target: &str,
) -> (Vec<Job>, Vec<Job>) {
    let query = |options| Job::new(Kind::Query, target, options);
    let read = |options| Job::new(Kind::Read, target, options);
    let count = Job::new(Kind::Aggregate, target, json!({"measures": {"n": {"agg": "count"}}}));
    let mut probes = vec![
        // No connector has these yet, whatever it declares.
        (false, Job::new(Kind::Search, target, json!({"query": "a"}))),
        (false, Job::new(Kind::Similar, target, json!({"id": 1}))),
        (aggregates.supports && aggregates.count, count),
        (capabilities.where_pushdown, query(json!({"where": {"id": 1}}))),
        (capabilities.order_by_pushdown, query(json!({"orderBy": {"name": "desc"}}))),
        (capabilities.limit_pushdown, query(json!({"limit": 2}))),
        (capabilities.select_projection, query(json!({"select": ["id"]}))),
        (capabilities.select_projection, read(json!({"fields": ["name"]}))),
        (capabilities.batch_read, Job::new(Kind::BatchRead, target, json!({"where": {"id": [1]}}))),
        (capabilities.cursor, read(json!({"cursor": "1"}))),
        (capabilities.changed_since, read(json!({"changedSince": 0, "changeTrackingColumn": "id"}))),
    ];
    for operator in Capabilities::LOGICAL_OPS {
        let operand = if *operator == "$not" { json!({"id": 1}) } else { json!([{"id": 1}]) };
        let declared = capabilities.where_logical_ops.contains(operator);
        probes.push((declared, query(json!({"where": {*operator: operand}}))));
    }
    for operator in Capabilities::STRING_OPS {
        let declared = capabilities.where_string_ops.contains(operator);
        probes.push((declared, query(json!({"where": {"name": {*operator: "a"}}}))));
    }
    let (works, refused): (Vec<_>, Vec<_>) = probes.into_iter().partition(|(declared, _)| *declared);
    let jobs = |probes: Vec<(bool, Job)>| probes.into_iter().map(|(_, job)| job).collect();
    (jobs(works), jobs(refused))
}
