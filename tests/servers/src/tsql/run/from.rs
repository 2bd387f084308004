//! Where rows come from: joins and JSON.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Cursor, Frame, Run};
use crate::tsql::ast::{Comparison, JoinKind, SetKind};
use crate::tsql::convert::convert;
use crate::tsql::error::Result;
use crate::tsql::function::{find_path, parse_json};
use crate::tsql::plan::{Bound, OpenJson, Plan};
use crate::tsql::types::{Collation, Length, SqlType};
use crate::tsql::value::{Key, Row, Value};

impl Run {
    /// All rows of a plan.
    pub(crate) fn rows(&self, plan: &Plan, outer: Option<&Frame<'_>>) -> Result<Vec<Row>> {
        match plan {
            Plan::Rows(rows) => Ok(rows.as_ref().clone()),
            Plan::Values(rows) => {
                let cursor = Cursor { run: self, row: &[], windows: &[], outer };
                rows.iter().map(|row| row.iter().map(|cell| cursor.eval(cell)).collect()).collect()
            }
            Plan::Join { kind, left, right, on, widths } => {
                let (left, right) = (self.shared(left, outer)?, self.shared(right, outer)?);
                self.join(*kind, &left, &right, on.as_ref(), *widths, outer)
            }
            Plan::Apply { outer: keep, left, right, width } => {
                let mut rows = Vec::new();
                for row in self.shared(left, outer)?.iter() {
                    self.check()?;
                    let frame = Frame { row, parent: outer };
                    let added = self.rows(right, Some(&frame))?;
                    if added.is_empty() && *keep {
                        rows.push(row.iter().cloned().chain(vec![Value::Null; *width]).collect());
                    }
                    rows.extend(added.into_iter().map(|added| row.iter().cloned().chain(added).collect()));
                }
                Ok(rows)
            }
            Plan::OpenJson(open) => self.open_json(open, outer),
            Plan::Select(select) => self.select(select, outer),
            Plan::Set { kind, left, right, collations } => {
                let (left, right) = (self.rows(left, outer)?, self.rows(right, outer)?);
                Ok(combined(*kind, left, right, collations))
            }
        }
    }

    /// A table's rows are not copied to be looked at.
    pub(super) fn shared(&self, plan: &Plan, outer: Option<&Frame<'_>>) -> Result<Arc<Vec<Row>>> {
        match plan {
            Plan::Rows(rows) => Ok(rows.clone()),
            plan => self.rows(plan, outer).map(Arc::new),
        }
    }

    fn join(
        &self,
        kind: JoinKind,
        left: &[Row],
        right: &[Row],
        on: Option<&Bound>,
        widths: (usize, usize),
        outer: Option<&Frame<'_>>,
    ) -> Result<Vec<Row>> {
        let index = on.and_then(|on| equality(on, widths.0)).map(|(columns, collation)| {
            let mut index: HashMap<Key, Vec<usize>> = HashMap::new();
            for (position, row) in right.iter().enumerate() {
                let key = row.get(columns.1).map_or(Key::Null, |value| value.key(collation));
                index.entry(key).or_default().push(position);
            }
            (columns.0, collation, index)
        });
        let everything: Vec<usize> = (0..right.len()).collect();
        let nothing = Vec::new();
        let mut rows = Vec::new();
        let mut matched = vec![false; right.len()];
        for row in left {
            let candidates = match &index {
                None => &everything,
                Some((column, collation, index)) => {
                    let key = row.get(*column).map_or(Key::Null, |value| value.key(*collation));
                    if key == Key::Null { &nothing } else { index.get(&key).unwrap_or(&nothing) }
                }
            };
            let before = rows.len();
            for position in candidates {
                self.check()?;
                let Some(other) = right.get(*position) else { continue };
                let joined: Row = row.iter().chain(other).cloned().collect();
                let cursor = Cursor { run: self, row: &joined, windows: &[], outer };
                let holds = match on {
                    None => true,
                    Some(on) => cursor.truth(on)? == Some(true),
                };
                if holds {
                    rows.push(joined);
                    matched.get_mut(*position).into_iter().for_each(|matched| *matched = true);
                }
            }
            if rows.len() == before && matches!(kind, JoinKind::Left | JoinKind::Full) {
                rows.push(row.iter().cloned().chain(vec![Value::Null; widths.1]).collect());
            }
        }
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            for (other, _) in right.iter().zip(&matched).filter(|(_, matched)| !**matched) {
                rows.push(vec![Value::Null; widths.0].into_iter().chain(other.iter().cloned()).collect());
            }
        }
        Ok(rows)
    }

    fn open_json(&self, open: &OpenJson, outer: Option<&Frame<'_>>) -> Result<Vec<Row>> {
        let cursor = Cursor { run: self, row: &[], windows: &[], outer };
        let Value::Text(text) = cursor.eval(&open.json)? else { return Ok(Vec::new()) };
        let json = parse_json(&text)?;
        let path = match &open.path {
            None => None,
            Some(path) => match cursor.eval(path)? {
                Value::Text(path) => Some(path),
                _ => return Ok(Vec::new()),
            },
        };
        let found = find_path(&json, path.as_deref().unwrap_or("$"))?;
        let members: Vec<(String, &serde_json::Value)> = match found {
            Some(serde_json::Value::Array(members)) => {
                members.iter().enumerate().map(|(position, member)| (position.to_string(), member)).collect()
            }
            Some(serde_json::Value::Object(members)) if open.columns.is_empty() => {
                members.iter().map(|(key, member)| (key.clone(), member)).collect()
            }
            Some(object @ serde_json::Value::Object(_)) => vec![(String::new(), object)],
            _ => Vec::new(),
        };
        let mut rows = Vec::with_capacity(members.len());
        for (key, member) in members {
            self.check()?;
            rows.push(if open.columns.is_empty() { plain(&key, member) } else { typed(open, member)? });
        }
        Ok(rows)
    }
}

