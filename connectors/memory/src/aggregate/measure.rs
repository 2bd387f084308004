//! What is computed of a group's rows.

use std::cmp::Ordering;

use connector_model::error::{Error, Result};
use connector_model::json;
use connector_model::request::aggregate::Function;

use crate::decimal::Scaled;
use crate::profile::Profile;
use crate::table::{ColumnDef, Table};
use crate::value::Value;

/// Digits behind the point of a mean: more than any engine gives.
const MEAN_DIGITS: usize = 40;

/// What came out of one measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// As it stands in the answer.
    pub json: String,
    /// As `having` and `sort` see it.
    pub value: Value,
    /// How large the numbers were that it was computed of: what is not computed exactly is off by a share of that.
    pub magnitude: f64,
}

impl Measured {
    fn new(value: Value, write: impl FnOnce(&mut Vec<u8>)) -> Measured {
        let mut out = Vec::new();
        write(&mut out);
        Measured { json: String::from_utf8_lossy(&out).into_owned(), value, magnitude: 0.0 }
    }

    fn none() -> Measured {
        Measured::new(Value::Null, json::null)
    }

    fn count(rows: usize) -> Measured {
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        Measured::new(Value::Integer(rows), |out| json::integer(out, rows))
    }

    fn decimal(digits: String) -> Measured {
        Measured::new(Value::Decimal(digits.clone()), |out| json::number_or_text(out, &digits))
    }

    fn float(number: f64) -> Measured {
        Measured::new(Value::Float(number), |out| json::float64(out, number))
    }
}

/// A measure over a wide table.
pub(super) struct Measuring<'t> {
    pub(super) table: &'t Table,
    pub(super) profile: &'t Profile,
    /// What is computed.
    pub(super) function: &'t Function,
    /// The position of the column it looks at.
    pub(super) at: Option<usize>,
    /// The position of the column that `first` and `last` order rows by.
    pub(super) change: Option<usize>,
}

impl Measuring<'_> {
    /// What comes out of these rows.
    ///
    /// # Errors
    /// `INTERNAL` when a sum has more than 38 digits.
    pub(super) fn of(&self, rows: &[&Vec<Value>]) -> Result<Measured> {
        // What is shown as `null` is NULL here: NaN and the infinities.
        let cell = |row: &Vec<Value>, at: Option<usize>| {
            let value = at.and_then(|at| row.get(at)).filter(|value| !value.is_beyond());
            value.cloned().unwrap_or(Value::Null)
        };
        let values: Vec<Value> =
            rows.iter().map(|row| cell(row, self.at)).filter(|value| *value != Value::Null).collect();
        let ascending = || {
            let mut values = values.clone();
            values.sort_by(|left, right| self.profile.compare(left, right));
            values
        };
        let magnitude =
            values.iter().filter_map(Value::as_double).fold(0.0, |most, one| f64::max(most, one.abs()));
        let measured = match self.function {
            Function::Count(None) => Measured::count(rows.len()),
            Function::Count(Some(_)) => Measured::count(values.len()),
            Function::CountDistinct(..) => Measured::count(runs(&ascending()).len()),
            Function::Sum(_) => match sum(&values)? {
                None => Measured::none(),
                Some(Sum::Exact(total)) => Measured::decimal(total.to_string()),
                Some(Sum::Float(total)) => Measured::float(total),
            },
            Function::Avg(_) => match sum(&values)? {
                None => Measured::none(),
                Some(Sum::Exact(total)) => Measured::decimal(total.divided(values.len(), MEAN_DIGITS)),
                #[allow(clippy::cast_precision_loss, reason = "a handful")]
                Some(Sum::Float(total)) => Measured::float(total / values.len() as f64),
            },
            Function::Min(_) => self.value(ascending().first()),
            Function::Max(_) => self.value(ascending().last()),
            Function::Percentile(_, share, _) => {
                percentile(&ascending(), *share).map_or_else(Measured::none, Measured::float)
            }
            Function::TopK(_, most, _) => self.most_frequent(&ascending(), *most as usize),
            Function::First(_) | Function::Last(_) => {
                let change = |row: &Vec<Value>| cell(row, self.change.or(self.at));
                let mut known: Vec<&Vec<Value>> =
                    rows.iter().copied().filter(|row| change(row) != Value::Null).collect();
                let last = matches!(self.function, Function::Last(_));
                known.sort_by(|a, b| {
                    let order = self.profile.compare(&change(a), &change(b));
                    let order = if last { order.reverse() } else { order };
                    order.then_with(|| self.table.compare_keys(a, b))
                });
                let winner = known.first().map(|row| cell(row, self.at));
                self.value(winner.as_ref())
            }
        };
        Ok(Measured { magnitude, ..measured })
    }

    fn column(&self) -> Option<&ColumnDef> {
        self.at.and_then(|at| self.table.columns.get(at))
    }

    /// A value of the column, as the column shows it.
    fn value(&self, value: Option<&Value>) -> Measured {
        match (value, self.column()) {
            (Some(value), Some(column)) if *value != Value::Null => {
                Measured::new(value.clone(), |out| self.profile.write(out, column, value))
            }
            _ => Measured::none(),
        }
    }

    fn most_frequent(&self, ascending: &[Value], most: usize) -> Measured {
        let mut runs = runs(ascending);
        // A stable sort: of equally frequent ones the smaller stays in front.
        runs.sort_by_key(|run| std::cmp::Reverse(run.len()));
        let entries = runs.iter().take(most).map(|run| (self.value(run.first()).json, run.len()));
        let entries: Vec<String> =
            entries.map(|(key, count)| format!("{{\"key\":{key},\"count\":{count}}}")).collect();
        Measured { json: format!("[{}]", entries.join(",")), ..Measured::none() }
    }
}

/// Runs of equal values.
fn runs(ascending: &[Value]) -> Vec<&[Value]> {
    ascending.chunk_by(|left, right| left.compare_same(right) == Ordering::Equal).collect()
}

enum Sum {
    Exact(Scaled),
    Float(f64),
}

fn sum(values: &[Value]) -> Result<Option<Sum>> {
    let mut total: Option<Sum> = None;
    for value in values {
        let Some(digits) = value.as_digits() else {
            let number = value.as_double().ok_or_else(|| Error::internal("a sum of what is no number"))?;
            let before = if let Some(Sum::Float(before)) = total { before } else { 0.0 };
            total = Some(Sum::Float(before + number));
            continue;
        };
        let before = if let Some(Sum::Exact(before)) = total { before } else { Scaled::ZERO };
        let after = Scaled::read(&digits).and_then(|value| before.plus(value));
        total = Some(Sum::Exact(after.ok_or_else(|| Error::internal("a sum has more than 38 digits"))?));
    }
    Ok(total)
}

/// SQL's `PERCENTILE_CONT`: between the two values beside the place, in proportion.
fn percentile(ascending: &[Value], share: f64) -> Option<f64> {
    let numbers: Vec<f64> = ascending.iter().filter_map(Value::as_double).collect();
    #[allow(clippy::cast_precision_loss, reason = "a handful")]
    let place = share * numbers.len().checked_sub(1)? as f64;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a handful")]
    let below = place.floor() as usize;
    let low = numbers.get(below)?;
    let high = numbers.get(below + 1).unwrap_or(low);
    Some(low + (high - low) * (place - place.floor()))
}
