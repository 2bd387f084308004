//! What is computed of the rows of a group.

mod digest;
mod distinct;
mod extreme;
mod percentile;
mod sum;
pub(crate) mod top;

use std::cmp::Ordering;
use std::collections::HashSet;

use connector_model::error::Result;
use connector_model::json;
use connector_model::request::aggregate::{Accuracy, Function};
use connector_model::target::LogicalType;

use crate::budget::{Budget, ENTRY_BYTES};
use connector_evaluate::condition::Place;
use connector_evaluate::value::decimal::Decimal;
use connector_evaluate::value::{NULL, Value, identity};
use digest::Digest;
use distinct::Sketch;
use extreme::Leader;
use sum::{Sum, Total};
use top::Top;

/// One measure over the columns of a scan.
#[derive(Debug)]
pub(crate) struct Measuring {
    pub(crate) function: Function,
    /// The column it looks at; of no consequence where it looks at none.
    pub(crate) place: Option<Place>,
    /// What decides between rows where one of them is taken: the column that orders them, then the key.
    pub(crate) order: Vec<Place>,
}

/// What a measure has gathered of a group so far. What can be large stands behind a pointer: most groups are many and
/// small.
#[derive(Debug)]
pub(crate) enum State {
    Count(u64),
    Distinct(HashSet<Box<[u8]>>),
    Sketch(Box<Sketch>),
    Sum(Box<Sum>),
    Mean(Box<Sum>),
    Leader(Option<Box<Leader>>),
    Values(Vec<f64>),
    Digest(Box<Digest>),
    Top(Box<Top>),
}

/// What came out of one measure.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// As it stands in the answer; what `having` and `sort` look at.
    pub(crate) json: Box<[u8]>,
}

impl Measuring {
    /// What it begins with.
    pub(crate) fn state(&self) -> State {
        match self.function {
            Function::Count(_) => State::Count(0),
            Function::CountDistinct(_, Accuracy::Exact) => State::Distinct(HashSet::new()),
            Function::CountDistinct(_, Accuracy::Fast) => State::Sketch(Box::default()),
            Function::Sum(_) => State::Sum(Box::default()),
            Function::Avg(_) => State::Mean(Box::default()),
            Function::Min(_) | Function::Max(_) | Function::First(_) | Function::Last(_) => {
                State::Leader(None)
            }
            Function::Percentile(_, _, Accuracy::Exact) => State::Values(Vec::new()),
            Function::Percentile(_, _, Accuracy::Fast) => State::Digest(Box::default()),
            Function::TopK(_, _, Accuracy::Exact) => State::Top(Box::new(Top::exact())),
            Function::TopK(_, k, Accuracy::Fast) => State::Top(Box::new(Top::sketch(k))),
        }
    }

