//! SQL in every place that takes a name or a value; afterwards everything is still there.

use connector_model::request::Kind;
use serde_json::json;

use super::tables::{PEOPLE, WORDS, fixed};
use crate::bench::Bench;
use crate::ddl::quoted;
use crate::job::Job;
use crate::report::{Failure, Report};
use crate::subject::Subject;

/// Runs the cases.
///
/// # Errors
/// The engine could not be filled.
pub async fn run(subject: &dyn Subject, report: &mut Report) -> Result<(), Failure> {
    let capabilities = subject.capabilities();
    let mut bench = Bench::open(subject, fixed(subject)?).await?;
    let name = |at: usize| bench.tables().get(at).map(|table| table.name.clone()).unwrap_or_default();
    let (people, words) = (name(PEOPLE), name(WORDS));
    for payload in payloads(&people) {
        let mut jobs = vec![
            Job::new(Kind::Query, &payload, json!({})),
            Job::new(Kind::Query, &format!("{people}{payload}"), json!({})),
            Job::new(Kind::IntrospectTarget, &payload, json!({})),
            Job::new(Kind::Query, &people, json!({"select": [payload]})),
            Job::new(Kind::Query, &people, json!({"orderBy": {payload.as_str(): "asc"}})),
            Job::new(Kind::Query, &people, json!({"orderBy": {"field": "id", "dir": payload}})),
            Job::new(Kind::Query, &people, json!({ "limit": payload })),
            Job::new(Kind::Query, &people, json!({ "offset": payload })),
            Job::new(Kind::Read, &people, json!({"fields": [payload]})),
            Job::new(Kind::Read, &people, json!({ "changedSince": payload })),
            Job::new(Kind::Read, &people, json!({"changedSince": 0, "changeTrackingColumn": payload})),
        ];
        if capabilities.cursor {
            jobs.push(Job::new(Kind::Read, &people, json!({ "cursor": payload })));
            // A text key takes any text as a cursor.
            jobs.push(Job::new(Kind::Read, &words, json!({ "cursor": payload })));
        }
        if capabilities.where_pushdown {
            jobs.push(Job::new(Kind::Query, &people, json!({"where": {payload.as_str(): 1}})));
            for column in ["id", "name", "age"] {
                jobs.push(Job::new(Kind::Query, &people, json!({"where": {column: payload}})));
                let comparisons = ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"];
                for operator in comparisons.iter().chain(&capabilities.where_string_ops) {
                    jobs.push(Job::new(
                        Kind::Query,
                        &people,
                        json!({"where": {column: {*operator: payload}}}),
                    ));
                }
                for operator in ["$in", "$nin"] {
                    let list = json!([payload, 1, null]);
                    jobs.push(Job::new(Kind::Count, &people, json!({"where": {column: {operator: list}}})));
                }
                jobs.push(Job::new(Kind::Count, &people, json!({"where": {column: {payload.as_str(): 1}}})));
            }
        }
        for job in &jobs {
            let outcome = match job.kind {
                // The oracle's introspection knows no such target either.
                Kind::IntrospectTarget => refused(&mut bench, job).await,
                _ => bench.check("injection", job).await,
            };
            report.judged(outcome);
        }
        let untouched = Job::new(Kind::Query, &people, json!({"orderBy": {"id": "asc"}}));
        report.judged(bench.check("the table is untouched", &untouched).await);
    }
    Ok(())
}

async fn refused(bench: &mut Bench<'_>, job: &Job) -> Result<(), Failure> {
    let expected = bench.oracle().expect(job).await;
    let got = bench.ask(job).await;
    crate::judge::judge(None, &expected, &got).map_err(|problem| {
        bench.failure("injection", job, problem, &expected.outcome.to_string(), &got.to_string())
    })
}

/// Texts that end a literal, a name or a statement, for a table of this name.
fn payloads(table: &str) -> Vec<String> {
    let table = quoted(table);
    vec![
        format!("'; DROP TABLE {table}; --"),
        format!("\"; DROP TABLE {table}; --"),
        format!("1; DELETE FROM {table}"),
        format!("') OR 1=1; DELETE FROM {table}; --"),
        "x' OR 'x'='x".to_owned(),
        "id\" = \"id\" OR \"id".to_owned(),
        "\\'; SELECT 1; --".to_owned(),
        "$1".to_owned(),
        "?1".to_owned(),
        "/*".to_owned(),
        "pg_sleep(10)".to_owned(),
        "*".to_owned(),
    ]
}
