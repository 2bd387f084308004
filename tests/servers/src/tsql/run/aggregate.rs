//! GROUP BY and the aggregate functions.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::{Cursor, Frame, Run};
use crate::tsql::ast::Arithmetic;
use crate::tsql::convert::convert;
use crate::tsql::decimal::Decimal;
use crate::tsql::error::{Result, SqlError};
use crate::tsql::plan::{Aggregate, AggregateKind, GroupPlan, SortKey};
use crate::tsql::types::{Collation, SqlType};
use crate::tsql::value::{Key, Row, Value};

impl Run {
    /// One row a group: the keys, then the aggregates. Without keys there is exactly one group.
    pub(super) fn group(
        &self,
        plan: &GroupPlan,
        rows: &[&Row],
        outer: Option<&Frame<'_>>,
    ) -> Result<Vec<Row>> {
        let mut groups: Vec<(Row, Vec<&Row>)> = Vec::new();
        let mut known: HashMap<Vec<Key>, usize> = HashMap::new();
        if plan.keys.is_empty() {
            groups.push((Vec::new(), rows.to_vec()));
        } else {
            for row in rows {
                self.check()?;
                let cursor = Cursor { run: self, row, windows: &[], outer };
                let values: Row = plan.keys.iter().map(|(key, _)| cursor.eval(key)).collect::<Result<_>>()?;
                let key = values
                    .iter()
                    .zip(&plan.keys)
                    .map(|(value, (_, collation))| value.key(*collation))
                    .collect();
                let position = *known.entry(key).or_insert_with(|| {
                    groups.push((values, Vec::new()));
                    groups.len() - 1
                });
                if let Some((_, members)) = groups.get_mut(position) {
                    members.push(row);
                }
            }
        }
        let mut results = Vec::with_capacity(groups.len());
        for (mut result, members) in groups {
            for aggregate in &plan.aggregates {
                result.push(self.aggregate(aggregate, &members, outer)?);
            }
            let cursor = Cursor { run: self, row: &result, windows: &[], outer };
            let wanted = match &plan.having {
                None => true,
                Some(having) => cursor.truth(having)? == Some(true),
            };
            if wanted {
                results.push(result);
            }
        }
        Ok(results)
    }

    /// An aggregate over these rows.
    pub(super) fn aggregate(
        &self,
        aggregate: &Aggregate,
        rows: &[&Row],
        outer: Option<&Frame<'_>>,
    ) -> Result<Value> {
        if aggregate.kind == AggregateKind::CountRows {
            return count(rows.len(), aggregate.ty);
        }
        let mut values = Vec::with_capacity(rows.len());
        let mut seen = HashSet::new();
        let ordered = self.sorted(rows, &aggregate.order, outer)?;
        for row in ordered {
            self.check()?;
            let cursor = Cursor { run: self, row, windows: &[], outer };
            let value =
                aggregate.argument.as_ref().map_or(Ok(Value::Null), |argument| cursor.eval(argument))?;
            let wanted =
                !value.is_null() && (!aggregate.distinct || seen.insert(value.key(aggregate.collation)));
            if wanted {
                values.push(value);
            }
        }
        match aggregate.kind {
            AggregateKind::CountRows | AggregateKind::Count => count(values.len(), aggregate.ty),
            AggregateKind::Min => Ok(extreme(values, aggregate.collation, Ordering::Less)),
            AggregateKind::Max => Ok(extreme(values, aggregate.collation, Ordering::Greater)),
            AggregateKind::Sum => sum(&values, aggregate.ty),
            AggregateKind::Average => average(&values, aggregate.ty),
            AggregateKind::Variance { population, root } => Ok(variance(&values, population, root)),
            AggregateKind::StringAgg => {
                let separator = aggregate
                    .separator
                    .as_ref()
                    .map(|separator| Cursor { run: self, row: &[], windows: &[], outer }.eval(separator));
                let separator = match separator.transpose()? {
                    Some(Value::Text(separator)) => separator.to_string(),
                    _ => String::new(),
                };
                let texts: Vec<&str> = values
                    .iter()
                    .filter_map(|value| match value {
                        Value::Text(text) => Some(&**text),
                        _ => None,
                    })
                    .collect();
                Ok(if texts.is_empty() { Value::Null } else { Value::text(texts.join(&separator)) })
            }
        }
    }

