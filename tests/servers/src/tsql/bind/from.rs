//! FROM: tables, views, joins.

use std::sync::Arc;

use super::query::named_once;
use super::{Binder, BoundQuery, Label, Level, MAX_VIEWS, OutColumn, ScopeColumn, Strength};
use crate::tsql::ast::{Expr, JoinKind, JsonColumn, Name, Query, Sample, TableRef};
use crate::tsql::catalog::{Column, ObjectKind, invalid_object};
use crate::tsql::error::{Result, SqlError};
use crate::tsql::plan::{self, Bound, OpenJson, Plan};
use crate::tsql::sys;
use crate::tsql::types::{Length, SqlType};
use crate::tsql::value::Value;

/// A table's column as names find it.
pub(super) fn table_column(table: Option<&str>, column: &Column) -> ScopeColumn {
    ScopeColumn {
        table: table.map(str::to_owned),
        name: column.name.clone(),
        ty: column.ty,
        nullable: column.nullable,
        collation: Label { collation: column.collation, strength: Strength::Implicit },
    }
}

fn behind_alias(alias: &str, columns: &[OutColumn]) -> Vec<ScopeColumn> {
    let column = |column: &OutColumn| ScopeColumn {
        table: Some(alias.to_owned()),
        name: column.name.clone(),
        ty: column.ty,
        nullable: column.nullable,
        collation: column.collation,
    };
    columns.iter().map(column).collect()
}

/// Rows and the names of their columns.
type Source = (Plan, Vec<ScopeColumn>);

