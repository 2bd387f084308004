//! Queries: set operations, common tables, subqueries.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use super::{Binder, BoundQuery, Label, Level, OutColumn};
use crate::tsql::ast::{Body, Expr, Query, SetKind};
use crate::tsql::error::{Result, SqlError};
use crate::tsql::plan::{Bound, OrderKey, Plan, SelectPlan, Subquery};
use crate::tsql::types::SqlType;

impl Binder<'_> {
    pub(super) fn bind_query(&mut self, query: &Query) -> Result<BoundQuery> {
        let before = self.tables.len();
        for table in &query.tables {
            self.tables.push(table.clone());
        }
        let bound = match &query.body {
            Body::Select(select) => self.select(select, query),
            body => {
                let bound = self.body(body)?;
                self.ordered(bound, query)
            }
        };
        self.tables.truncate(before);
        bound
    }

    /// A query that is part of another one: it has no order unless it is cut by it.
    pub(super) fn part(&mut self, query: &Query) -> Result<BoundQuery> {
        let cut = match &query.body {
            Body::Select(select) => select.top.is_some(),
            _ => false,
        };
        if !query.order.is_empty() && query.offset.is_none() && !cut {
            let message = "The ORDER BY clause is invalid in views, inline functions, derived tables, subqueries, and common table expressions, unless TOP, OFFSET or FOR XML is also specified.";
            return Err(SqlError { class: 15, ..SqlError::new(1033, message) });
        }
        self.bind_query(query)
    }

    fn body(&mut self, body: &Body) -> Result<BoundQuery> {
        match body {
            Body::Nested(query) => self.part(query),
            Body::Values(rows) => self.values(rows),
            Body::Set { kind, left, right } => {
                let (left, right) = (self.body(left)?, self.body(right)?);
                combine(*kind, left, right)
            }
            Body::Select(select) => {
                let plain = Query {
                    tables: Vec::new(),
                    body: Body::Values(Vec::new()),
                    order: Vec::new(),
                    offset: None,
                    fetch: None,
                };
                self.select(select, &plain)
            }
        }
    }

    /// ORDER BY behind a set operation names columns of the result, or counts them.
    fn ordered(&mut self, bound: BoundQuery, query: &Query) -> Result<BoundQuery> {
        if query.order.is_empty() {
            return Ok(bound);
        }
        let mut order = Vec::new();
        for key in &query.order {
            let item = match &key.expr {
                Expr::Literal(crate::tsql::ast::Literal::Int(position)) => {
                    usize::try_from(*position - 1).ok()
                }
                Expr::Column(name) if name.len() == 1 => {
                    bound.columns.iter().position(|column| name.first() == Some(&column.name))
                }
                _ => None,
            };
            let column = item.and_then(|item| bound.columns.get(item));
            let (Some(item), Some(column)) = (item, column) else {
                let message = "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or EXCEPT operator.";
                return Err(SqlError::new(104, message));
            };
            order.push(OrderKey { item, descending: key.descending, collation: column.collation.collation });
        }
        let items = (0..bound.columns.len()).map(|index| Bound::Column { depth: 0, index }).collect();
        let plan = Plan::Select(Box::new(SelectPlan {
            input: bound.plan,
            condition: None,
            group: None,
            windows: Vec::new(),
            items,
            visible: bound.columns.len(),
            distinct: None,
            order,
            offset: self.count_of(query.offset.as_ref())?,
            limit: self.count_of(query.fetch.as_ref())?,
        }));
        Ok(BoundQuery { plan, columns: bound.columns })
    }

    /// A number of rows: an expression without columns.
    pub(super) fn count_of(&mut self, count: Option<&Expr>) -> Result<Option<Bound>> {
        let Some(count) = count else { return Ok(None) };
        self.levels.push(Level::default());
        let bound = self.scalar(count);
        self.levels.pop();
        Ok(Some(bound?.into_type(SqlType::BigInt)))
    }

    fn values(&mut self, rows: &[Vec<Expr>]) -> Result<BoundQuery> {
        let width = rows.first().map_or(0, Vec::len);
        let mut typed = Vec::with_capacity(rows.len());
        self.levels.push(Level::default());
        for row in rows {
            if row.len() != width {
                self.levels.pop();
                let message =
                    "All the rows of a table value constructor must have the same number of columns.";
                return Err(SqlError::new(10709, message));
            }
            let bound: Result<Vec<_>> = row.iter().map(|expr| self.scalar(expr)).collect();
            typed.push(bound.inspect_err(|_| {
                self.levels.pop();
            })?);
        }
        self.levels.pop();
        let columns: Vec<OutColumn> = (0..width)
            .map(|position| {
                let cells = || typed.iter().filter_map(|row| row.get(position));
                OutColumn {
                    name: String::new(),
                    ty: cells().map(|cell| cell.ty).reduce(SqlType::unify).unwrap_or(SqlType::Null),
                    nullable: cells().any(|cell| cell.nullable),
                    collation: Label::default(),
                }
            })
            .collect();
        let rows = typed
            .into_iter()
            .map(|row| {
                row.into_iter().zip(&columns).map(|(cell, column)| cell.into_type(column.ty)).collect()
            })
            .collect();
        Ok(BoundQuery { plan: Plan::Values(rows), columns })
    }

    /// A query within an expression, and whether it looks outside.
    pub(super) fn subquery(&mut self, query: &Query) -> Result<(Arc<Subquery>, Vec<OutColumn>)> {
        let outside = std::mem::replace(&mut self.lowest, usize::MAX);
        let here = self.levels.len();
        let bound = self.part(query)?;
        let correlated = self.lowest < here;
        let looks_at_group =
            self.levels.last().is_some_and(|level| level.grouping.is_some()) && self.lowest + 1 == here;
        if looks_at_group {
            return Err(SqlError::unsupported("a subquery that looks at a group"));
        }
        self.lowest = self.lowest.min(outside);
        let subquery =
            Subquery { plan: bound.plan, correlated, rows: OnceLock::new(), keys: OnceLock::new() };
        Ok((Arc::new(subquery), bound.columns))
    }
}

