//! INSERT, UPDATE, DELETE.

use std::sync::Arc;

use super::ast::{Body, Expr, Name, Query, Source, Statement};
use super::batch::Batch;
use super::bind::Binder;
use super::catalog::{Column, Location, ObjectKind, Table, invalid_object};
use super::convert::store;
use super::error::{Result, SqlError};
use super::run::{RowStream, Run, Stop};
use super::session::{Outcome, Session};
use super::types::SqlType;
use super::value::{Row, Value};

/// The most rows of one VALUES.
const MAX_VALUES: usize = 1_000;

/// What one cell of an INSERT gives.
enum Cell {
    Given(Value, SqlType),
    Default,
}

impl Session {
    pub(super) fn modify(&mut self, statement: Statement, batch: &Batch, stop: Stop) -> Result<Outcome> {
        match statement {
            Statement::Insert { table, columns, source } => {
                self.insert(&table, &columns, &source, batch, stop)
            }
            Statement::Update { table, set, condition } => {
                let which = Which { condition: condition.as_ref(), most: usize::MAX };
                self.rewrite(&table, &which, Some(&set), batch, stop)
            }
            Statement::Delete { table, top, condition } => {
                let most = match top {
                    Some(top) => usize::try_from(self.number(&top, batch)?).unwrap_or(0),
                    None => usize::MAX,
                };
                self.rewrite(&table, &Which { condition: condition.as_ref(), most }, None, batch, stop)
            }
            Statement::Truncate(table) => {
                self.rewrite(&table, &Which { condition: None, most: usize::MAX }, None, batch, stop)?;
                Ok(Outcome::Done)
            }
            Statement::IdentityInsert(table, on) => {
                self.identity_insert = on.then_some(table);
                Ok(Outcome::Done)
            }
            _ => Err(SqlError::unsupported("a statement of this kind")),
        }
    }

    /// The table of that name and its columns.
    fn target(&self, name: &Name) -> Result<(Location, Arc<Vec<Column>>)> {
        let catalog = self.engine.catalog();
        let location = catalog.locate(&self.database, name)?;
        match catalog.object(&location).map(|object| &object.kind) {
            Some(ObjectKind::Table(table)) => Ok((location, table.columns.clone())),
            Some(ObjectKind::View(_) | ObjectKind::Synonym(_)) => {
                Err(SqlError::unsupported("changing rows through a view or a synonym"))
            }
            None => Err(invalid_object(name)),
        }
    }

    fn insert(
        &mut self,
        name: &Name,
        listed: &[String],
        source: &Source,
        batch: &Batch,
        stop: Stop,
    ) -> Result<Outcome> {
        let (location, columns) = self.target(name)?;
        let explicit_identity = self.identity_insert.as_ref() == Some(name);
        let positions = positions(&columns, listed, explicit_identity)?;
        let rows = match source {
            Source::DefaultValues => vec![positions.iter().map(|_| Cell::Default).collect()],
            Source::Query(query) => self.cells(query, batch, stop)?,
        };
        if rows.len() > MAX_VALUES
            && matches!(source, Source::Query(query) if matches!(query.body, Body::Values(_)))
        {
            let message = "The number of row value expressions in the INSERT statement exceeds the maximum allowed number of 1000 row values.";
            return Err(SqlError { class: 15, ..SqlError::new(10738, message) });
        }
        let mut defaults = Vec::with_capacity(columns.len());
        for column in columns.iter() {
            defaults.push(match &column.default {
                Some(default) => {
                    let (value, ty) = self.value(default, batch)?;
                    store(value, ty, column.ty)?
                }
                None => Value::Null,
            });
        }
        let mut new = Vec::with_capacity(rows.len());
        for cells in rows {
            if cells.len() != positions.len() {
                let message = "Column name or number of supplied values does not match table definition.";
                return Err(SqlError::new(213, message));
            }
            let mut row = defaults.clone();
            for (position, cell) in positions.iter().zip(cells) {
                let (Some(place), Some(column)) = (row.get_mut(*position), columns.get(*position)) else {
                    continue;
                };
                if let Cell::Given(value, ty) = cell {
                    *place = store(value, ty, column.ty)?;
                }
            }
            new.push(row);
        }
        let computed = self.computed(name, &columns, batch)?;
        let count = new.len() as u64;
        self.engine.change(|catalog| {
            let table = catalog.database_mut(&location.database)?.table_mut(&location.schema, &location.name);
            let table = table.ok_or_else(|| invalid_object(name))?;
            for row in &mut new {
                number(table, row, explicit_identity);
                computed.fill(row)?;
                check_nulls(&columns, row, name)?;
            }
            table.add(new)
        })?;
        Ok(Outcome::Count(count))
    }

