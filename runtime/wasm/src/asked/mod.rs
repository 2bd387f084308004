//! A job's typed requests as a guest is asked them.

mod aggregate;
mod filter;
#[cfg(test)]
mod tests;

use connector_model::error::{Error, Result};
use connector_model::request::{Aggregate, ChangedSince, Count, Query, Read};
use connector_model::time::{DAY_US, civil};
use serde_json::{Value, json};

use crate::bindings::exports::semilayer::connector::source as wit;
use crate::bindings::semilayer::connector::types;

/// Rows in key order.
pub(crate) fn read(request: &Read) -> Result<wit::ReadRequest> {
    let changed_since = match &request.changed_since {
        Some(since) => Some((since.column.clone(), moment(since.micros)?)),
        None => None,
    };
    Ok(wit::ReadRequest {
        target: request.target.clone(),
        columns: request.fields.clone(),
        cursor: request.cursor.clone(),
        limit: Some(request.limit),
        changed_since,
    })
}

/// Filtered, ordered rows.
///
/// # Errors
/// `UNSUPPORTED_JOB` for joins: a guest knows one target at a time.
pub(crate) fn query(request: &Query) -> Result<wit::QueryRequest> {
    if !request.joins.is_empty() {
        let message = format!("the connector of target \"{}\" computes no joins", request.target);
        return Err(Error::new(connector_model::ErrorCode::UnsupportedJob, message));
    }
    let order = |order: &connector_model::request::Order| types::Order {
        column: order.column.clone(),
        descending: order.descending,
    };
    Ok(wit::QueryRequest {
        target: request.target.clone(),
        columns: request.select.clone(),
        filter: condition(&request.filter),
        order_by: request.order_by.iter().map(order).collect(),
        limit: request.limit,
        offset: (request.offset > 0).then_some(request.offset),
        cursor: request.cursor.clone(),
    })
}

/// What `count` takes as its filter.
pub(crate) fn count(request: &Count) -> Option<String> {
    condition(&request.filter)
}

/// What `count` takes as its filter for the total of a `read`: the comparison twice, by which those who know tell it from a
/// caller's own `where` ([`ChangedSince::meant_by`]).
pub(crate) fn changed(since: Option<&ChangedSince>) -> Result<Option<String>> {
    let Some(since) = since else { return Ok(None) };
    let later = json!({ since.column.as_str(): { "$gt": moment(since.micros)? } });
    Ok(Some(json!({ "$and": [later, later] }).to_string()))
}

/// An aggregate's options.
pub(crate) fn aggregate(request: &Aggregate) -> String {
    aggregate::options(request).to_string()
}

/// A filter as a `where` object; none when every row passes.
fn condition(filter: &connector_model::filter::Filter) -> Option<String> {
    (!filter.is_true()).then(|| Value::Object(filter::clause(filter)).to_string())
}

/// A moment in RFC 3339, in UTC, with microseconds.
fn moment(micros: i64) -> Result<String> {
    let (year, month, day) = civil(micros.div_euclid(DAY_US));
    // RFC 3339 §1: years of four digits.
    if !(0..=9999).contains(&year) {
        return Err(Error::option("changedSince", "must be a moment in the years 0 to 9999"));
    }
    let of_day = micros.rem_euclid(DAY_US);
    let (seconds, micros) = (of_day / 1_000_000, of_day % 1_000_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    Ok(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"))
}
