//! What can be grouped by.

use connector_memory::{Profile, Value};
use connector_model::capability::AggregateCapabilities;
use connector_model::request::aggregate::TimeUnit;
use connector_model::target::LogicalType;
use connector_model::time::{DAY_US, parse_moment};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::name::names;
use super::super::one_of;
use super::reach::{Column, Reach};

/// The years that every engine's calendar functions know, in microseconds since 1970: 1 to 9999.
const YEARS: (i64, i64) = (-719_162 * DAY_US, 2_932_897 * DAY_US);

/// Beyond this, a range's number does not fit everywhere.
const MOST_RANGES: f64 = 1e12;

/// A dimension of a request.
#[derive(Debug, Clone)]
pub(super) struct Grouping {
    /// What `sort` calls it.
    pub(super) name: String,
    /// As the request has it.
    pub(super) json: Json,
}

/// Up to `most` dimensions, each with a name of its own.
pub(super) fn dimensions(
    reach: &Reach,
    profile: &Profile,
    able: &AggregateCapabilities,
    most: usize,
) -> BoxedStrategy<Vec<Grouping>> {
    let choices: Vec<Json> =
        reach.columns().iter().flat_map(|column| groupings(column, profile, able)).collect();
    if choices.is_empty() || !able.group_by {
        return Just(Vec::new()).boxed();
    }
    let named = |(chosen, names): (Vec<Json>, Vec<String>)| {
        let mut all: Vec<Grouping> = Vec::new();
        for (at, (mut json, name)) in chosen.into_iter().zip(names).enumerate() {
            let field = json.get("field").and_then(Json::as_str).unwrap_or_default().to_owned();
            let taken = all.iter().any(|known| known.name == field);
            let name = if taken || at % 2 == 1 { name } else { field.clone() };
            if all.iter().any(|known| known.name == name) {
                continue;
            }
            if let Some(parts) = json.as_object_mut().filter(|_| name != field) {
                parts.insert("as".to_owned(), json!(name));
            }
            all.push(Grouping { name, json });
        }
        all
    };
    prop_oneof![
        1 => Just(Vec::new()),
        5 => (proptest::collection::vec(one_of(choices), 1..=most), names(most)).prop_map(named),
    ]
    .boxed()
}

/// Every way to group by the column.
fn groupings(column: &Column, profile: &Profile, able: &AggregateCapabilities) -> Vec<Json> {
    let mut buckets = Vec::new();
    let by_value = column.def.logical_type.orderable() || column.def.logical_type == LogicalType::Unknown;
    if by_value {
        buckets.extend([Json::Null, Json::Null]);
    }
    if able.time_bucket && is_calendar(column, profile) {
        buckets.extend(TimeUnit::ALL.map(|unit| json!(unit.as_str())));
    }
    if able.numeric_bucket {
        buckets.extend(ranges(column));
    }
    let field = |bucket: Json| {
        let mut json = match &column.from {
            Some((alias, name)) if bucket.is_null() => json!({"field": name, "from": alias}),
            _ => json!({"field": column.name}),
        };
        if let Some(parts) = json.as_object_mut().filter(|_| !bucket.is_null()) {
            parts.insert("bucket".to_owned(), bucket);
        }
        json
    };
    buckets.into_iter().map(field).collect()
}

/// Whether all values are moments that every calendar has, or infinite.
fn is_calendar(column: &Column, profile: &Profile) -> bool {
    use LogicalType::{Date, Text, Timestamp, TimestampTz};
    let moments = match column.def.logical_type {
        Date | Timestamp | TimestampTz => true,
        Text => profile.moments_in_text && !column.values.is_empty(),
        _ => false,
    };
    let known = |value: &Value| {
        let micros = match value {
            Value::Timestamp(micros) | Value::TimestampTz(micros) => Some(*micros),
            Value::Date(days) => days.checked_mul(DAY_US),
            Value::Text(text) => parse_moment(text),
            _ => None,
        };
        micros.is_some_and(|micros| (YEARS.0..YEARS.1).contains(&micros))
    };
    moments && column.values.iter().all(|value| value.is_beyond() || known(value))
}

/// Ranges that the column's numbers fall into.
fn ranges(column: &Column) -> Vec<Json> {
    use LogicalType::{Decimal, Float, Integer};
    let (true, Some(magnitude)) =
        (matches!(column.def.logical_type, Integer | Float | Decimal), column.magnitude())
    else {
        return Vec::new();
    };
    // In doubles a quotient by another width may be rounded to the next range.
    let steps: &[f64] = match column.def.logical_type {
        Float => &[0.25, 1.0, 8.0, 1_024.0],
        _ => &[0.1, 0.25, 1.0, 2.5, 7.0, 1_000.0],
    };
    let step = |width: &f64| json!({"type": "numeric", "step": width});
    let mut all: Vec<Json> =
        steps.iter().filter(|width| magnitude / **width < MOST_RANGES).map(step).collect();
    let breaks =
        [json!([-1.5, 0, 2.75]), json!([-100, -1, 0.125, 1, 10]), json!([0, 1e6]), json!([-1e300, 1e300])];
    all.extend(breaks.map(|breaks| json!({"type": "numeric", "breaks": breaks})));
    all
}
