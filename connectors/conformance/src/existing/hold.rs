//! An answer against the right one.

use std::collections::HashMap;

use connector_model::Capabilities;
use serde_json::Value as Json;

use super::right::{Oracle, Right, RightRows};
use crate::job::{Outcome, Page};
use crate::judge::{errors_agree, totals_agree};

/// Holds an answer against the right one.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub(super) fn hold(
    oracle: &Oracle,
    right: &Right,
    declared: &Capabilities,
    got: &Outcome,
) -> Result<(), String> {
    match (right, got) {
        (Right::Refused(right), Outcome::Failed(error)) => errors_agree(right, error),
        (Right::Refused(right), _) => Err(format!("it should have been refused: {right}")),
        (_, Outcome::Failed(error)) => Err(format!("it was refused: {error}")),
        (_, Outcome::Garbled(how)) => Err(how.clone()),
        (Right::Rows(right), Outcome::Rows(rows, page)) => {
            rows_agree(oracle, right, rows)?;
            ends_agree(right, declared, rows.len(), page)
        }
        (Right::Count(right), Outcome::Counted(counted)) => {
            if counted.approximate == declared.exact_count {
                return Err(format!(
                    "the count says approximate: {}, the manifest says exactCount: {}",
                    counted.approximate, declared.exact_count
                ));
            }
            let agrees = !declared.exact_count || counted.total == *right;
            if agrees { Ok(()) } else { Err(format!("the count is {}, not {right}", counted.total)) }
        }
        (Right::Groups(groups), Outcome::Rows(rows, _)) => groups.agree(rows),
        (Right::Answered, _) => Ok(()),
        _ => Err("the answer is one to another kind of job".to_owned()),
    }
}

/// The rows that should come, in the runs that the order leaves open.
pub(super) fn rows_agree(oracle: &Oracle, right: &RightRows, rows: &[Json]) -> Result<(), String> {
    let (start, end) = right.window();
    if rows.len() != end - start {
        return Err(format!("{} rows came, not {}", rows.len(), end - start));
    }
    let mut came = rows.iter();
    let mut passed = 0;
    for run in &right.runs {
        // The part of this run that lies within the window.
        let (from, until) = (passed.max(start), (passed + run.len()).min(end));
        passed += run.len();
        let mut left = Tally::of(oracle, run, &right.selection);
        for (at, row) in (from..until).zip(came.by_ref()) {
            left.take(row).map_err(|problem| format!("at row {}: {problem}", at - start))?;
        }
    }
    Ok(())
}

/// Every row that should come came, in whatever sequence and however often.
pub(super) fn rows_covered(oracle: &Oracle, right: &RightRows, rows: &[Json]) -> Result<(), String> {
    let all: Vec<usize> = right.runs.iter().flatten().copied().collect();
    let mut wanted = Tally::of(oracle, &all, &right.selection).0;
    for row in rows {
        let text = canonical(row);
        match wanted.get_mut(&text) {
            Some(count) => *count = 0,
            None => return Err(format!("{text} came, and does not belong here")),
        }
    }
    match wanted.iter().find(|(_, count)| **count > 0) {
        Some((missing, _)) => Err(format!("{missing} did not come")),
        None => Ok(()),
    }
}

/// Rows that are awaited, each as often as it is there.
struct Tally(HashMap<String, usize>);

impl Tally {
    fn of(oracle: &Oracle, positions: &[usize], selection: &[String]) -> Tally {
        let mut tally = HashMap::new();
        for row in positions.iter().filter_map(|at| oracle.rows().get(*at)) {
            let cells =
                selection.iter().map(|name| (name.clone(), row.get(name).cloned().unwrap_or(Json::Null)));
            *tally.entry(canonical(&Json::Object(cells.collect()))).or_insert(0) += 1;
        }
        Tally(tally)
    }

    fn take(&mut self, row: &Json) -> Result<(), String> {
        let text = canonical(row);
        match self.0.get_mut(&text) {
            Some(count) if *count > 0 => {
                *count -= 1;
                Ok(())
            }
            Some(_) => Err(format!("{text} came more often than it is there")),
            None => Err(match self.0.iter().find(|(_, count)| **count > 0) {
                Some((wanted, _)) if self.0.len() == 1 => format!("{text} came, not {wanted}"),
                _ => format!("{text} came, and does not belong here"),
            }),
        }
    }
}

/// A row as a text that is equal when the row is: the sequence of its keys is no matter, and a column that is left out is
/// as good as null (that it is left out is said once, when the rows are loaded).
fn canonical(row: &Json) -> String {
    let Some(cells) = row.as_object() else { return row.to_string() };
    let mut parts: Vec<String> = cells
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| format!("{}:{value}", Json::from(name.as_str())))
        .collect();
    parts.sort_unstable();
    format!("{{{}}}", parts.join(","))
}

fn ends_agree(right: &RightRows, declared: &Capabilities, rows: usize, page: &Page) -> Result<(), String> {
    let (start, end) = right.window();
    let matching: usize = right.runs.iter().map(Vec::len).sum();
    // A page of no rows has no end to resume after.
    let cut = end < matching && end > start;
    match &page.next_cursor {
        Some(cursor) if !cut => {
            return Err(format!("there is a next cursor, {cursor:?}, though nothing follows"));
        }
        None if cut && declared.cursor => {
            return Err("there is no next cursor, though the limit cut the result".to_owned());
        }
        _ => {}
    }
    if page.next_cursor.is_some() != page.cursor_kind.is_some() {
        return Err("a cursor and its kind come together".to_owned());
    }
    if !declared.exact_count {
        return Ok(());
    }
    totals_agree(Some(&right.request), rows, &Page { total: right.total, ..Page::default() }, page)
}
