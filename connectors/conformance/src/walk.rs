//! Reading a result page by page: nothing lost, nothing twice, and together what one page would have been.

use connector_model::request::{Kind, Request};
use connector_model::target::LogicalType;
use serde_json::{Value as Json, json};

use crate::bench::Bench;
use crate::job::{Job, Outcome};
use crate::judge::rows_agree;
use crate::report::Failure;

/// Walks through the pages of a `read` or a `query` that has a limit above 0.
///
/// # Errors
/// What is wrong with a page, or with all of them together.
pub async fn walk(bench: &mut Bench<'_>, case: &str, job: &Job) -> Result<(), Failure> {
    let whole = job.with("limit", json!(i64::MAX));
    let expected = bench.oracle().expect(&whole).await;
    let Some((right, _)) = expected.outcome.rows() else {
        return bench.check(case, job).await;
    };
    let limit = job.options.get("limit").and_then(Json::as_u64).unwrap_or(u64::MAX);
    let plain = plain_key(bench, job);
    let mut rows: Vec<Json> = Vec::new();
    let mut page_job = job.clone();
    // One page a row is the most there can be; one more shows a walk that does not end.
    for number in 0..right.len() + 2 {
        let got = bench.ask(&page_job).await;
        let fail = |problem: String| {
            bench.failure(&format!("{case}, page {number}"), &page_job, problem, "", &got.to_string())
        };
        let Outcome::Rows(page_rows, page) = &got else {
            return Err(fail("a page is no rows".to_owned()));
        };
        if page_rows.len() as u64 > limit {
            return Err(fail(format!("a page has {} rows, the limit is {limit}", page_rows.len())));
        }
        if number > 0 && job.kind == Kind::Read && page.total.is_some() {
            return Err(fail("the total stands on another page than the first".to_owned()));
        }
        rows.extend(page_rows.iter().cloned());
        let Some(next) = &page.next_cursor else {
            return rows_agree(right, &vec![1; right.len()], &rows).map_err(|problem| {
                let expected = expected.outcome.to_string();
                let all = Outcome::Rows(rows, page.clone()).to_string();
                bench.failure(case, job, format!("all pages together: {problem}"), &expected, &all)
            });
        };
        if page_rows.len() as u64 != limit {
            return Err(fail("there is a next page, and this one is not full".to_owned()));
        }
        if let (Some(column), Some(last)) = (&plain, page_rows.last()) {
            plain_cursor(last.get(column), next).map_err(&fail)?;
        }
        page_job = job.with("cursor", json!(next));
    }
    Err(bench.failure(case, job, "the pages do not end".to_owned(), &expected.outcome.to_string(), ""))
}

/// The name of the key whose plain text has to be the cursor of this `read`.
fn plain_key(bench: &Bench<'_>, job: &Job) -> Option<String> {
    let Ok(Request::Read(read)) = job.request(bench.bridge(), &job.target) else { return None };
    let table = bench.tables().iter().find(|table| table.name == job.target)?;
    let [key] = table.key() else { return None };
    let column = table.columns.get(*key)?;
    let plain = matches!(column.logical_type, LogicalType::Integer | LogicalType::Text | LogicalType::Uuid);
    let returned = read.fields.as_ref().is_none_or(|fields| fields.contains(&column.name));
    (plain && returned).then(|| column.name.clone())
}

fn plain_cursor(key: Option<&Json>, cursor: &str) -> Result<(), String> {
    let text = match key {
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => return Err("the key is not in the row".to_owned()),
    };
    // A key that looks like an opaque cursor is issued as one.
    let agrees =
        if text.starts_with("v1.") { cursor.starts_with("v1.") && cursor != text } else { cursor == text };
    if agrees {
        Ok(())
    } else {
        Err(format!("the cursor of a single key is its text, {text:?}, not {cursor:?}"))
    }
}
