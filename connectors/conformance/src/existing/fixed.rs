//! What no generator should have to find by luck.

use connector_memory::ColumnDef;
use connector_model::Capabilities;
use connector_model::error::ErrorCode;
use connector_model::request::Kind;
use serde_json::{Value as Json, json};

use super::report::Difference;
use super::right::Oracle;
use super::{Tester, pages};
use crate::job::{Job, Outcome};

/// A name that nothing has.
const UNKNOWN: &str = "no_such_name_here";

/// How many columns are looked at one by one.
const COLUMNS: usize = 16;

/// Runs the cases.
pub(super) async fn run(tester: &mut Tester<'_>, oracle: &Oracle) {
    let target = oracle.table().name.clone();
    let declared = tester.capabilities.clone();
    for (case, job) in jobs(oracle, &declared) {
        if tester.report.is_full() {
            return;
        }
        let outcome = tester.check(oracle, case, &job).await;
        tester.report.judged(job.kind, outcome);
    }
    listed(tester, &target).await;
    for (what, job) in undeclared(oracle, &declared) {
        let got = tester.ask(&job).await;
        let refused = got.error().is_some_and(|error| {
            matches!(error.code(), ErrorCode::UnsupportedJob | ErrorCode::UnsupportedOperator)
        });
        let outcome = if refused {
            Ok(())
        } else {
            let expected = "UNSUPPORTED_JOB or unsupported_operator".to_owned();
            let problem = format!("{what} is not declared, and not refused");
            Err(Difference::new("undeclared capabilities", &job, problem, expected, got.to_string()))
        };
        tester.report.judged(job.kind, outcome);
    }
    if declared.cursor {
        for job in walks(oracle, &declared) {
            let outcome = pages::walk(tester, oracle, "page by page", &job).await;
            tester.report.judged(job.kind, outcome);
        }
        foreign_cursor(tester, &target).await;
    }
}

/// Jobs that are held against the oracle as they are.
fn jobs(oracle: &Oracle, declared: &Capabilities) -> Vec<(&'static str, Job)> {
    let table = oracle.table();
    let (target, rows) = (table.name.as_str(), table.rows.len());
    let query = |options: Json| Job::new(Kind::Query, target, options);
    let read = |options: Json| Job::new(Kind::Read, target, options);
    let mut jobs = vec![
        ("a sign of life", Job::new(Kind::Test, "", json!({}))),
        ("all rows", query(json!({}))),
        ("all rows in key order", read(json!({"limit": rows + 1}))),
        ("how many rows there are", Job::new(Kind::Count, target, json!({}))),
        ("its columns", Job::new(Kind::IntrospectTarget, target, json!({}))),
        ("a target that is not there", Job::new(Kind::IntrospectTarget, UNKNOWN, json!({}))),
        ("a target that is not there", Job::new(Kind::Query, UNKNOWN, json!({}))),
        ("a target that is not there", Job::new(Kind::Read, UNKNOWN, json!({}))),
        ("a target that is not there", Job::new(Kind::Count, UNKNOWN, json!({}))),
    ];
    if declared.limit_pushdown {
        for limit in [0, 1, rows, rows + 1] {
            jobs.push(("limits", query(json!({ "limit": limit }))));
            jobs.push(("offsets", query(json!({"offset": limit, "limit": 2}))));
        }
        jobs.push(("offsets", query(json!({"offset": rows.saturating_sub(1)}))));
    }
    if declared.select_projection {
        jobs.push(("a column that is not there", query(json!({"select": [UNKNOWN]}))));
        jobs.push(("a column that is not there", read(json!({"fields": [UNKNOWN]}))));
        for column in table.columns.iter().take(COLUMNS) {
            jobs.push(("one column", query(json!({"select": [column.name]}))));
            jobs.push(("one column", read(json!({"fields": [column.name], "limit": rows}))));
        }
    }
    if declared.where_pushdown {
        jobs.push(("a column that is not there", query(json!({"where": {UNKNOWN: 1}}))));
        jobs.push((
            "a column that is not there",
            Job::new(Kind::Count, target, json!({"where": {UNKNOWN: 1}})),
        ));
        for column in table.columns.iter().take(COLUMNS) {
            for exists in [true, false] {
                let filter = json!({"where": {column.name.as_str(): {"$exists": exists}}});
                jobs.push(("null or not", Job::new(Kind::Count, target, filter)));
            }
        }
    }
    if declared.order_by_pushdown {
        jobs.push(("a column that is not there", query(json!({"orderBy": {UNKNOWN: "asc"}}))));
        for column in ordered(oracle) {
            for direction in ["asc", "desc"] {
                jobs.push((
                    "one column's order",
                    query(json!({"orderBy": {column.name.as_str(): direction}})),
                ));
            }
        }
    }
    jobs
}

