//! What a row's group is called in one dimension.

use std::cmp::Ordering;

use connector_model::error::{Error, Result};
use connector_model::json;
use connector_model::request::aggregate::{Bucket, Step, TimeUnit, break_labels};
use connector_model::target::LogicalType;

use connector_evaluate::condition::Place;
use connector_evaluate::value::decimal::Decimal;
use connector_evaluate::value::{NULL, Value, as_moment, identity};

/// The decimal digits behind the point that a step may have, and so those of a value that decide its range.
const STEP_SCALE: u32 = 15;

/// One dimension over the columns of a scan.
#[derive(Debug)]
pub(crate) struct Dimension {
    pub(crate) place: Place,
    pub(crate) bucket: Option<Ranges>,
}

/// How values are put together.
#[derive(Debug)]
pub(crate) enum Ranges {
    Time(TimeUnit),
    Step {
        step: Step,
        /// The step times 10^15.
        units: i128,
        width: f64,
    },
    Breaks {
        ends: Vec<Value<'static>>,
        labels: Vec<String>,
    },
}

impl Ranges {
    pub(crate) fn new(bucket: &Bucket) -> Result<Ranges> {
        let unreadable = || Error::internal("a number of a bucket cannot be read");
        Ok(match bucket {
            Bucket::Time(unit) => Ranges::Time(*unit),
            Bucket::Step(step) => {
                let digits = step.digits();
                let exact = Decimal::read(digits.as_bytes()).ok_or_else(unreadable)?;
                let units = exact.floor_at(STEP_SCALE).filter(|units| *units > 0).ok_or_else(unreadable)?;
                Ranges::Step { step: *step, units, width: exact.to_f64() }
            }
            Bucket::Breaks(breaks) => {
                let end = |number: &serde_json::Number| {
                    Decimal::read(number.to_string().as_bytes()).map(Value::Number).ok_or_else(unreadable)
                };
                Ranges::Breaks {
                    ends: breaks.iter().map(end).collect::<Result<_>>()?,
                    labels: break_labels(breaks),
                }
            }
        })
    }

