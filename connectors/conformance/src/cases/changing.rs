//! Rows that come and go between pages: what was there all the time is read once, whatever else happens.

use connector_memory::{Table, Value};
use connector_model::request::Kind;
use connector_model::target::LogicalType;
use serde_json::{Value as Json, json};

use super::tables::{Types, column, table, text};
use crate::bench::Bench;
use crate::generate::of_kind;
use crate::job::{Job, Outcome};
use crate::report::{Failure, Report};
use crate::subject::{Change, Subject};

/// How many rows each table begins with, every second number from 0.
const ROWS: i64 = 30;
/// How many a page has.
const PAGE: u64 = 4;

/// The tables that are changed: with a key of a number, of a text, and of both.
pub(super) fn tables(subject: &dyn Subject) -> Result<Vec<Table>, Failure> {
    let types = Types::of(subject)?;
    let columns = || vec![column("n", types.number, false), column("word", types.text, false)];
    let rows = || (0..ROWS).map(|n| row(n * 2)).collect();
    Ok(vec![
        table("by number", columns(), vec![0], rows()),
        table("by word", columns(), vec![1], rows()),
        table("by both", columns(), vec![1, 0], rows()),
    ])
}

/// A table with a key of UUIDs, where the engine has them.
pub(super) fn uuids(subject: &dyn Subject) -> Result<Option<Table>, Failure> {
    let types = Types::of(subject)?;
    let Some(uuid) = of_kind(subject.types(), LogicalType::Uuid) else { return Ok(None) };
    let columns = vec![column("id", uuid, false), column("n", types.number, false)];
    let rows = (0..8_u8).map(|n| vec![Value::Uuid([n * 30; 16]), Value::Integer(n.into())]).collect();
    Ok(Some(table("by uuid", columns, vec![0], rows)))
}

/// The row of that number; its word sorts as the number does.
fn row(n: i64) -> Vec<Value> {
    vec![Value::Integer(n), text(&format!("w{n:04}"))]
}

/// Reads the table page by page, and changes it after the second and the fourth: rows go and come before the place
/// that was read and behind it.
pub(super) async fn walk_while_it_changes(
    bench: &mut Bench<'_>,
    name: &str,
    kind: Kind,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut job = Job::new(kind, name, json!({ "limit": PAGE }));
    let mut seen: Vec<i64> = Vec::new();
    let mut gone: Vec<i64> = Vec::new();
    let mut come: Vec<i64> = Vec::new();
    for page in 1.. {
        let got = bench.ask(&job).await;
        let Outcome::Rows(rows, ended) = &got else {
            let problem = "a page is no rows".to_owned();
            report.judged(Err(bench.failure("rows that change", &job, problem, "", &got.to_string())));
            return Ok(());
        };
        seen.extend(rows.iter().filter_map(number));
        let (Some(next), true) = (&ended.next_cursor, page < 2 * ROWS) else { break };
        job = job.with("cursor", json!(next));
        if page == 2 || page == 4 {
            let place = seen.last().copied().unwrap_or_default();
            // The row that the cursor stands on goes, too.
            let goes: Vec<i64> =
                [place, place - 4, place + 2, place + 8].into_iter().filter(|n| *n < 2 * ROWS).collect();
            let comes = [place - 3, place + 1, place + 9];
            let change = Change {
                gone: goes.iter().map(|n| row(*n)).collect(),
                come: comes.iter().map(|n| row(*n)).collect(),
            };
            if !bench.change(name, &change).await? {
                return Ok(());
            }
            gone.extend(goes.iter().filter(|n| !seen.contains(n)));
            come.extend(comes.iter().filter(|n| **n > place));
        }
    }
    let kept = (0..ROWS).map(|n| n * 2).filter(|n| !gone.contains(n));
    let mut right: Vec<i64> = kept.chain(come).collect();
    right.sort_unstable();
    report.judged(if seen == right {
        Ok(())
    } else {
        let problem = "rows were lost, repeated or out of order".to_owned();
        Err(bench.failure("rows that change", &job, problem, &format!("{right:?}"), &format!("{seen:?}")))
    });
    Ok(())
}

fn number(row: &Json) -> Option<i64> {
    match row.get("n")? {
        Json::Number(number) => number.as_i64(),
        Json::String(digits) => digits.parse().ok(),
        _ => None,
    }
}
