//! SELECT.

use super::{Binder, BoundQuery, Grouping, Label, Level, OutColumn, Typed};
use crate::tsql::ast::{Expr, Item, Literal, Order, Query, Select};
use crate::tsql::error::{Result, SqlError};
use crate::tsql::plan::{Bound, GroupPlan, OrderKey, Plan, SelectPlan};
use crate::tsql::types::SqlType;

impl Binder<'_> {
    pub(super) fn select(&mut self, select: &Select, query: &Query) -> Result<BoundQuery> {
        let (input, columns) = self.from(&select.from)?;
        self.levels.push(Level { columns, ..Level::default() });
        let bound = self.select_over(input, select, query);
        self.levels.pop();
        bound
    }

    fn select_over(&mut self, input: Plan, select: &Select, query: &Query) -> Result<BoundQuery> {
        let condition = select.condition.as_ref().map(|condition| self.condition(condition)).transpose()?;
        let grouped = !select.group.is_empty()
            || select.having.is_some()
            || select.items.iter().any(|item| matches!(item, Item::Expr { expr, .. } | Item::Assign { expr, .. } if has_aggregate(expr)))
            || query.order.iter().any(|key| has_aggregate(&key.expr));
        let mut keys = Vec::new();
        if grouped {
            let mut grouping = Grouping::default();
            for key in &select.group {
                let typed = self.scalar(key)?;
                if typed.ty.is_legacy() || typed.ty == SqlType::Xml {
                    let message = "The text, ntext, and image data types cannot be compared or sorted, except when using IS NULL or LIKE operator.";
                    return Err(SqlError::new(306, message));
                }
                let shown = format!("{:?}", typed.expr);
                if shown.contains("Subquery {") || has_aggregate(key) {
                    let message = "Cannot use an aggregate or a subquery in an expression used for the group by list of a GROUP BY clause.";
                    return Err(SqlError { class: 15, ..SqlError::new(144, message) });
                }
                if !shown.contains("Column { depth: 0") {
                    let message = "Each GROUP BY expression must contain at least one column that is not an outer reference.";
                    return Err(SqlError { class: 15, ..SqlError::new(164, message) });
                }
                grouping.keys.push((shown, typed.ty, typed.nullable, typed.collation));
                keys.push((typed.expr, typed.collation.collation));
            }
            self.level()?.grouping = Some(grouping);
        }
        let having = select.having.as_ref().map(|having| self.condition(having)).transpose()?;
        self.level()?.windows = Some(Vec::new());
        let mut items = self.items(select, grouped)?;
        let visible = items.len();
        let columns: Vec<OutColumn> = items.iter().map(|(column, _)| column.clone()).collect();
        let order = self.order_keys(&query.order, &mut items, visible, select.distinct)?;
        let level = self.level()?;
        let windows = level.windows.take().unwrap_or_default();
        let aggregates = level.grouping.take().map(|grouping| grouping.aggregates).unwrap_or_default();
        let distinct =
            select.distinct.then(|| columns.iter().map(|column| column.collation.collation).collect());
        if select.top.is_some() && query.offset.is_some() {
            let message = "A TOP can not be used in the same query or sub-query as a OFFSET.";
            return Err(SqlError { class: 15, ..SqlError::new(10741, message) });
        }
        let limit = select.top.as_ref().or(query.fetch.as_ref());
        let plan = SelectPlan {
            input,
            condition,
            group: grouped.then_some(GroupPlan { keys, aggregates, having }),
            windows,
            items: items.into_iter().map(|(_, item)| item).collect(),
            visible,
            distinct,
            order,
            offset: self.count_of(query.offset.as_ref())?,
            limit: self.count_of(limit)?,
        };
        Ok(BoundQuery { plan: Plan::Select(Box::new(plan)), columns })
    }

    fn items(&mut self, select: &Select, grouped: bool) -> Result<Vec<(OutColumn, Bound)>> {
        let mut items = Vec::new();
        for item in &select.items {
            match item {
                Item::Star(table) => {
                    let columns = self.level()?.columns.clone();
                    let named = |known: &Option<String>| table.is_none() || known == table;
                    let chosen: Vec<_> =
                        columns.iter().enumerate().filter(|(_, column)| named(&column.table)).collect();
                    if chosen.is_empty() {
                        let name = table.clone().unwrap_or_default();
                        let message = format!(
                            "The column prefix '{name}' does not match with a table name or alias name used in the query."
                        );
                        return Err(SqlError::new(107, message));
                    }
                    for (index, column) in chosen {
                        let name = match (grouped, &column.table) {
                            (false, _) => None,
                            (true, Some(table)) => Some(vec![table.clone(), column.name.clone()]),
                            (true, None) => Some(vec![column.name.clone()]),
                        };
                        let expr = match name {
                            None => Bound::Column { depth: 0, index },
                            Some(name) => self.scalar(&Expr::Column(name))?.expr,
                        };
                        items.push((
                            OutColumn {
                                name: column.name.clone(),
                                ty: column.ty,
                                nullable: column.nullable,
                                collation: column.collation,
                            },
                            expr,
                        ));
                    }
                }
                Item::Expr { expr, alias } => {
                    let typed = self.scalar(expr)?;
                    let name = alias.clone().unwrap_or_else(|| match expr {
                        Expr::Column(name) => name.last().cloned().unwrap_or_default(),
                        _ => String::new(),
                    });
                    items.push(out(name, typed));
                }
                Item::Assign { expr, .. } => items.push(out(String::new(), self.scalar(expr)?)),
            }
        }
        Ok(items)
    }

    fn order_keys(
        &mut self,
        order: &[Order],
        items: &mut Vec<(OutColumn, Bound)>,
        visible: usize,
        distinct: bool,
    ) -> Result<Vec<OrderKey>> {
        let mut keys = Vec::new();
        for (position, key) in order.iter().enumerate() {
            constant_order(&key.expr, position + 1)?;
            let named = match &key.expr {
                Expr::Literal(Literal::Int(position)) => {
                    let item = usize::try_from(*position - 1).ok().filter(|item| *item < visible);
                    Some(item.ok_or_else(|| {
                        let message = format!("The ORDER BY position number {position} is out of range of the number of items in the select list.");
                        SqlError::new(108, message)
                    })?)
                }
                Expr::Column(name) if name.len() == 1 => {
                    items.iter().take(visible).position(|(column, _)| name.first() == Some(&column.name))
                }
                _ => None,
            };
            let item = match named {
                Some(item) => item,
                None => {
                    let typed = self.scalar(&key.expr)?;
                    let shown = format!("{:?}", typed.expr);
                    let same = items.iter().take(visible).position(|(_, item)| format!("{item:?}") == shown);
                    match same {
                        Some(item) => item,
                        None if distinct => {
                            let message = "ORDER BY items must appear in the select list if SELECT DISTINCT is specified.";
                            return Err(SqlError::new(145, message));
                        }
                        None => {
                            items.push(out(String::new(), typed));
                            items.len() - 1
                        }
                    }
                }
            };
            let column = items.get(item).map(|(column, _)| column);
            if column.is_some_and(|column| column.ty.is_legacy() || column.ty == SqlType::Xml) {
                let message = "The text, ntext, and image data types cannot be compared or sorted, except when using IS NULL or LIKE operator.";
                return Err(SqlError::new(306, message));
            }
            let collation = column.map_or(Label::default(), |column| column.collation).collation;
            let is_column = matches!(items.get(item), Some((_, Bound::Column { .. })));
            if is_column && keys.iter().any(|known: &OrderKey| known.item == item) {
                let message = "A column has been specified more than once in the order by list. Columns in the order by list must be unique.";
                return Err(SqlError { class: 15, ..SqlError::new(169, message) });
            }
            keys.push(OrderKey { item, descending: key.descending, collation });
        }
        Ok(keys)
    }
}

