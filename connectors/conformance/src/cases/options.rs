//! Options of the wrong shape, names that do not exist, and the limits of a `where`.

use connector_model::error::ErrorCode;
use connector_model::filter::{MAX_DEPTH, MAX_NODES};
use connector_model::request::Kind;
use serde_json::{Value as Json, json};

use super::tables::{PEOPLE, fixed};
use crate::bench::Bench;
use crate::job::Job;
use crate::report::{Failure, Report};
use crate::subject::Subject;

/// Runs the cases.
///
/// # Errors
/// The engine could not be filled.
pub async fn run(subject: &dyn Subject, report: &mut Report) -> Result<(), Failure> {
    let mut bench = Bench::open(subject, fixed(subject)?).await?;
    let Some(people) = bench.tables().get(PEOPLE).map(|table| table.name.clone()) else { return Ok(()) };
    for (kind, options) in wrong_shapes() {
        report.judged(bench.check("wrong options", &Job::new(kind, &people, options)).await);
    }
    for (kind, options, nearest) in misspelt_columns() {
        let job = Job::new(kind, &people, options);
        report.judged(named(&mut bench, &job, ErrorCode::InvalidJob, nearest).await);
        report.judged(bench.check("unknown columns", &job).await);
    }
    // A letter more, and two letters in each other's place.
    for misspelt in [format!("{people}x"), people.replacen("eo", "oe", 1)] {
        for kind in [Kind::Query, Kind::Read, Kind::Count, Kind::BatchRead, Kind::IntrospectTarget] {
            let job = Job::new(kind, &misspelt, json!({}));
            report.judged(named(&mut bench, &job, ErrorCode::InvalidTarget, &people).await);
        }
    }
    for target in ["", ".", "..", "\"", "no.such.thing.at.all", "\u{1f980}"] {
        let job = Job::new(Kind::Query, target, json!({}));
        report.judged(named(&mut bench, &job, ErrorCode::InvalidTarget, "").await);
    }
    Ok(())
}

/// The job is refused with this code, and the message names the nearest.
async fn named(bench: &mut Bench<'_>, job: &Job, code: ErrorCode, nearest: &str) -> Result<(), Failure> {
    let got = bench.ask(job).await;
    match got.error() {
        Some(error) if error.code() == code && error.message().contains(nearest) => Ok(()),
        _ => {
            let expected = format!("{code}, naming {nearest:?}");
            Err(bench.failure(
                "unknown names",
                job,
                "a typo is not answered".into(),
                &expected,
                &got.to_string(),
            ))
        }
    }
}

fn misspelt_columns() -> Vec<(Kind, Json, &'static str)> {
    vec![
        (Kind::Query, json!({"select": ["id", "nmae"]}), "\"name\""),
        (Kind::Query, json!({"where": {"$or": [{"id": 1}, {"agee": 1}]}}), "\"age\""),
        (Kind::Query, json!({"where": {"$not": {"agee": {"$in": []}}}}), "\"age\""),
        (Kind::Query, json!({"orderBy": {"naem": "asc"}}), "\"name\""),
        (Kind::BatchRead, json!({"where": {"idd": [1]}}), "\"id\""),
        (Kind::Count, json!({"where": {"agee": 1}}), "\"age\""),
        (Kind::Read, json!({"fields": ["agee"]}), "\"age\""),
        (Kind::Read, json!({"changedSince": 0, "changeTrackingColumn": "nmae"}), "\"name\""),
        // The column by default, which this table does not have.
        (Kind::Read, json!({"changedSince": "2024-01-01T00:00:00Z"}), "updated_at"),
    ]
}

fn wrong_shapes() -> Vec<(Kind, Json)> {
    let mut jobs = Vec::new();
    for kind in [Kind::Query, Kind::Read] {
        for limit in [json!(-1), json!(1.5), json!("10"), json!(true), json!(9_223_372_036_854_775_808_u64)] {
            jobs.push((kind, json!({ "limit": limit })));
        }
    }
    let nested = (0..=MAX_DEPTH).fold(json!({}), |inner, _| json!({ "$not": inner }));
    let wide: Vec<Json> = (0..=MAX_NODES).map(|n| json!({ "age": n })).collect();
    jobs.extend([
        (Kind::Query, json!({"offset": -1})),
        (Kind::Query, json!({"offset": 1, "cursor": "1"})),
        (Kind::Query, json!({"select": []})),
        (Kind::Query, json!({"select": "id"})),
        (Kind::Query, json!({"select": [1]})),
        (Kind::Read, json!({"fields": []})),
        (Kind::Query, json!({"orderBy": {"id": "up"}})),
        (Kind::Query, json!({"orderBy": "id"})),
        (Kind::Query, json!({"where": []})),
        (Kind::Query, json!({"where": {"age": {"$gt": null}}})),
        (Kind::Query, json!({"where": {"age": {"$in": 3}}})),
        (Kind::Query, json!({"where": {"age": {"$exists": 1}}})),
        (Kind::Query, json!({"where": {"age": {"$eq": {"a": 1}}}})),
        (Kind::Query, json!({ "where": nested })),
        (Kind::Count, json!({"where": { "$or": wide }})),
        (Kind::Read, json!({"changedSince": "soon"})),
        (Kind::Read, json!({"cursor": 7})),
        (Kind::Query, json!(["limit"])),
    ]);
    jobs
}
