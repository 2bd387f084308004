//! What can be measured.

use connector_memory::Profile;
use connector_model::capability::AggregateCapabilities;
use connector_model::request::aggregate::Accuracy;
use connector_model::target::LogicalType;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::one_of;
use super::super::operand::Operands;
use super::reach::{Column, Reach};

/// Beyond this a sum of doubles is infinite to one engine and an error to another.
const MOST_TO_SUM: f64 = 1e300;

/// The operators that `having` is given.
pub(super) const COMPARISONS: &[&str] = &["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$exists"];
/// Those whose answer does not hang on the last digit.
const INEXACT: &[&str] = &["$gt", "$lt", "$exists"];

/// A measure of a request.
#[derive(Debug, Clone)]
pub(super) struct Measuring {
    /// As the request has it.
    pub(super) json: Json,
    /// Whether its result is a list or a document, which has no order.
    pub(super) is_list: bool,
    /// What `having` may hold it against.
    pub(super) operands: Vec<Json>,
    is_exact: bool,
}

impl Measuring {
    /// The operators that `having` may use.
    pub(super) fn operators(&self) -> &'static [&'static str] {
        if self.is_exact { COMPARISONS } else { INEXACT }
    }
}

/// Up to `most` measures.
pub(super) fn measures(
    reach: &Reach,
    profile: &Profile,
    able: &AggregateCapabilities,
    by_change: bool,
    most: usize,
) -> BoxedStrategy<Vec<Measuring>> {
    let mut choices: Vec<Measuring> = Vec::new();
    if able.count {
        choices.push(counting(json!({"agg": "count"})));
    }
    let function = |measure: &Measuring| measure.json.get("agg").cloned();
    let wide = reach.wide();
    for (at, column) in reach.columns().iter().enumerate() {
        let operands = Operands::of(&wide, profile, at).map(|operands| operands.castable).unwrap_or_default();
        choices.extend(of_column(column, able, by_change, &operands));
    }
    // The function first: that of many columns is no more worth a test than that of one.
    let mut by_function: Vec<Vec<Measuring>> = Vec::new();
    for choice in choices {
        match by_function.iter_mut().find(|known| known.first().map(function) == Some(function(&choice))) {
            Some(known) => known.push(choice),
            None => by_function.push(vec![choice]),
        }
    }
    if by_function.is_empty() {
        return Just(Vec::new()).boxed();
    }
    let choices = by_function.into_iter().map(one_of);
    proptest::collection::vec(proptest::strategy::Union::new(choices), 0..=most).boxed()
}

fn counting(json: Json) -> Measuring {
    let operands = vec![json!(0), json!(1), json!(2), json!("2"), json!(1.5)];
    Measuring { json, is_list: false, operands, is_exact: true }
}

/// Every measure of the column.
fn of_column(
    column: &Column,
    able: &AggregateCapabilities,
    by_change: bool,
    operands: &[Json],
) -> Vec<Measuring> {
    use LogicalType::{Decimal, Float, Integer, Unknown};
    let logical = column.def.logical_type;
    let has_order = logical.orderable() || logical == Unknown;
    let magnitude = column.magnitude().filter(|magnitude| *magnitude < MOST_TO_SUM);
    let is_summed = matches!(logical, Integer | Float | Decimal) && magnitude.is_some();
    let json = |agg: &str| json!({"agg": agg, "column": column.name});
    let with = |agg: &str, part: &str, value: Json| json!({"agg": agg, "column": column.name, part: value});
    let of_value = |json: Json| Measuring {
        json,
        is_list: !has_order,
        operands: operands.to_vec(),
        is_exact: has_order,
    };
    let number = |json: Json, is_exact: bool| {
        let operands = match is_exact {
            true => vec![json!(0), json!(3), json!(-1), json!("12"), json!(1.25)],
            false => vec![json!(0.123_456), json!(-2.345_678), json!(6.543_21)],
        };
        Measuring { json, is_list: false, operands, is_exact }
    };
    let mut all = Vec::new();
    if able.count {
        all.push(counting(json("count")));
    }
    if has_order && able.count_distinct.serves(Accuracy::Exact) {
        all.push(counting(json("count_distinct")));
        all.push(Measuring {
            is_exact: false,
            operands: vec![json!(-1)],
            ..counting(with("count_distinct", "accuracy", json!("fast")))
        });
    }
    if is_summed && able.sum {
        all.extend([json("sum"), json("rate"), json("sum")].map(|json| number(json, logical != Float)));
    }
    if is_summed && able.avg {
        all.extend([number(json("avg"), false), number(json("avg"), false)]);
    }
    if has_order && able.min_max {
        all.extend([of_value(json("min")), of_value(json("max"))]);
    }
    if is_summed && able.percentile.serves(Accuracy::Exact) {
        all.push(number(
            json!({"agg": "percentile", "column": column.name, "p": 0.5, "accuracy": "fast"}),
            false,
        ));
        all.extend([0.5, 0.25, 0.9, 0.001].map(|share| number(with("percentile", "p", json!(share)), false)));
    }
    if has_order && able.top_k {
        let top = |k: u32| Measuring { is_list: true, ..of_value(with("top_k", "k", json!(k))) };
        all.extend([1, 2, 3, 1_000].map(top));
    }
    // Of rows that changed together the key decides, and a join repeats it.
    let is_decided = if by_change { column.from.is_none() } else { has_order };
    if is_decided && able.first_last {
        all.extend(["first", "last"].map(|agg| of_value(json(agg))));
    }
    all
}
