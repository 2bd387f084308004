//! What a row's dimension is called, and how groups are told apart.

use std::cmp::Ordering;

use connector_model::error::{Error, Result};
use connector_model::filter::Typed;
use connector_model::json;
use connector_model::request::aggregate::{Bucket, Step, break_labels};
use connector_model::time::{DAY_US, parse_moment};
use serde_json::Number;

use crate::decimal::Scaled;
use crate::profile::Profile;
use crate::table::ColumnDef;
use crate::value::Value;

/// One dimension of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// What the group is called here, as JSON.
    pub json: String,
    /// A value of the group: buckets do not overlap, so any of theirs says where they stand.
    pub value: Value,
    is_bucket: bool,
}

impl Key {
    /// The key of a value; `None` drops its row.
    ///
    /// # Errors
    /// `INTERNAL` when a range's number is beyond 64 bits.
    pub(super) fn of(
        value: &Value,
        column: &ColumnDef,
        bucket: Option<&Bucket>,
        profile: &Profile,
    ) -> Result<Option<Key>> {
        // What has no JSON form is as good as NULL: NaN and the infinities.
        if *value == Value::Null || value.is_beyond() {
            return Ok(None);
        }
        let label = match bucket {
            None => {
                let mut json = Vec::new();
                profile.write(&mut json, column, value);
                let json = String::from_utf8_lossy(&json).into_owned();
                return Ok(Some(Key { json, value: value.clone(), is_bucket: false }));
            }
            Some(Bucket::Time(unit)) => {
                moment(value).map(|micros| (unit.label(micros), Value::Timestamp(micros)))
            }
            Some(Bucket::Step(step)) => range(value, *step)?.map(|index| (step.label(index), value.clone())),
            Some(Bucket::Breaks(breaks)) => between(value, breaks).map(|label| (label, value.clone())),
        };
        Ok(label.map(|(label, value)| {
            let mut json = Vec::new();
            json::text(&mut json, &label);
            Key { json: String::from_utf8_lossy(&json).into_owned(), value, is_bucket: true }
        }))
    }

    /// Whether two rows belong together.
    pub fn same(&self, other: &Key) -> bool {
        if self.is_bucket { self.json == other.json } else { self.value.compare_same(&other.value).is_eq() }
    }

    /// Where two groups stand to each other.
    pub fn compare(&self, profile: &Profile, other: &Key) -> Ordering {
        if self.same(other) { Ordering::Equal } else { profile.compare(&self.value, &other.value) }
    }
}

/// Microseconds since 1970 of a value that is a moment.
fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::Timestamp(micros) | Value::TimestampTz(micros) => Some(*micros),
        Value::Date(days) => days.checked_mul(DAY_US),
        Value::Text(text) => parse_moment(text),
        _ => None,
    }
}

/// The number of the range that holds the value.
fn range(value: &Value, step: Step) -> Result<Option<i64>> {
    let beyond = || Error::internal("a range's number has more than 64 bits");
    let Some(digits) = value.as_digits() else {
        let Some(number) = value.as_double() else { return Ok(None) };
        let width: f64 = step.digits().parse().map_err(|_| beyond())?;
        let index = (number / width).floor();
        #[allow(clippy::cast_possible_truncation, reason = "checked before")]
        return if index.abs() < 9e18 { Ok(Some(index as i64)) } else { Err(beyond()) };
    };
    let (value, width) = (Scaled::read(&digits), Scaled::read(&step.digits()));
    let index = value.zip(width).and_then(|(value, width)| value.divided_down(width));
    index.and_then(|index| i64::try_from(index).ok()).map(Some).ok_or_else(beyond)
}

/// The label of the breaks that the value lies between.
fn between(value: &Value, breaks: &[Number]) -> Option<String> {
    let at_least = |end: &Number| {
        let end = match value {
            Value::Float(_) | Value::Real(_) => Typed::Float(end.as_f64()?),
            _ => Typed::Decimal(end.to_string()),
        };
        value.compare(&end).map(Ordering::is_ge)
    };
    let passed = breaks.iter().filter(|end| at_least(end) == Some(true)).count();
    break_labels(breaks).into_iter().nth(passed.checked_sub(1)?)
}