    /// The rows that are to be inserted.
    fn cells(&self, query: &Query, batch: &Batch, stop: Stop) -> Result<Vec<Vec<Cell>>> {
        if let Body::Values(rows) = &query.body {
            let context = Arc::new(self.context(batch));
            let run = Run::new(context.clone(), stop);
            let cell = |expr: &Expr| match expr {
                Expr::Column(name) if name.is_empty() => Ok(Cell::Default),
                expr => {
                    let typed = Binder::value(&context, expr)?;
                    Ok(Cell::Given(run.over_row(&typed.expr, &[])?, typed.ty))
                }
            };
            return rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        }
        let context = self.context(batch);
        let bound = Binder::query(&context, query)?;
        let types: Vec<SqlType> = bound.columns.iter().map(|column| column.ty).collect();
        let mut stream = RowStream::start(Run::new(Arc::new(context), stop), bound.plan)?;
        let mut rows = Vec::new();
        while let Some(row) = stream.next_row()? {
            rows.push(row.into_iter().zip(&types).map(|(value, ty)| Cell::Given(value, *ty)).collect());
        }
        Ok(rows)
    }

    fn computed(&self, name: &Name, columns: &[Column], batch: &Batch) -> Result<Computed> {
        let context = Arc::new(self.context(batch));
        let shown = name.last().map_or("", String::as_str);
        let mut exprs = Vec::new();
        for (position, column) in columns.iter().enumerate() {
            if let Some(computed) = &column.computed {
                let typed = Binder::over_table(&context, shown, columns).scalar(computed)?;
                exprs.push((position, typed.expr));
            }
        }
        // The catalogue is not kept: a table that nobody looks at is changed in place.
        let context = super::bind::Context { catalog: Arc::default(), ..(*context).clone() };
        Ok(Computed { run: Run::new(Arc::new(context), Box::new(|| false)), exprs })
    }

