//! A request to its rows, still as values.

use connector_api::Page;
use connector_model::error::{Error, Result};
use connector_model::filter::Filter;
use connector_model::request::{ChangedSince, Count, Query, Read};
use connector_model::target::LogicalType;
use connector_model::time::{DAY_US, parse_moment};

use crate::database::Database;
use crate::evaluate::{Truth, check, truth};
use crate::order::{RowOrder, Start};
use crate::profile::Profile;
use crate::table::Table;
use crate::value::Value;

/// The rows a request asks for.
#[derive(Debug)]
pub struct Answer<'d> {
    /// Where they come from.
    pub table: &'d Table,
    /// The positions of the columns to return.
    pub selection: Vec<usize>,
    /// The rows, whole.
    pub rows: Vec<&'d [Value]>,
    /// How the result ended.
    pub page: Page,
}

/// Answers a `read`.
///
/// # Errors
/// `INVALID_TARGET`; `INVALID_JOB` naming the option.
pub fn read<'d>(database: &'d Database, request: &Read) -> Result<Answer<'d>> {
    let table = database.table(&request.target)?;
    let selection = table.selection("fields", request.fields.as_deref())?;
    let mut matching = all(table);
    if let Some(since) = &request.changed_since {
        let at = change_column(table, database.profile(), since)?;
        matching.retain(|row| row.get(at).is_some_and(|value| is_later(value, since.micros)));
    }
    let order = RowOrder::new(table, database.profile(), &[])?;
    // The total stands on the first page only.
    let total = request.cursor.is_none().then_some(matching.len());
    let start = start(&order, request.cursor.as_deref(), 0)?;
    let (rows, page) = page(&order, matching, &start, Some(request.limit), total);
    Ok(Answer { table, selection, rows, page })
}

/// Answers a `query`.
///
/// # Errors
/// `INVALID_TARGET`; `INVALID_JOB` naming the option.
pub fn query<'d>(database: &'d Database, request: &Query) -> Result<Answer<'d>> {
    let table = database.table(&request.target)?;
    let selection = table.selection("select", request.select.as_deref())?;
    let order = RowOrder::new(table, database.profile(), &request.order_by)?;
    let matching = matching(database, table, &request.filter)?;
    let total = (request.include_total && request.cursor.is_none()).then_some(matching.len());
    let start = start(&order, request.cursor.as_deref(), request.offset)?;
    let (rows, page) = page(&order, matching, &start, request.limit, total);
    Ok(Answer { table, selection, rows, page })
}

/// Answers a `count`.
///
/// # Errors
/// `INVALID_TARGET`; `INVALID_JOB` naming the option.
pub fn count(database: &Database, request: &Count) -> Result<u64> {
    let table = database.table(&request.target)?;
    Ok(matching(database, table, &request.filter)?.len() as u64)
}

fn all(table: &Table) -> Vec<&[Value]> {
    table.rows.iter().map(Vec::as_slice).collect()
}

fn matching<'d>(database: &Database, table: &'d Table, filter: &Filter) -> Result<Vec<&'d [Value]>> {
    check(filter, table, "where")?;
    let mut rows = all(table);
    rows.retain(|row| truth(filter, table, database.profile(), row) == Truth::True);
    Ok(rows)
}

fn change_column(table: &Table, profile: &Profile, since: &ChangedSince) -> Result<usize> {
    const OPTION: &str = "changeTrackingColumn";
    let at = table.position(OPTION, &since.column)?;
    let logical = table.columns.get(at).map(|column| column.logical_type);
    use LogicalType::{Date, Integer, Text, Timestamp, TimestampTz};
    match logical {
        Some(Date | Timestamp | TimestampTz | Integer) => Ok(at),
        Some(Text) if profile.moments_in_text => Ok(at),
        _ => {
            let problem = format_args!("column \"{}\" holds no moments", since.column);
            Err(Error::option(OPTION, problem).with("column", since.column.as_str()))
        }
    }
}

fn is_later(value: &Value, micros: i64) -> bool {
    match value {
        Value::Timestamp(changed) | Value::TimestampTz(changed) => *changed > micros,
        Value::Date(days) => days.saturating_mul(DAY_US) > micros,
        // A whole number is milliseconds since 1970.
        Value::Integer(millis) => i128::from(*millis) * 1_000 > i128::from(micros),
        // A text that is no moment is no later one.
        Value::Text(text) => parse_moment(text).is_some_and(|changed| changed > micros),
        _ => false,
    }
}

fn start(order: &RowOrder<'_>, cursor: Option<&str>, offset: u64) -> Result<Start> {
    cursor.map_or(Ok(Start::Offset(offset)), |cursor| order.start(cursor))
}

/// Sorts, passes over what comes before the page, and cuts.
fn page<'d>(
    order: &RowOrder<'_>,
    mut rows: Vec<&'d [Value]>,
    start: &Start,
    limit: Option<u64>,
    total: Option<usize>,
) -> (Vec<&'d [Value]>, Page) {
    rows.sort_by(|left, right| order.compare(left, right));
    let skipped = match start {
        Start::Offset(offset) => *offset,
        Start::After(key) => {
            rows.retain(|row| order.is_after(row, key));
            0
        }
    };
    let mut rows: Vec<&[Value]> = rows.into_iter().skip(as_index(skipped)).collect();
    let limit = limit.map_or(usize::MAX, as_index);
    let cut = rows.len() > limit;
    rows.truncate(limit);
    // A page of no rows has no end to resume after.
    let last = rows.last().filter(|_| cut);
    let passed = skipped.saturating_add(rows.len() as u64);
    let page = Page {
        next_cursor: last.map(|row| order.issue(row, passed)),
        cursor_kind: last.map(|_| order.cursor_kind()),
        total: total.map(|total| total as u64),
    };
    (rows, page)
}

/// A count as an index; one that no list can have is past the end of every list.
fn as_index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
