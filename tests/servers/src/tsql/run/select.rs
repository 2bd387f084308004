//! SELECT, stage by stage: filter, group, window functions, items, order, limit.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::{Cursor, Frame, Run};
use crate::tsql::error::{Result, SqlError};
use crate::tsql::plan::{Bound, OrderKey, SelectPlan};
use crate::tsql::value::{Row, Value};

impl Run {
    pub(super) fn select(&self, plan: &SelectPlan, outer: Option<&Frame<'_>>) -> Result<Vec<Row>> {
        let (offset, limit) = self.limits(plan, outer)?;
        let input = self.shared(&plan.input, outer)?;
        let simple = plan.group.is_none()
            && plan.windows.is_empty()
            && plan.distinct.is_none()
            && plan.order.is_empty();
        if simple {
            let mut rows = Vec::new();
            let mut skipped = 0;
            for row in input.iter() {
                if rows.len() as u64 >= limit {
                    break;
                }
                if !self.passes(plan.condition.as_ref(), row, outer)? {
                    continue;
                }
                if skipped < offset {
                    skipped += 1;
                    continue;
                }
                rows.push(self.items(plan, row, &[], outer)?);
            }
            return Ok(rows);
        }
        let mut rows: Vec<&Row> = Vec::new();
        for row in input.iter() {
            if self.passes(plan.condition.as_ref(), row, outer)? {
                rows.push(row);
            }
        }
        let grouped;
        if let Some(group) = &plan.group {
            grouped = self.group(group, &rows, outer)?;
            rows = grouped.iter().collect();
        }
        let windows = self.windows(&plan.windows, &rows, outer)?;
        let mut results = Vec::with_capacity(rows.len());
        for (position, row) in rows.iter().enumerate() {
            let windows: Row = windows.iter().filter_map(|window| window.get(position).cloned()).collect();
            results.push(self.items(plan, row, &windows, outer)?);
        }
        if let Some(collations) = &plan.distinct {
            let mut seen = HashSet::new();
            results.retain(|row| {
                let key: Vec<_> =
                    row.iter().zip(collations).map(|(value, collation)| value.key(*collation)).collect();
                seen.insert(key)
            });
        }
        results.sort_by(|left, right| order(&plan.order, left, right));
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        let take = usize::try_from(limit).unwrap_or(usize::MAX);
        let cut = |mut row: Row| {
            row.truncate(plan.visible);
            row
        };
        Ok(results.into_iter().skip(skip).take(take).map(cut).collect())
    }

    /// Whether a row passes a filter; the client's wish to stop is looked at here, row by row.
    pub(super) fn passes(
        &self,
        condition: Option<&Bound>,
        row: &[Value],
        outer: Option<&Frame<'_>>,
    ) -> Result<bool> {
        self.check()?;
        match condition {
            None => Ok(true),
            Some(condition) => {
                let cursor = Cursor { run: self, row, windows: &[], outer };
                Ok(cursor.truth(condition)? == Some(true))
            }
        }
    }

    pub(super) fn items(
        &self,
        plan: &SelectPlan,
        row: &[Value],
        windows: &[Value],
        outer: Option<&Frame<'_>>,
    ) -> Result<Row> {
        let cursor = Cursor { run: self, row, windows, outer };
        plan.items.iter().map(|item| cursor.eval(item)).collect()
    }

    /// How many rows are passed over, and how many are wanted at most.
    pub(super) fn limits(&self, plan: &SelectPlan, outer: Option<&Frame<'_>>) -> Result<(u64, u64)> {
        let cursor = Cursor { run: self, row: &[], windows: &[], outer };
        let count = |bound: Option<&Bound>, none: u64, negative: SqlError| match bound {
            None => Ok(none),
            Some(bound) => match cursor.eval(bound)? {
                Value::Int(count) => u64::try_from(count).map_err(|_| negative),
                _ => Err(SqlError::new(
                    1060,
                    "The number of rows provided for a TOP or FETCH clauses row count parameter must be an integer.",
                )),
            },
        };
        let offset = count(
            plan.offset.as_ref(),
            0,
            SqlError::new(10742, "The offset specified in a OFFSET clause may not be negative."),
        )?;
        let limit = count(
            plan.limit.as_ref(),
            u64::MAX,
            SqlError::new(1014, "A TOP or FETCH clause contains an invalid value."),
        )?;
        if limit == 0 && plan.offset.is_some() {
            return Err(SqlError::new(
                10744,
                "The number of rows provided for a FETCH clause must be greater then zero.",
            ));
        }
        Ok((offset, limit))
    }
}

/// NULL comes before every value.
fn order(keys: &[OrderKey], left: &[Value], right: &[Value]) -> Ordering {
    for key in keys {
        let (Some(left), Some(right)) = (left.get(key.item), right.get(key.item)) else { continue };
        let order = left.order(right, key.collation);
        let order = if key.descending { order.reverse() } else { order };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}
