//! A result page by page: nothing lost, nothing that does not belong, and twice only where a scan says so.

use connector_model::cursor::CursorKind;
use connector_model::request::Kind;
use serde_json::{Value as Json, json};

use super::Tester;
use super::hold::{rows_agree, rows_covered};
use super::report::Difference;
use super::right::{Oracle, Right};
use crate::job::{Job, Outcome};

/// About how many pages a result is read in.
pub(super) const PAGES: u64 = 16;

/// How many times as many pages as the rows need a walk may take: a scan's pages can be short, a walk that does not end
/// is one that repeats itself.
const PATIENCE: usize = 8;

/// Walks through the pages of a `read` or a `query` with a limit above 0.
pub(super) async fn walk(
    tester: &mut Tester<'_>,
    oracle: &Oracle,
    case: &str,
    job: &Job,
) -> Result<(), Difference> {
    let Right::Rows(right) = oracle.right(&job.with("limit", json!(i64::MAX)), tester.bridge) else {
        return tester.check(oracle, case, job).await;
    };
    let limit = job.options.get("limit").and_then(Json::as_u64).map_or(1, |limit| limit.max(1));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let matching: usize = right.runs.iter().map(Vec::len).sum();
    let mut rows: Vec<Json> = Vec::new();
    let mut page_job = job.clone();
    let mut scans = false;
    for number in 0..(matching / limit + 1) * PATIENCE {
        let got = tester.ask(&page_job).await;
        let fail = |problem: String| {
            Difference::new(
                &format!("{case}, page {number}"),
                &page_job,
                problem,
                String::new(),
                got.to_string(),
            )
        };
        let (page_rows, page) = match &got {
            Outcome::Rows(rows, page) => (rows, page),
            Outcome::Failed(error) => return Err(fail(format!("it was refused: {error}"))),
            _ => return Err(fail("a page is no rows".to_owned())),
        };
        scans |= page.cursor_kind == Some(CursorKind::Scan);
        if page_rows.len() > limit {
            return Err(fail(format!("a page has {} rows, the limit is {limit}", page_rows.len())));
        }
        if number > 0 && job.kind == Kind::Read && page.total.is_some() {
            return Err(fail("the total stands on another page than the first".to_owned()));
        }
        rows.extend(page_rows.iter().cloned());
        let Some(next) = &page.next_cursor else {
            let agrees =
                if scans { rows_covered(oracle, &right, &rows) } else { rows_agree(oracle, &right, &rows) };
            return agrees.map_err(|problem| {
                let came = format!("{} rows on {} pages", rows.len(), number + 1);
                Difference::new(
                    case,
                    job,
                    format!("all pages together: {problem}"),
                    Right::Rows(right).to_string(),
                    came,
                )
            });
        };
        if !scans && page_rows.len() != limit {
            return Err(fail("there is a next page, and this one is not full".to_owned()));
        }
        page_job = job.with("cursor", json!(next));
    }
    let problem = format!("the pages do not end: {} rows came, {matching} match", rows.len());
    Err(Difference::new(case, job, problem, Right::Rows(right).to_string(), String::new()))
}
