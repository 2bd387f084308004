//! Whether an answer is the right one.

use connector_api::Page;
use connector_model::error::Error;
use connector_model::request::Request;
use serde_json::{Map, Value as Json};

use crate::job::Outcome;
use crate::oracle::Expected;

/// Holds an answer against the right one.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub fn judge(request: Option<&Request>, expected: &Expected, got: &Outcome) -> Result<(), String> {
    match (&expected.outcome, got) {
        (Outcome::Rows(_, right_page), Outcome::Rows(rows, page)) if expected.groups.is_some() => {
            expected.groups.as_ref().map_or(Ok(()), |groups| groups.agree(rows))?;
            pages_agree(request, rows.len(), right_page, page)
        }
        (Outcome::Rows(right, right_page), Outcome::Rows(rows, page)) => {
            rows_agree(right, &expected.ties, rows)?;
            pages_agree(request, right.len(), right_page, page)
        }
        (Outcome::Counted(right), Outcome::Counted(counted)) if right == counted => Ok(()),
        (Outcome::Counted(right), Outcome::Counted(counted)) => {
            Err(format!("the count is {counted:?}, not {right:?}"))
        }
        (Outcome::Failed(right), Outcome::Failed(error)) => errors_agree(right, error),
        (Outcome::Failed(right), _) => Err(format!("it should have been refused: {right}")),
        (_, Outcome::Failed(error)) => Err(format!("it was refused: {error}")),
        (_, Outcome::Garbled(how)) => Err(how.clone()),
        _ => Err("the answer is one to another kind of job".to_owned()),
    }
}

/// The same rows in the same sequence; within a tie, in any.
///
/// # Errors
/// The first row that differs.
pub fn rows_agree(right: &[Json], ties: &[usize], rows: &[Json]) -> Result<(), String> {
    if rows.len() != right.len() {
        return Err(format!("{} rows came, not {}", rows.len(), right.len()));
    }
    let (mut right, mut rows) = (right, rows);
    let mut passed = 0;
    for length in ties {
        let (Some((expected, right_rest)), Some((came, rest))) =
            (right.split_at_checked(*length), rows.split_at_checked(*length))
        else {
            return Err("the judge lost count of the rows".to_owned());
        };
        let (mut expected, mut came) = (canonical(expected), canonical(came));
        expected.sort_unstable();
        came.sort_unstable();
        if let Some((want, got)) = expected.iter().zip(&came).find(|(want, got)| want != got) {
            return Err(format!("at row {passed}: {got} came, not {want}"));
        }
        (right, rows) = (right_rest, rest);
        passed += length;
    }
    Ok(())
}

/// Rows as texts that are equal when the rows are: the order of their keys is no matter.
fn canonical(rows: &[Json]) -> Vec<String> {
    rows.iter()
        .map(|row| match row {
            Json::Object(cells) => {
                let mut sorted: Vec<_> = cells.iter().collect();
                sorted.sort_by_key(|(name, _)| name.as_str());
                let sorted: Map<String, Json> =
                    sorted.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                Json::Object(sorted).to_string()
            }
            other => other.to_string(),
        })
        .collect()
}

fn pages_agree(request: Option<&Request>, rows: usize, right: &Page, page: &Page) -> Result<(), String> {
    if right.next_cursor.is_some() != page.next_cursor.is_some() {
        return Err(match &page.next_cursor {
            Some(cursor) => format!("there is a next cursor, {cursor:?}, though nothing follows"),
            None => "there is no next cursor, though the limit cut the result".to_owned(),
        });
    }
    if page.next_cursor.is_some() && right.cursor_kind != page.cursor_kind {
        return Err(format!("the cursor is of kind {:?}, not {:?}", page.cursor_kind, right.cursor_kind));
    }
    totals_agree(request, rows, right, page)
}

/// A total that is asked for has to be there and right. One that is not asked for must not have cost anything: it
/// may only be there where the result shows it by itself.
pub(crate) fn totals_agree(
    request: Option<&Request>,
    rows: usize,
    right: &Page,
    page: &Page,
) -> Result<(), String> {
    let shown = match request {
        Some(Request::Query(query)) if right.total.is_none() && query.cursor.is_none() => {
            let cut = query.limit.is_some_and(|limit| rows as u64 >= limit);
            let passed_all = rows > 0 || query.offset == 0;
            (!cut && passed_all).then(|| query.offset.saturating_add(rows as u64))
        }
        _ => None,
    };
    match (right.total, page.total) {
        (right, total) if right == total => Ok(()),
        (None, Some(total)) if Some(total) == shown => Ok(()),
        (right, total) => Err(format!("the total is {total:?}, not {right:?}")),
    }
}

/// The same code, about the same option, and the message names what the right one names.
pub(crate) fn errors_agree(right: &Error, error: &Error) -> Result<(), String> {
    if error.code() != right.code() {
        return Err(format!("the code is {}, not {}", error.code(), right.code()));
    }
    // The option itself; which part of it is told more closely by some than by others.
    let option = |error: &Error| {
        let named = error.detail().get("option").and_then(Json::as_str)?;
        named.split(['.', '[']).next().map(str::to_owned)
    };
    if option(error) != option(right) {
        return Err(format!("the error is about option {:?}, not {:?}", option(error), option(right)));
    }
    let names = ["column", "target"].iter().filter_map(|key| right.detail().get(*key)?.as_str());
    for name in names {
        if !error.message().contains(name) {
            return Err(format!("the error does not name {name:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_of_a_tie_may_change_places_and_no_others() {
        let right = [json!({"a": 1, "b": 1}), json!({"a": 1, "b": 2}), json!({"a": 2, "b": 3})];
        let swapped = [json!({"b": 2, "a": 1}), json!({"a": 1, "b": 1}), json!({"a": 2, "b": 3})];
        assert_eq!(rows_agree(&right, &[2, 1], &swapped), Ok(()));
        assert!(rows_agree(&right, &[1, 1, 1], &swapped).is_err());
        assert!(rows_agree(&right, &[2, 1], &swapped[..2]).is_err());
        let repeated = [json!({"a": 1, "b": 1}), json!({"a": 1, "b": 1}), json!({"a": 2, "b": 3})];
        assert!(rows_agree(&right, &[2, 1], &repeated).is_err());
    }
}
