//! What is declared works (all other cases); what is not declared is refused, with a code that says so.

use connector_model::Capabilities;
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
    for job in undeclared(&capabilities, &people) {
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

/// One job for everything that is not declared.
fn undeclared(capabilities: &Capabilities, target: &str) -> Vec<Job> {
    let query = |options| Job::new(Kind::Query, target, options);
    let mut jobs = vec![
        // No connector has these yet, whatever it declares.
        Job::new(Kind::Search, target, json!({"query": "a"})),
        Job::new(Kind::Similar, target, json!({"id": 1})),
    ];
    if capabilities.aggregates.is_none() {
        jobs.push(Job::new(Kind::Aggregate, target, json!({"measures": {"n": {"agg": "count"}}})));
    }
    let optional = [
        (capabilities.where_pushdown, query(json!({"where": {"id": 1}}))),
        (capabilities.order_by_pushdown, query(json!({"orderBy": {"name": "desc"}}))),
        (capabilities.select_projection, query(json!({"select": ["id"]}))),
        (capabilities.batch_read, Job::new(Kind::BatchRead, target, json!({"where": {"id": [1]}}))),
        (capabilities.cursor, Job::new(Kind::Read, target, json!({"cursor": "1"}))),
        (
            capabilities.changed_since,
            Job::new(Kind::Read, target, json!({"changedSince": 0, "changeTrackingColumn": "id"})),
        ),
    ];
    jobs.extend(optional.into_iter().filter(|(declared, _)| !declared).map(|(_, job)| job));
    for operator in Capabilities::LOGICAL_OPS {
        if !capabilities.where_logical_ops.contains(operator) {
            let operand = if *operator == "$not" { json!({"id": 1}) } else { json!([{"id": 1}]) };
            jobs.push(query(json!({"where": {*operator: operand}})));
        }
    }
    for operator in Capabilities::STRING_OPS {
        if !capabilities.where_string_ops.contains(operator) {
            jobs.push(query(json!({"where": {"name": {*operator: "a"}}})));
        }
    }
    jobs
}