    /// Rows in an order; as they are when there is none.
    pub(super) fn sorted<'r>(
        &self,
        rows: &[&'r Row],
        order: &[SortKey],
        outer: Option<&Frame<'_>>,
    ) -> Result<Vec<&'r Row>> {
        let mut keyed = Vec::with_capacity(rows.len());
        for row in rows {
            keyed.push((self.sort_values(row, order, outer)?, *row));
        }
        keyed.sort_by(|(left, _), (right, _)| sort_order(order, left, right));
        Ok(keyed.into_iter().map(|(_, row)| row).collect())
    }

    pub(super) fn sort_values(
        &self,
        row: &[Value],
        order: &[SortKey],
        outer: Option<&Frame<'_>>,
    ) -> Result<Row> {
        let cursor = Cursor { run: self, row, windows: &[], outer };
        order.iter().map(|key| cursor.eval(&key.expr)).collect()
    }
}

/// How two rows stand by the values that they are sorted by.
pub(super) fn sort_order(order: &[SortKey], left: &[Value], right: &[Value]) -> Ordering {
    let each = order.iter().zip(left.iter().zip(right)).map(|(key, (left, right))| {
        let order = left.order(right, key.collation);
        if key.descending { order.reverse() } else { order }
    });
    each.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn count(rows: usize, ty: SqlType) -> Result<Value> {
    convert(Value::Int(i64::try_from(rows).unwrap_or(i64::MAX)), SqlType::BigInt, ty, 0)
}

fn extreme(values: Vec<Value>, collation: Collation, wanted: Ordering) -> Value {
    values
        .into_iter()
        .reduce(|best, next| if next.compare(&best, collation) == wanted { next } else { best })
        .unwrap_or(Value::Null)
}

fn sum(values: &[Value], ty: SqlType) -> Result<Value> {
    let mut values = values.iter();
    let Some(first) = values.next() else { return Ok(Value::Null) };
    let first = convert(first.clone(), ty, ty, 0)?;
    values.try_fold(first, |sum, value| super::operate::arithmetic(Arithmetic::Add, &sum, value, ty))
}

#[allow(clippy::cast_precision_loss, reason = "a count of rows in memory")]
fn average(values: &[Value], ty: SqlType) -> Result<Value> {
    let total = match ty {
        // Between the rows nothing may overflow that fits in the end.
        SqlType::Int => sum(values, SqlType::BigInt)?,
        SqlType::Decimal(_, _) => {
            let scale = values.iter().fold(0, |scale, value| match value {
                Value::Decimal(number) => number.scale.max(scale),
                _ => scale,
            });
            sum(values, SqlType::Decimal(38, scale))?
        }
        ty => sum(values, ty)?,
    };
    let count = values.len();
    match total {
        Value::Int(total) => {
            let average = total / i64::try_from(count).unwrap_or(i64::MAX);
            convert(Value::Int(average), SqlType::BigInt, ty, 0)
        }
        Value::Float(total) => Ok(Value::Float(total / count as f64)),
        Value::Decimal(total) => {
            let count = Value::Decimal(Decimal::new(i128::try_from(count).unwrap_or(1), 0));
            super::operate::arithmetic(Arithmetic::Divide, &Value::Decimal(total), &count, ty)
        }
        Value::Null => Ok(Value::Null),
        _ => Err(SqlError::overflow(ty.name())),
    }
}

#[allow(clippy::cast_precision_loss, reason = "a count of rows in memory")]
fn variance(values: &[Value], population: bool, root: bool) -> Value {
    let numbers: Vec<f64> = values
        .iter()
        .filter_map(|value| match value {
            Value::Float(number) => Some(*number),
            _ => None,
        })
        .collect();
    let divisor = numbers.len() as f64 - if population { 0.0 } else { 1.0 };
    if divisor <= 0.0 {
        return Value::Null;
    }
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    let variance = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / divisor;
    Value::Float(if root { variance.sqrt() } else { variance })
}
