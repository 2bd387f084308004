//! Whether the groups of an aggregate are the right ones: what is exact to the last digit, what is not within the
//! error that doubles have, in no other order than the one asked for.

use connector_memory::aggregate::{Group, Measured};
use connector_memory::decimal::Exact;
use connector_memory::{Profile, Value};
use connector_model::request::Aggregate;
use connector_model::request::aggregate::{Accuracy, Function, Measure, SortKey};
use serde_json::{Map, Value as Json, json};

/// How far a result that is computed in doubles may be off, as a share of itself.
const RELATIVE: f64 = 1e-9;
/// And as a share of the numbers that it is computed of: what cancels out leaves their rounding behind.
const CANCELLED: f64 = 1e-12;
/// How far an estimate of how many different values there are may be off.
const ESTIMATED: f64 = 0.05;

/// The right groups.
#[derive(Debug)]
pub struct ExpectedGroups {
    /// All that `having` lets through, sorted.
    groups: Vec<ExpectedGroup>,
    /// How many the limit leaves of them.
    wanted: usize,
}

#[derive(Debug)]
struct ExpectedGroup {
    dims: Json,
    measures: Vec<(String, Json, Agreement)>,
    count: u64,
    /// Groups of the same rank may stand in any order among themselves.
    rank: usize,
}

/// When two results of a measure are the same.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Agreement {
    /// The same JSON.
    Same,
    /// The same number, written in the same way.
    Exact,
    /// Numbers that are at most this far from each other.
    Within(f64),
    /// Any number whose magnitude is at most this.
    AtMost(f64),
}

impl ExpectedGroups {
    /// The groups of a request, as the oracle gives them.
    pub fn new(request: &Aggregate, profile: &Profile, groups: &[Group]) -> ExpectedGroups {
        let mut rank = 0;
        let mut before: Option<&Group> = None;
        let mut expected = Vec::with_capacity(groups.len());
        for group in groups {
            if before.is_some_and(|before| is_settled(request, profile, before, group)) {
                rank += 1;
            }
            before = Some(group);
            expected.push(ExpectedGroup::new(request, group, rank));
        }
        let limit = request.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        ExpectedGroups { wanted: limit.min(expected.len()), groups: expected }
    }

    /// Holds groups against these.
    ///
    /// # Errors
    /// What is wrong with the first that is wrong.
    pub fn agree(&self, rows: &[Json]) -> Result<(), String> {
        if rows.len() != self.wanted {
            return Err(format!("{} groups came, not {}", rows.len(), self.wanted));
        }
        let mut left: Vec<&ExpectedGroup> = self.groups.iter().collect();
        let mut ranks = Vec::with_capacity(rows.len());
        for row in rows {
            let group = Parts::of(row)?;
            let at = left.iter().position(|expected| expected.dims == *group.dims);
            let Some(at) = at else {
                return Err(format!("there is no group {}, or it came twice", group.dims));
            };
            let expected = left.remove(at);
            expected.agree(&group)?;
            ranks.push(expected.rank);
        }
        let wanted = self.groups.iter().take(self.wanted).map(|group| group.rank);
        if ranks.iter().copied().eq(wanted) {
            Ok(())
        } else {
            Err("the groups stand in another order than the one asked for, or others were cut".to_owned())
        }
    }
}

/// Whether one group comes before the other in the order asked for, whatever the error of doubles is. The first is
/// known not to come behind the second.
fn is_settled(request: &Aggregate, profile: &Profile, first: &Group, second: &Group) -> bool {
    if request.sort.is_empty() {
        return false;
    }
    for sort in &request.sort {
        let different = match sort.key {
            SortKey::Count => first.count != second.count,
            SortKey::Dimension(at) => match (first.keys.get(at), second.keys.get(at)) {
                (Some(first), Some(second)) => !first.same(second),
                _ => false,
            },
            SortKey::Measure(at) => {
                let measured = (first.measures.get(at), second.measures.get(at), request.measures.get(at));
                let (Some(first), Some(second), Some(measure)) = measured else { return false };
                let numbers = first.value.as_double().zip(second.value.as_double());
                match (agreement(measure, first), agreement(measure, second), numbers) {
                    // Whether they are equal, and what comes next decides, depends on the rounding.
                    (Agreement::AtMost(_), ..) => return false,
                    (Agreement::Within(one), Agreement::Within(other), Some((low, high)))
                        if (low - high).abs() <= one.max(other) =>
                    {
                        return false;
                    }
                    _ => profile.compare(&first.value, &second.value).is_ne(),
                }
            }
        };
        if different {
            return true;
        }
    }
    true
}

fn tolerance(number: f64, measured: &Measured) -> f64 {
    RELATIVE * number.abs() + CANCELLED * measured.magnitude + f64::MIN_POSITIVE
}