    fn label(&self, value: &Value<'_>) -> Result<Option<String>> {
        match self {
            Ranges::Time(unit) => Ok(as_moment(value).map(|micros| unit.label(micros))),
            Ranges::Step { step, units, width } => {
                let index = match value {
                    // A double is divided as one, which is what databases do.
                    Value::Float(number) => index_of((number / width).floor()),
                    Value::Number(number) => {
                        let value = number.floor_at(STEP_SCALE);
                        value.and_then(|value| i64::try_from(value.div_euclid(*units)).ok())
                    }
                    _ => return Ok(None),
                };
                let problem = || {
                    Error::option(
                        "dimensions",
                        "a value is too far from 0 for ranges of this step; take a wider one",
                    )
                };
                index.map(|index| Some(step.label(index))).ok_or_else(problem)
            }
            Ranges::Breaks { ends, labels } => {
                if !matches!(value, Value::Float(_) | Value::Number(_)) {
                    return Ok(None);
                }
                let passed = ends.partition_point(|end| end.order(value) != Ordering::Greater);
                Ok(passed.checked_sub(1).and_then(|at| labels.get(at)).cloned())
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "checked before")]
fn index_of(quotient: f64) -> Option<i64> {
    (quotient.abs() < 9e18).then_some(quotient as i64)
}

impl Dimension {
    /// Appends what tells the row's group from others to `identity`, and what the group shows to `shown`; whether the
    /// row has a group at all.
    ///
    /// # Errors
    /// `INVALID_JOB` naming `dimensions` for a number that no range of the step can hold.
    pub(crate) fn group(&self, json: &[u8], same: &mut Vec<u8>, shown: &mut Vec<u8>) -> Result<bool> {
        let Some(ranges) = &self.bucket else {
            if json == NULL {
                return Ok(false);
            }
            identity(same, json, self.place.kind);
            shown.extend_from_slice(json);
            return Ok(true);
        };
        let Some(label) = ranges.label(&self.place.read(json))? else { return Ok(false) };
        let start = shown.len();
        json::text(shown, &label);
        same.extend_from_slice(shown.get(start..).unwrap_or_default());
        Ok(true)
    }

    /// What groups are ordered by: the value itself, or where its range begins.
    pub(crate) fn order<'j>(&self, shown: &'j [u8]) -> Value<'j> {
        match &self.bucket {
            None => Value::read(shown, self.place.kind),
            Some(Ranges::Time(_)) => Value::read(shown, LogicalType::Text),
            Some(Ranges::Step { .. } | Ranges::Breaks { .. }) => {
                let label = Value::read(shown, LogicalType::Text);
                let low = match &label {
                    Value::Text(text) => {
                        text.split_once("..").and_then(|(low, _)| Decimal::read(low.as_bytes()))
                    }
                    _ => None,
                };
                low.map_or(label, Value::Number)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn labels(bucket: &Bucket, kind: LogicalType, values: &[&str]) -> Vec<String> {
        let dimension = Dimension { place: Place::new(0, kind), bucket: Some(Ranges::new(bucket).unwrap()) };
        values
            .iter()
            .map(|value| {
                let (mut same, mut shown) = (Vec::new(), Vec::new());
                let found = dimension.group(value.as_bytes(), &mut same, &mut shown).unwrap();
                if found { String::from_utf8(shown).unwrap() } else { "-".to_owned() }
            })
            .collect()
    }

    fn step(number: serde_json::Value) -> Bucket {
        Bucket::Step(Step::new(number.as_number().unwrap()).unwrap())
    }

    #[test]
    fn ranges_hold_their_lower_end_only() {
        let values = [
            "\"0.30\"",
            "\"0.2999999999999999999999999999\"",
            "\"-0.1\"",
            "\"-0.100000000000000000001\"",
            "null",
        ];
        assert_eq!(
            labels(&step(json!(0.1)), LogicalType::Decimal, &values),
            ["\"0.3..0.4\"", "\"0.2..0.3\"", "\"-0.1..0\"", "\"-0.2..-0.1\"", "-"]
        );
        assert_eq!(
            labels(&step(json!(30)), LogicalType::Integer, &["59", "60", "-1"]),
            ["\"30..60\"", "\"60..90\"", "\"-30..0\""]
        );
        // 0.3 as a double is a little less than three tenths.
        assert_eq!(
            labels(&step(json!(0.1)), LogicalType::Float, &["0.3", "0.5"]),
            ["\"0.2..0.3\"", "\"0.5..0.6\""]
        );
    }

    #[test]
    fn what_lies_outside_the_breaks_is_dropped() {
        let breaks = Bucket::Breaks(serde_json::from_str("[-1.5, 0, 30]").unwrap());
        let values = ["-1.6", "-1.5", "\"-0.1\"", "0", "29.9", "30", "null"];
        assert_eq!(
            labels(&breaks, LogicalType::Decimal, &values),
            ["-", "\"-1.5..0\"", "\"-1.5..0\"", "\"0..30\"", "\"0..30\"", "-", "-"]
        );
    }

    #[test]
    fn moments_are_found_in_every_form() {
        let week = Bucket::Time(TimeUnit::Week);
        let values = ["\"2021-01-03T23:59:59.999Z\"", "\"2021-01-04\"", "\"soon\"", "null"];
        assert_eq!(
            labels(&week, LogicalType::Timestamp, &values),
            ["\"2020-W53\"", "\"2021-W01\"", "-", "-"]
        );
        assert_eq!(labels(&week, LogicalType::Text, &values), ["\"2020-W53\"", "\"2021-W01\"", "-", "-"]);
    }

    #[test]
    fn ranges_are_ordered_by_where_they_begin() {
        let dimension = Dimension {
            place: Place::new(0, LogicalType::Integer),
            bucket: Some(Ranges::new(&step(json!(5))).unwrap()),
        };
        let order = |a: &str, b: &str| dimension.order(a.as_bytes()).order(&dimension.order(b.as_bytes()));
        assert_eq!(order("\"5..10\"", "\"10..15\""), Ordering::Less);
        assert_eq!(order("\"-10..-5\"", "\"-5..0\""), Ordering::Less);
    }
}