/// `left.column = right.column`, alone or as part of a conjunction: which columns, and how they compare.
fn equality(on: &Bound, width: usize) -> Option<((usize, usize), Collation)> {
    match on {
        Bound::And(left, right) => equality(left, width).or_else(|| equality(right, width)),
        Bound::Compare { comparison: Comparison::Equal, left, right, collation } => match (&**left, &**right)
        {
            (Bound::Column { depth: 0, index: one }, Bound::Column { depth: 0, index: other }) => {
                let (low, high) = (*one.min(other), *one.max(other));
                (low < width && high >= width).then(|| ((low, high - width), *collation))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Key, value and type of a member.
fn plain(key: &str, member: &serde_json::Value) -> Row {
    use serde_json::Value as Json;
    let kind = match member {
        Json::Null => 0,
        Json::String(_) => 1,
        Json::Number(_) => 2,
        Json::Bool(_) => 3,
        Json::Array(_) => 4,
        Json::Object(_) => 5,
    };
    let value = match member {
        Json::Null => Value::Null,
        Json::String(text) => Value::text(text),
        other => Value::text(other.to_string()),
    };
    vec![Value::text(key), value, Value::Int(kind)]
}

fn typed(open: &OpenJson, member: &serde_json::Value) -> Result<Row> {
    use serde_json::Value as Json;
    let cell = |column: &crate::tsql::plan::JsonColumn| {
        let text = match find_path(member, &column.path)? {
            None | Some(Json::Null) => return Ok(Value::Null),
            Some(Json::String(text)) if !column.as_json => text.clone(),
            Some(Json::Array(_) | Json::Object(_)) if !column.as_json => return Ok(Value::Null),
            Some(other) => other.to_string(),
        };
        convert(Value::text(text), SqlType::NVarChar(Length::Max), column.ty, 0)
    };
    open.columns.iter().map(cell).collect()
}

fn combined(kind: SetKind, left: Vec<Row>, right: Vec<Row>, collations: &[Collation]) -> Vec<Row> {
    let key = |row: &Row| -> Vec<Key> {
        row.iter().zip(collations).map(|(value, collation)| value.key(*collation)).collect()
    };
    if kind == SetKind::UnionAll {
        return left.into_iter().chain(right).collect();
    }
    let others: HashSet<Vec<Key>> = match kind {
        SetKind::Union => HashSet::new(),
        _ => right.iter().map(key).collect(),
    };
    let mut seen = HashSet::new();
    let rest = if kind == SetKind::Union { right } else { Vec::new() };
    left.into_iter()
        .chain(rest)
        .filter(|row| {
            let key = key(row);
            let wanted = match kind {
                SetKind::Except => !others.contains(&key),
                SetKind::Intersect => others.contains(&key),
                _ => true,
            };
            wanted && seen.insert(key)
        })
        .collect()
}