fn agreement(measure: &Measure, measured: &Measured) -> Agreement {
    let near = |value: &Value| {
        value.as_double().map_or(Agreement::Same, |v| Agreement::Within(tolerance(v, measured)))
    };
    match (&measure.function, &measured.value) {
        (_, Value::Null) => Agreement::Same,
        (Function::CountDistinct(_, Accuracy::Fast), Value::Integer(count)) =>
        {
            #[allow(clippy::cast_precision_loss, reason = "a handful")]
            Agreement::Within((*count as f64 * ESTIMATED).max(1.0))
        }
        (Function::Percentile(_, _, Accuracy::Fast), _) => Agreement::AtMost(measured.magnitude),
        (Function::Avg(_) | Function::Percentile(..), value) => near(value),
        (Function::Sum(_), value @ Value::Float(_)) => near(value),
        (Function::Sum(_) | Function::Count(_) | Function::CountDistinct(..), _) => Agreement::Exact,
        _ => Agreement::Same,
    }
}

impl ExpectedGroup {
    fn new(request: &Aggregate, group: &Group, rank: usize) -> ExpectedGroup {
        let read = |json: &str| serde_json::from_str(json).unwrap_or(Json::Null);
        let dims: Map<String, Json> = request
            .dimensions
            .iter()
            .zip(&group.keys)
            .map(|(dimension, key)| (dimension.name.clone(), read(&key.json)))
            .collect();
        let measures = request.measures.iter().zip(&group.measures);
        let measures = measures.map(|(measure, measured)| {
            (measure.name.clone(), read(&measured.json), agreement(measure, measured))
        });
        ExpectedGroup { dims: Json::Object(dims), measures: measures.collect(), count: group.count, rank }
    }

    fn agree(&self, group: &Parts<'_>) -> Result<(), String> {
        let dims = group.dims;
        if *group.count != json!(self.count) {
            return Err(format!("group {dims} has count {}, not {}", group.count, self.count));
        }
        if group.measures.len() != self.measures.len() {
            return Err(format!(
                "group {dims} has {} measures, not {}",
                group.measures.len(),
                self.measures.len()
            ));
        }
        for (name, right, agreement) in &self.measures {
            let Some(came) = group.measures.get(name) else {
                return Err(format!("group {dims} has no measure {name:?}"));
            };
            if !same(right, came, *agreement) {
                return Err(format!("in group {dims}, {name:?} is {came}, not {right}"));
            }
        }
        Ok(())
    }
}

/// The parts of a group.
struct Parts<'j> {
    dims: &'j Json,
    measures: &'j Map<String, Json>,
    count: &'j Json,
}

impl<'j> Parts<'j> {
    fn of(row: &'j Json) -> Result<Parts<'j>, String> {
        let parts = row.as_object().filter(|parts| parts.len() == 3).and_then(|parts| {
            let dims = parts.get("dims").filter(|dims| dims.is_object())?;
            let measures = parts.get("measures").and_then(Json::as_object)?;
            Some(Parts { dims, measures, count: parts.get("count")? })
        });
        parts.ok_or_else(|| format!("a group is {{dims, measures, count}}, not {row}"))
    }
}

fn same(right: &Json, came: &Json, agreement: Agreement) -> bool {
    match agreement {
        Agreement::Same => right == came,
        Agreement::Exact => match (right, came) {
            (Json::Number(right), Json::Number(came)) => right.as_f64() == came.as_f64(),
            (Json::String(right), Json::String(came)) => {
                let (right, came) = (Exact::read(right), Exact::read(came));
                right.is_some() && right == came
            }
            _ => false,
        },
        Agreement::Within(error) => {
            number(right).zip(number(came)).is_some_and(|(right, came)| (right - came).abs() <= error)
        }
        Agreement::AtMost(magnitude) => {
            number(came).is_some_and(|came| came.abs() <= magnitude * (1.0 + RELATIVE))
        }
    }
}

/// A number, or the digits of one.
fn number(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        Json::String(digits) => Exact::read(digits).and_then(|_| digits.parse().ok()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_is_to_the_last_digit_and_near_is_not() {
        let sum = "123456789012345678901234567890.125";
        assert!(same(&json!(sum), &json!(format!("{sum}000")), Agreement::Exact));
        assert!(!same(&json!(sum), &json!("123456789012345678901234567890.126"), Agreement::Exact));
        assert!(!same(&json!(1), &json!("1"), Agreement::Exact), "a number that fits is a number");
        assert!(same(&json!(1), &json!(1.0), Agreement::Exact));
        assert!(same(
            &json!("0.333333333333333333333"),
            &json!(0.333_333_333_333_333_3),
            Agreement::Within(1e-10)
        ));
        assert!(!same(&json!(1.5), &json!(1), Agreement::Within(1e-9)));
        assert!(!same(&json!(1.5), &Json::Null, Agreement::Within(1e-9)));
        assert!(!same(&Json::Null, &json!(0), Agreement::Same));
    }

    #[test]
    fn a_group_has_its_three_parts_and_no_others() {
        assert!(Parts::of(&json!({"dims": {}, "measures": {}, "count": 1})).is_ok());
        for row in [
            json!({"dims": {}, "measures": {}}),
            json!({"dims": {}, "measures": {}, "count": 1, "x": 1}),
            json!([]),
        ] {
            assert!(Parts::of(&row).is_err(), "{row}");
        }
    }
}