impl Binder<'_> {
    /// The tables of FROM; commas join without a condition.
    pub(super) fn from(&mut self, tables: &[TableRef]) -> Result<Source> {
        let mut all: Option<Source> = None;
        for table in tables {
            let next = self.table_ref(table)?;
            all = Some(match all {
                None => next,
                Some(before) => joined(JoinKind::Cross, before, next, None),
            });
        }
        // Without FROM there is one row.
        let (plan, columns) = all.unwrap_or_else(|| (Plan::Values(vec![Vec::new()]), Vec::new()));
        for (position, column) in columns.iter().enumerate() {
            let same_name = |other: &&ScopeColumn| {
                other.table == column.table && other.table.is_some() && other.name == column.name
            };
            if columns.iter().skip(position + 1).any(|other| same_name(&other)) {
                let table = column.table.clone().unwrap_or_default();
                let message =
                    format!("The correlation name '{table}' is specified multiple times in a FROM clause.");
                return Err(SqlError::new(1011, message));
            }
        }
        Ok((plan, columns))
    }

    fn table_ref(&mut self, table: &TableRef) -> Result<Source> {
        match table {
            TableRef::Table { name, alias, sample } => self.table(name, alias.as_deref(), sample.as_ref()),
            TableRef::Derived { query, alias, columns } => {
                let mut bound = self.part(query)?;
                rename(alias, &mut bound.columns, columns)?;
                Ok((bound.plan, behind_alias(alias, &bound.columns)))
            }
            TableRef::OpenJson { json, path, columns, alias } => {
                self.open_json(json, path.as_ref(), columns, alias.as_deref())
            }
            TableRef::Join { kind, left, right, on } => {
                let (left, right) = (self.table_ref(left)?, self.table_ref(right)?);
                let mut columns = left.1.clone();
                columns.extend(right.1.clone());
                let on = match on {
                    None => None,
                    Some(on) => {
                        self.levels.push(Level { columns, ..Level::default() });
                        let bound = self.condition(on);
                        self.levels.pop();
                        Some(bound?)
                    }
                };
                Ok(joined(*kind, left, right, on))
            }
            TableRef::Apply { outer, left, right } => {
                let (left, mut columns) = self.table_ref(left)?;
                self.levels.push(Level { columns: columns.clone(), ..Level::default() });
                let right = self.table_ref(right);
                self.levels.pop();
                let (right, mut added) = right?;
                let width = added.len();
                added.iter_mut().for_each(|column| column.nullable |= *outer);
                columns.extend(added);
                let plan = Plan::Apply { outer: *outer, left: Box::new(left), right: Box::new(right), width };
                Ok((plan, columns))
            }
        }
    }

    fn table(&mut self, name: &Name, alias: Option<&str>, sample: Option<&Sample>) -> Result<Source> {
        let shown = alias.or(name.last().map(String::as_str)).unwrap_or_default();
        if let Some(source) = self.common_table(name, shown)? {
            return Ok(source);
        }
        let location = self.context.catalog.locate(&self.context.database, name)?;
        let system = ["sys", "INFORMATION_SCHEMA"].contains(&location.schema.as_str());
        if system {
            let view = sys::view(self.context, &location).ok_or_else(|| invalid_object(name))?;
            let columns = view.columns.iter().map(|column| table_column(Some(shown), column)).collect();
            return Ok((Plan::Rows(Arc::new(view.rows)), columns));
        }
        let catalog = self.context.catalog.clone();
        let object = catalog.object(&location).ok_or_else(|| invalid_object(name))?;
        match &object.kind {
            ObjectKind::Table(table) => {
                let columns = table.columns.iter().map(|column| table_column(Some(shown), column)).collect();
                let rows = match sample {
                    None => table.rows.clone(),
                    Some(sample) => Arc::new(self.sampled(&table.rows, sample)?),
                };
                Ok((Plan::Rows(rows), columns))
            }
            ObjectKind::View(view) => {
                let columns = view.columns.iter().map(|column| table_column(Some(shown), column)).collect();
                Ok((self.view(&view.query)?, columns))
            }
            ObjectKind::Synonym(target) => self.table(&target.clone(), Some(shown), sample),
        }
    }

    /// A view's query sees nothing of the query that it stands in.
    fn view(&mut self, query: &Query) -> Result<Plan> {
        self.views += 1;
        if self.views > MAX_VIEWS {
            return Err(SqlError::new(217, "Maximum view nesting level exceeded (limit 32)."));
        }
        let mut inner = Binder { views: self.views, ..Binder::new(self.context) };
        let bound = inner.part(query)?;
        self.views -= 1;
        Ok(bound.plan)
    }

    fn common_table(&mut self, name: &Name, shown: &str) -> Result<Option<Source>> {
        let [single] = name.as_slice() else { return Ok(None) };
        let Some(position) = self.tables.iter().rposition(|table| table.name == *single) else {
            return Ok(None);
        };
        let Some(table) = self.tables.get(position).cloned() else { return Ok(None) };
        // It sees those that stand before it, and no outer query.
        let mut inner = Binder { views: self.views, ..Binder::new(self.context) };
        inner.tables = self.tables.iter().take(position).cloned().collect();
        let mut bound = inner.part(&table.query)?;
        rename(single, &mut bound.columns, &table.columns)?;
        Ok(Some((bound.plan, behind_alias(shown, &bound.columns))))
    }

    /// Every so many rows: repeatable, whatever the seed.
    fn sampled(&mut self, rows: &[Vec<Value>], sample: &Sample) -> Result<Vec<Vec<Value>>> {
        let amount = self.count_of(Some(&sample.amount))?;
        let amount = match amount {
            Some(amount) => crate::tsql::run::constant(&amount)?,
            None => Value::Null,
        };
        let Value::Int(amount) = amount else { return Ok(Vec::new()) };
        let amount = usize::try_from(amount).unwrap_or(0);
        if !sample.percent {
            return Ok(rows.iter().take(amount).cloned().collect());
        }
        let kept = |position: usize| (position + 1) * amount / 100 > position * amount / 100;
        Ok(rows
            .iter()
            .enumerate()
            .filter(|(position, _)| kept(*position))
            .map(|(_, row)| row.clone())
            .collect())
    }

    fn open_json(
        &mut self,
        json: &Expr,
        path: Option<&Expr>,
        columns: &[JsonColumn],
        alias: Option<&str>,
    ) -> Result<Source> {
        self.levels.push(Level::default());
        let text = SqlType::NVarChar(Length::Max);
        let bound = self.scalar(json).and_then(|json| {
            let path = path.map(|path| self.scalar(path)).transpose()?;
            Ok((json.into_type(text), path.map(|path| path.into_type(text))))
        });
        self.levels.pop();
        let (json, path) = bound?;
        let column = |name: &str, ty: SqlType| ScopeColumn {
            table: Some(alias.unwrap_or("OPENJSON").to_owned()),
            name: name.to_owned(),
            ty,
            nullable: true,
            collation: Label { strength: Strength::Implicit, ..Label::default() },
        };
        let scope = if columns.is_empty() {
            vec![
                column("key", SqlType::nvarchar(4000)),
                column("value", text),
                column("type", SqlType::TinyInt),
            ]
        } else {
            columns.iter().map(|json| column(&json.name, json.ty)).collect()
        };
        let columns = columns
            .iter()
            .map(|json| plan::JsonColumn {
                path: json.path.clone().unwrap_or_else(|| format!("$.\"{}\"", json.name)),
                ty: json.ty,
                as_json: json.as_json,
            })
            .collect();
        Ok((Plan::OpenJson(Box::new(OpenJson { json, path, columns })), scope))
    }

    /// A query as a view's definition: its columns have names, each once.
    pub(crate) fn definition(
        context: &super::Context,
        name: &str,
        columns: &[String],
        query: &Query,
    ) -> Result<BoundQuery> {
        let mut bound = Binder::new(context).part(query)?;
        rename(name, &mut bound.columns, columns)?;
        Ok(bound)
    }
}

fn joined(kind: JoinKind, left: Source, right: Source, on: Option<Bound>) -> Source {
    let ((left, mut columns), (right, mut added)) = (left, right);
    let widths = (columns.len(), added.len());
    if matches!(kind, JoinKind::Right | JoinKind::Full) {
        columns.iter_mut().for_each(|column| column.nullable = true);
    }
    if matches!(kind, JoinKind::Left | JoinKind::Full) {
        added.iter_mut().for_each(|column| column.nullable = true);
    }
    columns.extend(added);
    (Plan::Join { kind, left: Box::new(left), right: Box::new(right), on, widths }, columns)
}

/// Gives a query's columns the names of a column list, if there is one.
fn rename(alias: &str, columns: &mut [OutColumn], names: &[String]) -> Result<()> {
    if !names.is_empty() {
        if names.len() != columns.len() {
            let message = format!(
                "'{alias}' has a different number of columns than were specified in the column list."
            );
            return Err(SqlError::new(8158, message));
        }
        for (column, name) in columns.iter_mut().zip(names) {
            column.name.clone_from(name);
        }
    }
    named_once(alias, columns)
}