    /// What comes out as a place of the group's measures.
    pub(crate) fn output(&self, at: usize) -> Place {
        let kind = match self.function {
            Function::Count(_) | Function::CountDistinct(..) => LogicalType::Integer,
            Function::Sum(_) if self.place.is_none_or(|place| place.kind != LogicalType::Float) => {
                LogicalType::Decimal
            }
            Function::Sum(_) | Function::Avg(_) | Function::Percentile(..) => LogicalType::Float,
            Function::TopK(..) => LogicalType::Unknown,
            Function::Min(_) | Function::Max(_) | Function::First(_) | Function::Last(_) => {
                // A value of the column, as the column has it.
                return self
                    .place
                    .map_or(Place::new(at, LogicalType::Unknown), |place| Place { at, ..place });
            }
        };
        Place::new(at, kind)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE`.
    pub(crate) fn add(&self, state: &mut State, cells: &[&[u8]], budget: &mut Budget) -> Result<()> {
        let cell = |place: Place| cells.get(place.at).copied().unwrap_or(NULL);
        // Rows that are counted are looked at by nobody.
        let place = self.place.unwrap_or(Place::new(0, LogicalType::Integer));
        let (json, kind) = (self.place.map_or(b"0".as_slice(), cell), place.kind);
        let by = || self.order.iter().map(|place| Value::read(cell(*place), place.kind));
        if let Function::First(_) | Function::Last(_) = self.function {
            let change = self.order.first().map_or(NULL, |place| cell(*place));
            return match state {
                State::Leader(leader) if change != NULL => {
                    let last = matches!(self.function, Function::Last(_));
                    let ahead = if last { Ordering::Greater } else { Ordering::Less };
                    Leader::compete(leader, json, ahead, by(), budget)
                }
                _ => Ok(()),
            };
        }
        if json == NULL {
            return Ok(());
        }
        match state {
            State::Count(count) => *count += 1,
            State::Distinct(values) => {
                let mut value = Vec::with_capacity(json.len());
                identity(&mut value, json, kind);
                if !values.contains(value.as_slice()) {
                    budget.take(value.len() + size_of::<Box<[u8]>>() + ENTRY_BYTES)?;
                    values.insert(value.into_boxed_slice());
                }
            }
            State::Sketch(sketch) => {
                let mut value = Vec::with_capacity(json.len());
                identity(&mut value, json, kind);
                let before = sketch.held_bytes();
                sketch.add(&value);
                budget.change(before, sketch.held_bytes())?;
            }
            State::Sum(sum) | State::Mean(sum) => {
                let before = sum.held_bytes();
                sum.add(&place.read(json));
                budget.change(before, sum.held_bytes())?;
            }
            State::Leader(leader) => {
                let ahead = if matches!(self.function, Function::Max(_)) {
                    Ordering::Greater
                } else {
                    Ordering::Less
                };
                let value = std::iter::once(Value::read(json, kind));
                Leader::compete(leader, json, ahead, value, budget)?;
            }
            State::Values(values) => {
                if let Some(number) = as_double(&place.read(json)) {
                    let before = values.capacity();
                    values.push(number);
                    let grown = values.capacity() - before;
                    budget.take(grown * size_of::<f64>())?;
                }
            }
            State::Digest(digest) => {
                if let Some(number) = as_double(&place.read(json)) {
                    let before = digest.held_bytes();
                    digest.add(number);
                    budget.change(before, digest.held_bytes())?;
                }
            }
            State::Top(top) => top.add(json, kind, budget)?,
        }
        Ok(())
    }

    /// What comes out.
    pub(crate) fn outcome(&self, state: State) -> Outcome {
        let mut out = Vec::new();
        let share = match self.function {
            Function::Percentile(_, share, _) => share,
            _ => 0.0,
        };
        match state {
            State::Count(count) => whole(&mut out, count),
            State::Distinct(values) => whole(&mut out, values.len() as u64),
            State::Sketch(sketch) => whole(&mut out, sketch.estimate()),
            State::Sum(sum) => match sum.total() {
                Total::None => json::null(&mut out),
                Total::Exact(digits) => json::number_or_text(&mut out, &digits),
                Total::Float(total) => json::float64(&mut out, total),
            },
            State::Mean(sum) => float(&mut out, sum.mean()),
            State::Leader(leader) => {
                return Outcome { json: leader.map_or_else(|| NULL.into(), |leader| leader.json) };
            }
            State::Values(mut values) => float(&mut out, percentile::exact(&mut values, share)),
            State::Digest(digest) => float(&mut out, digest.percentile(share)),
            State::Top(top) => {
                let kind = self.place.map_or(LogicalType::Unknown, |place| place.kind);
                let k = if let Function::TopK(_, k, _) = self.function { k } else { 0 };
                top.write(&mut out, k, kind);
            }
        }
        Outcome { json: out.into() }
    }
}

fn whole(out: &mut Vec<u8>, count: u64) {
    json::unsigned_if_exact(out, count);
}

fn float(out: &mut Vec<u8>, number: Option<f64>) {
    match number {
        Some(number) => json::float64(out, number),
        None => json::null(out),
    }
}

fn as_double(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Number(number) => Some(Decimal::to_f64(number)),
        Value::Float(number) => Some(*number),
        Value::Boolean(flag) => Some(f64::from(u8::from(*flag))),
        _ => None,
    }
}

impl State {
    /// Bytes that a new one holds on the heap.
    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            State::Count(_) | State::Distinct(_) | State::Leader(_) | State::Values(_) => 0,
            State::Sketch(_) => size_of::<Sketch>(),
            State::Sum(_) | State::Mean(_) => size_of::<Sum>(),
            State::Digest(_) => size_of::<Digest>(),
            State::Top(_) => size_of::<Top>(),
        }
    }
}
