//! Limits, cursors of every kind, and results larger than any buffer.

use connector_model::error::ErrorCode;
use connector_model::request::Kind;
use connector_model::target::LogicalType;
use serde_json::{Value as Json, json};

use super::changing::{self, walk_while_it_changes};
use super::keys::walk_by_every_key;
use super::tables::{CHANGES, EMPTY, LOG, PAIRS, PEOPLE, VIEW, WORDS, fixed, large};
use crate::bench::Bench;
use crate::job::{Job, Outcome};
use crate::report::{Failure, Report};
use crate::subject::Subject;
use crate::walk::walk;

/// Runs the cases.
///
/// # Errors
/// The engine could not be filled.
pub async fn run(subject: &dyn Subject, report: &mut Report) -> Result<(), Failure> {
    let mut tables = fixed(subject)?;
    let many = large(subject)?;
    let (many_name, many_at) = (many.name.clone(), tables.len());
    tables.push(many);
    let mut bench = Bench::open(subject, tables).await?;
    let names: Vec<String> = bench.tables().iter().map(|table| table.name.clone()).collect();
    for (at, kind, options) in windows(many_at) {
        let Some(name) = names.get(at) else { continue };
        let job = Job::new(kind, name, options);
        report.judged(bench.check("limits and totals", &job).await);
    }
    if let (true, Some(name)) = (subject.capabilities().changed_since, names.get(CHANGES))
        && CHANGES < many_at
    {
        for since in moments() {
            let job = Job::new(Kind::Read, name, json!({ "changedSince": since }));
            report.judged(bench.check("changedSince", &job).await);
        }
    }
    if !subject.capabilities().cursor {
        return Ok(());
    }
    for (at, kind, options) in walks() {
        let Some(name) = names.get(at) else { continue };
        let job = Job::new(kind, name, options);
        report.judged(walk(&mut bench, "page by page", &job).await);
    }
    let long = Job::new(Kind::Read, &many_name, json!({"limit": 700}));
    report.judged(walk(&mut bench, "page by page", &long).await);
    foreign_cursors(&mut bench, &names, report).await;
    walk_by_every_key(subject, report).await?;
    changed(subject, report).await
}

/// Rows that come and go between pages, and cursors that somebody wrote by hand.
async fn changed(subject: &dyn Subject, report: &mut Report) -> Result<(), Failure> {
    for kind in [Kind::Read, Kind::Query] {
        let tables = changing::tables(subject)?;
        let names: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
        let mut bench = Bench::open(subject, tables).await?;
        for name in names {
            walk_while_it_changes(&mut bench, &name, kind, report).await?;
        }
    }
    let uuids = changing::uuids(subject)?;
    let by_uuid = uuids.as_ref().map(|table| table.name.clone());
    let tables: Vec<_> = fixed(subject)?.into_iter().chain(uuids).collect();
    let name = |at: usize| tables.get(at).map(|table| table.name.clone()).unwrap_or_default();
    let (people, words) = (name(PEOPLE), name(WORDS));
    let mut bench = Bench::open(subject, tables).await?;
    // Plain keys, as the published bridges issue them; the row itself need not be there.
    let numbers = ["3", "0", "-9223372036854775808", "6", "7", "100"].map(|cursor| (people.clone(), cursor));
    let texts = ["a", "aa", "A", "日本語", "'; --", "zzz", "~"].map(|cursor| (words.clone(), cursor));
    let ids = [
        "5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a",
        "00000000-0000-0000-0000-000000000000",
        "77777777-7777-7777-7777-777777777777",
    ];
    let ids = by_uuid.into_iter().flat_map(|name| ids.map(|cursor| (name.clone(), cursor)));
    for (name, cursor) in numbers.into_iter().chain(texts).chain(ids) {
        let job = Job::new(Kind::Read, &name, json!({"cursor": cursor, "limit": 3}));
        report.judged(bench.check("cursors written by hand", &job).await);
    }
    Ok(())
}

/// What one page shows.
fn windows(many: usize) -> Vec<(usize, Kind, Json)> {
    let mut jobs = vec![
        (many, Kind::Query, json!({})),
        (many, Kind::Query, json!({"orderBy": {"id": "desc"}, "limit": 2_499})),
        (many, Kind::Read, json!({})),
        (EMPTY, Kind::Read, json!({})),
        (EMPTY, Kind::Query, json!({"limit": 1, "offset": 1})),
        (EMPTY, Kind::Count, json!({})),
    ];
    for kind in [Kind::Read, Kind::Query, Kind::BatchRead] {
        for limit in [json!(0), json!(1), json!(7), json!(8), json!(i64::MAX)] {
            jobs.push((PEOPLE, kind, json!({ "limit": limit })));
        }
    }
    for offset in [json!(0), json!(3), json!(7), json!(100), json!(i64::MAX)] {
        jobs.push((PEOPLE, Kind::Query, json!({ "offset": offset })));
        jobs.push((PEOPLE, Kind::Query, json!({ "offset": offset, "limit": 2 })));
        jobs.push((PEOPLE, Kind::Query, json!({ "offset": offset, "limit": 2, "includeTotal": false })));
        jobs.push((PEOPLE, Kind::Query, json!({ "offset": offset, "where": {"age": 36}, "limit": 1 })));
    }
    jobs
}

