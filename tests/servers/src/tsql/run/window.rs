//! Window functions.

use std::collections::HashMap;

use super::aggregate::sort_order;
use super::{Cursor, Frame, Run};
use crate::tsql::ast;
use crate::tsql::error::{Result, SqlError};
use crate::tsql::plan::{SortKey, WindowCall, WindowKind};
use crate::tsql::value::{Key, Row, Value};

/// A partition's row: where it stands among all rows, what it is sorted by, and itself.
struct Member<'r> {
    position: usize,
    sort: Row,
    row: &'r Row,
}

impl Run {
    /// For each call its value for each row.
    pub(super) fn windows(
        &self,
        calls: &[WindowCall],
        rows: &[&Row],
        outer: Option<&Frame<'_>>,
    ) -> Result<Vec<Vec<Value>>> {
        calls.iter().map(|call| self.window(call, rows, outer)).collect()
    }

    fn window(&self, call: &WindowCall, rows: &[&Row], outer: Option<&Frame<'_>>) -> Result<Vec<Value>> {
        let mut partitions: Vec<Vec<Member<'_>>> = Vec::new();
        let mut known: HashMap<Vec<Key>, usize> = HashMap::new();
        for (position, row) in rows.iter().enumerate() {
            self.check()?;
            let cursor = Cursor { run: self, row, windows: &[], outer };
            let mut key = Vec::with_capacity(call.partition.len());
            for (expr, collation) in &call.partition {
                key.push(cursor.eval(expr)?.key(*collation));
            }
            let sort = self.sort_values(row, &call.order, outer)?;
            let partition = *known.entry(key).or_insert_with(|| {
                partitions.push(Vec::new());
                partitions.len() - 1
            });
            if let Some(members) = partitions.get_mut(partition) {
                members.push(Member { position, sort, row });
            }
        }
        let mut values = vec![Value::Null; rows.len()];
        for mut members in partitions {
            members.sort_by(|left, right| sort_order(&call.order, &left.sort, &right.sort));
            let results = self.partition(call, &members, outer)?;
            for (member, result) in members.iter().zip(results) {
                if let Some(value) = values.get_mut(member.position) {
                    *value = result;
                }
            }
        }
        Ok(values)
    }