fn out(name: String, typed: Typed) -> (OutColumn, Bound) {
    let column = OutColumn { name, ty: typed.ty, nullable: typed.nullable, collation: typed.collation };
    (column, typed.expr)
}

/// Refuses constants in an order, but for positions.
fn constant_order(expr: &Expr, position: usize) -> Result<()> {
    let message = match expr {
        Expr::Literal(Literal::Int(_)) => return Ok(()),
        Expr::Literal(_) => {
            let message =
                format!("A constant expression was encountered in the ORDER BY list, position {position}.");
            return Err(SqlError { class: 15, ..SqlError::new(408, message) });
        }
        Expr::Variable(_) => format!(
            "The SELECT item identified by the ORDER BY number {position} contains a variable as part of the expression identifying a column position."
        ),
        _ => return Ok(()),
    };
    Err(SqlError::new(1008, message))
}

/// Whether an aggregate stands in the expression, outside of subqueries and not as a window function.
fn has_aggregate(expr: &Expr) -> bool {
    let any = |exprs: &[&Expr]| exprs.iter().any(|expr| has_aggregate(expr));
    match expr {
        Expr::Call(call) => {
            let inner = call.arguments.iter().any(has_aggregate);
            let window = call.over.as_ref().is_some_and(|over| {
                over.partition.iter().any(has_aggregate)
                    || over.order.iter().any(|key| has_aggregate(&key.expr))
            });
            inner || window || (call.over.is_none() && super::aggregate::is_aggregate(&call.name))
        }
        Expr::Negate(inner)
        | Expr::Not(inner)
        | Expr::Collate(inner, _)
        | Expr::IsNull { expr: inner, .. } => has_aggregate(inner),
        Expr::InQuery { expr, .. } => has_aggregate(expr),
        Expr::Arithmetic(_, left, right)
        | Expr::Compare(_, left, right)
        | Expr::And(left, right)
        | Expr::Or(left, right)
        | Expr::AtTimeZone(left, right) => any(&[left, right]),
        Expr::Like { expr, pattern, .. } => any(&[expr, pattern]),
        Expr::Between { expr, low, high, .. } => any(&[expr, low, high]),
        Expr::InList { expr, list, .. } => has_aggregate(expr) || list.iter().any(has_aggregate),
        Expr::Case { operand, branches, otherwise } => {
            operand.iter().chain(otherwise).any(|expr| has_aggregate(expr))
                || branches.iter().any(|(when, then)| any(&[when, then]))
        }
        Expr::Convert { expr, .. } => has_aggregate(expr),
        Expr::Literal(_) | Expr::Variable(_) | Expr::Column(_) | Expr::Exists(_) | Expr::Subquery(_) => false,
    }
}