/// Both sides' columns converted to the types they share.
fn combine(kind: SetKind, left: BoundQuery, right: BoundQuery) -> Result<BoundQuery> {
    if left.columns.len() != right.columns.len() {
        let message = "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.";
        return Err(SqlError::new(205, message));
    }
    let mut columns = Vec::with_capacity(left.columns.len());
    for (one, other) in left.columns.iter().zip(&right.columns) {
        columns.push(OutColumn {
            name: one.name.clone(),
            ty: one.ty.unify(other.ty),
            nullable: one.nullable || other.nullable,
            collation: one.collation.meet(other.collation)?,
        });
    }
    let collations = columns.iter().map(|column| column.collation.collation).collect();
    let (left, right) = (converted(left, &columns), converted(right, &columns));
    Ok(BoundQuery {
        plan: Plan::Set { kind, left: Box::new(left), right: Box::new(right), collations },
        columns,
    })
}

fn converted(query: BoundQuery, to: &[OutColumn]) -> Plan {
    let different = query.columns.iter().zip(to).any(|(from, to)| from.ty != to.ty);
    if !different {
        return query.plan;
    }
    let convert = |(index, (from, to)): (usize, (&OutColumn, &OutColumn))| Bound::Convert {
        expr: Box::new(Bound::Column { depth: 0, index }),
        from: from.ty,
        to: to.ty,
        style: None,
        lenient: false,
    };
    let items: Vec<Bound> = query.columns.iter().zip(to).enumerate().map(convert).collect();
    Plan::Select(Box::new(SelectPlan {
        input: query.plan,
        condition: None,
        group: None,
        windows: Vec::new(),
        visible: items.len(),
        items,
        distinct: None,
        order: Vec::new(),
        offset: None,
        limit: None,
    }))
}

/// Refuses names that stand twice, as a derived table's columns may not.
pub(super) fn named_once(alias: &str, columns: &[OutColumn]) -> Result<()> {
    let mut seen = HashSet::new();
    for (position, column) in columns.iter().enumerate() {
        if column.name.is_empty() {
            let message = format!("No column name was specified for column {} of '{alias}'.", position + 1);
            return Err(SqlError::new(8155, message));
        }
        if !seen.insert(column.name.as_str()) {
            let message = format!("The column '{}' was specified multiple times for '{alias}'.", column.name);
            return Err(SqlError::new(8156, message));
        }
    }
    Ok(())
}