/// Moments that rows changed at, and those just before: later means later, not at.
fn moments() -> Vec<Json> {
    vec![
        json!(0),
        json!(-1),
        json!(1_709_251_200_000_i64),
        json!("1970-01-01T00:00:00Z"),
        json!("1969-12-31T23:59:59.998Z"),
        json!("2024-03-01T05:30:00+05:30"),
        json!("2024-03-01"),
        json!("2024-02-29T23:59:59.999999Z"),
        json!("2024-03-01T00:00:00.001Z"),
        json!("2024-03-01T00:00:00.499999Z"),
        json!("2024-03-01T00:00:00.5Z"),
        json!("2024-03-01T10:00:00Z"),
        json!("2024-03-01T10:00:00.000001Z"),
        json!("2999-01-01T00:00:00Z"),
    ]
}

/// Orders to be read page by page.
fn walks() -> Vec<(usize, Kind, Json)> {
    let mut jobs = Vec::new();
    for limit in [1, 3] {
        for at in [PEOPLE, LOG, PAIRS, WORDS, VIEW] {
            jobs.push((at, Kind::Read, json!({ "limit": limit })));
            jobs.push((at, Kind::Query, json!({ "limit": limit })));
        }
        jobs.push((PEOPLE, Kind::Read, json!({ "limit": limit, "fields": ["name"] })));
        jobs.push((PAIRS, Kind::Read, json!({ "limit": limit, "fields": ["score"] })));
        for (first, second) in [("asc", "asc"), ("asc", "desc"), ("desc", "asc"), ("desc", "desc")] {
            // NULL among the ordered values, in both places it can stand.
            jobs.push((
                PAIRS,
                Kind::Query,
                json!({ "limit": limit, "orderBy": {"score": first, "a": second} }),
            ));
            jobs.push((
                PEOPLE,
                Kind::Query,
                json!({
                    "limit": limit, "orderBy": {"age": first, "name": second}, "select": ["name"]
                }),
            ));
            jobs.push((
                LOG,
                Kind::Query,
                json!({ "limit": limit, "orderBy": {"text": first, "level": second} }),
            ));
            jobs.push((
                WORDS,
                Kind::Query,
                json!({ "limit": limit, "orderBy": {"n": first, "word": second} }),
            ));
        }
        jobs.push((
            PAIRS,
            Kind::Query,
            json!({
                "limit": limit, "orderBy": {"score": "desc"}, "where": {"score": {"$ne": 1}}
            }),
        ));
    }
    jobs
}

fn has_text_key(bench: &Bench<'_>, name: &str) -> bool {
    let table = bench.tables().iter().find(|table| table.name == name);
    let key = table.and_then(|table| match table.key() {
        [key] => table.columns.get(*key),
        _ => None,
    });
    key.is_some_and(|column| column.logical_type == LogicalType::Text)
}

/// A cursor of another target, another order or no origin is refused, and names itself.
async fn foreign_cursors(bench: &mut Bench<'_>, names: &[String], report: &mut Report) {
    let [people, log, pairs, ..] = names else { return };
    let by_score = |direction: &str| json!({"limit": 2, "orderBy": {"score": direction}});
    let issuers = [
        Job::new(Kind::Read, pairs, json!({"limit": 2})),
        Job::new(Kind::Query, pairs, by_score("asc")),
        Job::new(Kind::Read, log, json!({"limit": 2})),
    ];
    let mut cursors =
        vec!["v1.".to_owned(), "v1.%%%".to_owned(), "v1.bnVsbA".to_owned(), "not one".to_owned()];
    for job in &issuers {
        match bench.ask(job).await {
            Outcome::Rows(_, page) if page.next_cursor.is_some() => cursors.extend(page.next_cursor),
            other => {
                let problem = "it has no next cursor".to_owned();
                report.judged(Err(bench.failure("foreign cursors", job, problem, "", &other.to_string())));
            }
        }
    }
    // None of these is the order of an issuer.
    let strangers = [
        Job::new(Kind::Read, people, json!({"limit": 2})),
        Job::new(Kind::Query, pairs, by_score("desc")),
        Job::new(Kind::Query, pairs, json!({"limit": 2, "orderBy": {"a": "asc", "score": "asc"}})),
        Job::new(Kind::Query, log, json!({"limit": 2, "orderBy": {"text": "desc"}})),
    ];
    for stranger in &strangers {
        // Where a single text is the key, every text is a place among the rows.
        let takes_texts = stranger.kind == Kind::Read && has_text_key(bench, &stranger.target);
        for cursor in cursors.iter().filter(|cursor| !takes_texts || cursor.starts_with("v1.")) {
            let job = stranger.with("cursor", json!(cursor));
            let got = bench.ask(&job).await;
            let named = |error: &connector_model::Error| {
                error.code() == ErrorCode::InvalidJob
                    && error.detail().get("option").and_then(Json::as_str) == Some("cursor")
            };
            let right = got.error().is_some_and(named);
            report.judged(if right {
                Ok(())
            } else {
                let problem = "the cursor belongs elsewhere".to_owned();
                Err(bench.failure(
                    "foreign cursors",
                    &job,
                    problem,
                    "INVALID_JOB, `cursor`",
                    &got.to_string(),
                ))
            });
        }
    }
}