/// The columns that the oracle can order by.
fn ordered(oracle: &Oracle) -> impl Iterator<Item = &ColumnDef> {
    oracle.table().columns.iter().filter(|column| column.logical_type.orderable()).take(COLUMNS)
}

/// Results to be read page by page.
fn walks(oracle: &Oracle, declared: &Capabilities) -> Vec<Job> {
    let table = oracle.table();
    let limit = 1 + table.rows.len() / 3;
    let mut jobs = vec![
        Job::new(Kind::Read, &table.name, json!({ "limit": limit })),
        Job::new(Kind::Read, &table.name, json!({ "limit": table.rows.len().max(1) })),
    ];
    if declared.limit_pushdown {
        jobs.push(Job::new(Kind::Query, &table.name, json!({ "limit": limit })));
        if declared.order_by_pushdown {
            jobs.extend(ordered(oracle).map(|column| {
                let order = json!({column.name.as_str(): "desc"});
                Job::new(Kind::Query, &table.name, json!({"limit": limit, "orderBy": order}))
            }));
        }
    }
    jobs
}

/// What the manifest does not declare, and a job that asks for it.
fn undeclared(oracle: &Oracle, declared: &Capabilities) -> Vec<(String, Job)> {
    let target = oracle.table().name.as_str();
    let Some(column) = oracle.table().columns.first().map(|column| column.name.as_str()) else {
        return Vec::new();
    };
    let query = |options: Json| Job::new(Kind::Query, target, options);
    let read = |options: Json| Job::new(Kind::Read, target, options);
    let changed = json!({"changedSince": 0, "changeTrackingColumn": column});
    let batch = Job::new(Kind::BatchRead, target, json!({"where": {column: [1]}}));
    let mut jobs = vec![
        (declared.where_pushdown, "wherePushdown".to_owned(), query(json!({"where": {column: 1}}))),
        (
            declared.order_by_pushdown,
            "orderByPushdown".to_owned(),
            query(json!({"orderBy": {column: "asc"}})),
        ),
        (declared.limit_pushdown, "limitPushdown".to_owned(), query(json!({"limit": 2}))),
        (declared.select_projection, "selectProjection".to_owned(), query(json!({"select": [column]}))),
        (declared.cursor, "cursor".to_owned(), read(json!({"cursor": "1"}))),
        (declared.changed_since, "changedSince".to_owned(), read(changed)),
        (declared.batch_read, "batchRead".to_owned(), batch),
    ];
    for operator in Capabilities::LOGICAL_OPS {
        let operand = if *operator == "$not" { json!({column: 1}) } else { json!([{column: 1}]) };
        let works = declared.where_logical_ops.contains(operator);
        jobs.push((works, (*operator).to_owned(), query(json!({"where": {*operator: operand}}))));
    }
    for operator in Capabilities::STRING_OPS {
        let works = declared.where_string_ops.contains(operator);
        jobs.push((works, (*operator).to_owned(), query(json!({"where": {column: {*operator: "a"}}}))));
    }
    jobs.into_iter().filter(|(works, ..)| !works).map(|(_, what, job)| (what, job)).collect()
}

/// The target has to be in the list that other jobs take their targets from.
async fn listed(tester: &mut Tester<'_>, target: &str) {
    let job = Job::new(Kind::ListTargets, "", json!({}));
    let got = tester.ask(&job).await;
    let outcome = match &got {
        Outcome::Targets(targets) if targets.iter().any(|listed| listed.name == target) => Ok(()),
        // It need not list what it has.
        Outcome::Failed(error) if error.code() == ErrorCode::UnsupportedJob => {
            tester.report.note("the connector lists no targets");
            return;
        }
        _ => {
            let problem = format!("target \"{target}\" is not listed, and can be read");
            Err(Difference::new("the list of targets", &job, problem, String::new(), got.to_string()))
        }
    };
    tester.report.judged(job.kind, outcome);
}

/// A cursor of another shape is refused, not taken for a place to begin.
async fn foreign_cursor(tester: &mut Tester<'_>, target: &str) {
    let job = Job::new(Kind::Read, target, json!({"cursor": "v1.AAAA", "limit": 2}));
    let got = tester.ask(&job).await;
    let refused = got.error().is_some_and(|error| error.code() == ErrorCode::InvalidJob);
    let outcome = if refused {
        Ok(())
    } else {
        let problem = "a cursor that was never issued is taken".to_owned();
        Err(Difference::new("foreign cursors", &job, problem, "INVALID_JOB".to_owned(), got.to_string()))
    };
    tester.report.judged(job.kind, outcome);
}