    /// The values of one partition's rows, in the window's order.
    fn partition(
        &self,
        call: &WindowCall,
        members: &[Member<'_>],
        outer: Option<&Frame<'_>>,
    ) -> Result<Vec<Value>> {
        let at =
            |member: &Member<'_>, expr| Cursor { run: self, row: member.row, windows: &[], outer }.eval(expr);
        let new_peer = |position: usize| match (
            position.checked_sub(1).and_then(|before| members.get(before)),
            members.get(position),
        ) {
            (Some(before), Some(here)) => sort_order(&call.order, &before.sort, &here.sort).is_ne(),
            _ => true,
        };
        match &call.kind {
            WindowKind::RowNumber => Ok((1..=members.len()).map(whole).collect()),
            WindowKind::Rank | WindowKind::DenseRank => {
                let dense = matches!(call.kind, WindowKind::DenseRank);
                let mut rank = 0;
                let ranks = (0..members.len()).map(|position| {
                    if new_peer(position) {
                        rank = if dense { rank + 1 } else { position + 1 };
                    }
                    whole(rank)
                });
                Ok(ranks.collect())
            }
            WindowKind::Ntile(count) => {
                let Some(first) = members.first() else { return Ok(Vec::new()) };
                let Value::Int(count) = at(first, count)? else {
                    return Ok(vec![Value::Null; members.len()]);
                };
                let count = usize::try_from(count)
                    .ok()
                    .filter(|count| *count > 0)
                    .ok_or_else(|| SqlError::new(4196, "The number of tiles for NTILE must be positive."))?;
                let (size, larger) = (members.len() / count, members.len() % count);
                let tile = |position: usize| match position < larger * (size + 1) {
                    true => position / (size + 1) + 1,
                    false => larger + (position - larger * (size + 1)) / size.max(1) + 1,
                };
                Ok((0..members.len()).map(|position| whole(tile(position))).collect())
            }
            WindowKind::FirstValue(expr) => {
                let Some(first) = members.first() else { return Ok(Vec::new()) };
                Ok(vec![at(first, expr)?; members.len()])
            }
            WindowKind::LastValue(expr) => (0..members.len())
                .map(|position| {
                    let last = self.frame_end(call, members, position);
                    members.get(last - 1).map_or(Ok(Value::Null), |member| at(member, expr))
                })
                .collect(),
            WindowKind::Lag(expr, distance, default) => (0..members.len())
                .map(|position| {
                    let target = i64::try_from(position).unwrap_or(i64::MAX).saturating_add(*distance);
                    let target = usize::try_from(target).ok().and_then(|target| members.get(target));
                    match (target, default, members.get(position)) {
                        (Some(member), ..) => at(member, expr),
                        (None, Some(default), Some(here)) => at(here, default),
                        _ => Ok(Value::Null),
                    }
                })
                .collect(),
            WindowKind::Percentile { share, value, continuous } => {
                let Some(first) = members.first() else { return Ok(Vec::new()) };
                let share = match at(first, share)? {
                    Value::Float(share) if (0.0..=1.0).contains(&share) => share,
                    _ => return Err(SqlError::new(10752, "The percentile must be between 0.0 and 1.0.")),
                };
                let values: Result<Vec<Value>> =
                    members.iter().map(|member| at(member, &value.expr)).collect();
                let percentile = percentile(values?, share, value, *continuous);
                Ok(vec![percentile; members.len()])
            }
            WindowKind::Aggregate(aggregate) => {
                let rows: Vec<&Row> = members.iter().map(|member| member.row).collect();
                let mut results: Vec<Value> = Vec::with_capacity(members.len());
                let mut last_end = 0;
                for position in 0..members.len() {
                    let end = self.frame_end(call, members, position);
                    let result = match results.last() {
                        Some(result) if end == last_end => result.clone(),
                        _ => self.aggregate(aggregate, rows.get(..end).unwrap_or_default(), outer)?,
                    };
                    last_end = end;
                    results.push(result);
                }
                Ok(results)
            }
        }
    }

    /// How many rows of the partition the frame of a row holds: it always begins with the first.
    fn frame_end(&self, call: &WindowCall, members: &[Member<'_>], position: usize) -> usize {
        match call.frame {
            ast::Frame::Whole => members.len(),
            ast::Frame::RowsToCurrent => position + 1,
            ast::Frame::Default if call.order.is_empty() => members.len(),
            // Up to the last of the row's peers.
            ast::Frame::Default => {
                let Some(here) = members.get(position) else { return members.len() };
                let peers = members
                    .iter()
                    .skip(position)
                    .take_while(|member| sort_order(&call.order, &member.sort, &here.sort).is_eq());
                position + peers.count()
            }
        }
    }
}

fn whole(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// NULL does not count. The continuous one lies between two values as far as the share says.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positions within a partition"
)]
fn percentile(mut values: Vec<Value>, share: f64, key: &SortKey, continuous: bool) -> Value {
    values.retain(|value| !value.is_null());
    values.sort_by(|left, right| {
        let order = left.compare(right, key.collation);
        if key.descending { order.reverse() } else { order }
    });
    let count = values.len();
    if count == 0 {
        return Value::Null;
    }
    if !continuous {
        let position = ((share * count as f64).ceil() as usize).max(1) - 1;
        return values.get(position).cloned().unwrap_or(Value::Null);
    }
    let place = share * (count - 1) as f64;
    let (low, high) = (place.floor(), place.ceil());
    match (values.get(low as usize), values.get(high as usize)) {
        (Some(Value::Float(below)), Some(Value::Float(above))) => {
            Value::Float(below + (above - below) * (place - low))
        }
        _ => Value::Null,
    }
}