    /// UPDATE, and DELETE where nothing is set.
    fn rewrite(
        &mut self,
        name: &Name,
        which: &Which<'_>,
        set: Option<&[(String, Expr)]>,
        batch: &Batch,
        stop: Stop,
    ) -> Result<Outcome> {
        let (location, columns) = self.target(name)?;
        let context = Arc::new(self.context(batch));
        let shown = name.last().map_or("", String::as_str);
        let mut binder = Binder::over_table(&context, shown, &columns);
        let condition = which.condition.map(|condition| binder.condition(condition)).transpose()?;
        let mut assignments = Vec::new();
        for (column, expr) in set.unwrap_or_default() {
            let position = columns.iter().position(|known| known.name == *column);
            let position =
                position.ok_or_else(|| SqlError::new(207, format!("Invalid column name '{column}'.")))?;
            let typed = binder.scalar(expr)?;
            assignments.push((position, typed.expr, typed.ty));
        }
        let Some(object) = context.catalog.object(&location) else { return Err(invalid_object(name)) };
        let ObjectKind::Table(table) = &object.kind else { return Err(invalid_object(name)) };
        let run = Run::new(context.clone(), stop);
        let computed = self.computed(name, &columns, batch)?;
        let mut rows = Vec::with_capacity(table.rows.len());
        let mut count = 0_usize;
        for row in table.rows.iter() {
            let concerned = match &condition {
                _ if count >= which.most => false,
                None => true,
                Some(condition) => run.over_row(condition, row)?.truth() == Some(true),
            };
            if !concerned {
                rows.push(row.clone());
                continue;
            }
            count += 1;
            if set.is_none() {
                continue;
            }
            let mut changed = row.clone();
            for (position, expr, ty) in &assignments {
                let value = run.over_row(expr, row)?;
                if let (Some(place), Some(column)) = (changed.get_mut(*position), columns.get(*position)) {
                    *place = store(value, *ty, column.ty)?;
                }
            }
            computed.fill(&mut changed)?;
            check_nulls(&columns, &changed, name)?;
            rows.push(changed);
        }
        self.engine.change(|catalog| {
            let table = catalog.database_mut(&location.database)?.table_mut(&location.schema, &location.name);
            table.ok_or_else(|| invalid_object(name))?.replace(rows)
        })?;
        Ok(Outcome::Count(count as u64))
    }
}

/// Which rows a statement changes.
struct Which<'s> {
    condition: Option<&'s Expr>,
    most: usize,
}

/// Computed columns, filled in when a row is stored.
struct Computed {
    run: Run,
    exprs: Vec<(usize, super::plan::Bound)>,
}

impl Computed {
    fn fill(&self, row: &mut Row) -> Result<()> {
        for (position, expr) in &self.exprs {
            let value = self.run.over_row(expr, row)?;
            if let Some(place) = row.get_mut(*position) {
                *place = value;
            }
        }
        Ok(())
    }
}

/// Where the values of an INSERT go: the listed columns, or all that are not made by the server.
fn positions(columns: &[Column], listed: &[String], explicit_identity: bool) -> Result<Vec<usize>> {
    if listed.is_empty() {
        let given =
            |column: &Column| column.computed.is_none() && (column.identity.is_none() || explicit_identity);
        return Ok(columns
            .iter()
            .enumerate()
            .filter(|(_, column)| given(column))
            .map(|(at, _)| at)
            .collect());
    }
    let position = |name: &String| {
        let at = columns.iter().position(|column| column.name == *name);
        let at = at.ok_or_else(|| SqlError::new(207, format!("Invalid column name '{name}'.")))?;
        match columns.get(at) {
            Some(column) if column.identity.is_some() && !explicit_identity => Err(SqlError::new(
                544,
                "Cannot insert explicit value for identity column in table when IDENTITY_INSERT is set to OFF.",
            )),
            Some(column) if column.computed.is_some() => {
                let message = format!(
                    "The column \"{name}\" cannot be modified because it is either a computed column or is the result of a UNION operator."
                );
                Err(SqlError::new(271, message))
            }
            _ => Ok(at),
        }
    };
    listed.iter().map(position).collect()
}

/// Gives the identity column its next number.
fn number(table: &mut Table, row: &mut Row, explicit: bool) {
    if explicit {
        return;
    }
    for (column, place) in table.columns.iter().zip(row) {
        if let Some((_, step)) = column.identity {
            *place = Value::Int(table.identity);
            table.identity += step;
        }
    }
}

fn check_nulls(columns: &[Column], row: &Row, table: &Name) -> Result<()> {
    let missing = columns
        .iter()
        .zip(row)
        .find(|(column, value)| value.is_null() && !column.nullable && column.computed.is_none());
    match missing {
        None => Ok(()),
        Some((column, _)) => {
            let message = format!(
                "Cannot insert the value NULL into column '{}', table '{}'; column does not allow nulls. INSERT fails.",
                column.name,
                table.join(".")
            );
            Err(SqlError { state: 2, ..SqlError::new(515, message) })
        }
    }
}
