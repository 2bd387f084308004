//! A session runs statements.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::ast::{Body, Expr, Item, Query, Statement};
use super::batch::Batch;
use super::bind::{Binder, Context, Facts};
use super::catalog::Catalog;
use super::convert::convert;
use super::engine::Engine;
use super::error::{Result, SqlError};
use super::moment::{DAY_1970, TICKS_PER_DAY};
use super::parse::{self, Located};
use super::run::{RowStream, Run, Stop};
use super::transaction::SNAPSHOT;
use super::types::{Length, SqlType};
use super::value::{Row, Value};
use crate::tds::ResultColumn;

/// Who is logged in, and where.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) spid: u16,
    pub(crate) database: String,
    pub(crate) application: String,
}

/// A session of one client.
#[derive(Debug)]
pub(crate) struct Session {
    pub(super) engine: Arc<Engine>,
    login: Login,
    pub(super) database: String,
    /// The catalogue as it was when the transaction began.
    pub(super) transaction: Option<Arc<Catalog>>,
    /// Whether the transaction changed anything.
    pub(super) changed: bool,
    pub(super) depth: i32,
    pub(super) no_count: bool,
    pub(super) isolation: i16,
    /// `SET TEXTSIZE`.
    pub(super) text_size: usize,
    row_count: i64,
    /// The table whose identity column may be written.
    pub(super) identity_insert: Option<Vec<String>>,
}

/// What a statement gave.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nothing that a client is told of.
    Nothing,
    Done,
    Count(u64),
    Rows(Rows),
    Message(SqlError),
    Transaction(Transaction),
    Database {
        old: String,
        new: String,
    },
    Wait(Duration),
}

/// What happened to the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transaction {
    Begin,
    Commit,
    Rollback,
}

/// A result that is fetched row by row.
#[derive(Debug)]
pub(crate) struct Rows {
    columns: Vec<ResultColumn>,
    /// The most bytes of a long value, where the session set a limit.
    text_size: usize,
    stream: RowStream,
}

impl Rows {
    pub(crate) fn columns(&self) -> &[ResultColumn] {
        &self.columns
    }

    pub(crate) const fn text_size(&self) -> usize {
        self.text_size
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<Row>> {
        self.stream.next_row()
    }
}

impl Session {
    pub(crate) fn new(engine: Arc<Engine>, login: Login) -> Self {
        let database = login.database.clone();
        Self {
            engine,
            login,
            database,
            transaction: None,
            changed: false,
            depth: 0,
            no_count: false,
            isolation: 2,
            text_size: super::transaction::UNLIMITED_TEXT,
            row_count: 0,
            identity_insert: None,
        }
    }

    /// Runs the batch's next statement; `None` when there is none.
    pub(crate) fn step(&mut self, batch: &mut Batch, stop: Stop) -> Result<Option<Outcome>> {
        let Some(Located { statement, line }) = batch.pending.pop_front() else { return Ok(None) };
        let outcome = self.statement(statement, line, batch, stop).map_err(|error| match error.line {
            1 => error.at_line(line),
            _ => error,
        })?;
        if let Outcome::Count(count) = &outcome {
            self.row_count = i64::try_from(*count).unwrap_or(i64::MAX);
        }
        batch.counts = !self.no_count;
        let outcome = match outcome {
            Outcome::Count(_) if self.no_count => Outcome::Done,
            outcome => outcome,
        };
        batch.said_done |= !matches!(outcome, Outcome::Nothing);
        Ok(Some(outcome))
    }

    pub(super) fn context(&self, batch: &Batch) -> Context {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let ticks = i64::try_from(since.as_nanos() / 100).unwrap_or(0);
        Context {
            catalog: self.catalog(),
            database: self.database.clone(),
            variables: batch.variables.clone(),
            facts: Facts {
                spid: self.login.spid,
                user: "app".to_owned(),
                application: self.login.application.clone(),
                major_version: self.engine.major_version(),
                transactions: self.depth,
                row_count: self.row_count,
                isolation: self.isolation,
                now: DAY_1970 * TICKS_PER_DAY + ticks,
            },
        }
    }

    fn statement(
        &mut self,
        statement: Statement,
        line: u32,
        batch: &mut Batch,
        stop: Stop,
    ) -> Result<Outcome> {
        let first = |batch: &mut Batch, statement| batch.pending.push_front(Located { statement, line });
        match statement {
            Statement::Query(query) => self.query(&query, batch, stop),
            Statement::Declare(variables) => {
                for (name, ty, value) in variables {
                    batch.variables.insert(name.to_lowercase(), (ty, Value::Null));
                    if let Some(value) = value {
                        self.assign(&name, &value, batch)?;
                    }
                }
                Ok(Outcome::Nothing)
            }
            Statement::SetVariable(name, value) => {
                self.assign(&name, &value, batch)?;
                Ok(Outcome::Nothing)
            }
            Statement::SetOption(option, value) => self.set(&option, &value),
            Statement::Begin => {
                self.transact(Transaction::Begin).map(|()| self.transaction_outcome(Transaction::Begin))
            }
            Statement::Commit => {
                self.transact(Transaction::Commit).map(|()| self.transaction_outcome(Transaction::Commit))
            }
            Statement::Rollback => {
                self.transact(Transaction::Rollback).map(|()| self.transaction_outcome(Transaction::Rollback))
            }
            Statement::Save => Ok(Outcome::Done),
            Statement::Use(name) => {
                if !self.engine.has_database(&name) {
                    let message = format!(
                        "Database '{name}' does not exist. Make sure that the name is entered correctly."
                    );
                    return Err(SqlError::new(911, message));
                }
                let old = std::mem::replace(&mut self.database, name.clone());
                Ok(Outcome::Database { old, new: name })
            }
            Statement::If { condition, then, otherwise } => {
                let context = self.context(batch);
                let condition = Binder::truth(&context, &condition)?;
                let holds =
                    Run::new(Arc::new(context), stop).over_row(&condition, &[])?.truth() == Some(true);
                let chosen = if holds { Some(then) } else { otherwise };
                if let Some(chosen) = chosen {
                    first(batch, *chosen);
                }
                Ok(Outcome::Nothing)
            }
            Statement::Block(statements) => {
                for statement in statements.into_iter().rev() {
                    first(batch, statement);
                }
                Ok(Outcome::Nothing)
            }
            Statement::Print(text) => {
                let text = self.text(&text, batch)?;
                Ok(Outcome::Message(SqlError { class: 0, ..SqlError::new(0, text) }))
            }
            Statement::Throw { number, message, state } => {
                let (number, state) = (self.number(&number, batch)?, self.number(&state, batch)?);
                let message = self.text(&message, batch)?;
                let number = u32::try_from(number).unwrap_or(50_000);
                Err(SqlError { state: u8::try_from(state).unwrap_or(1), ..SqlError::new(number, message) })
            }
            Statement::RaiseError { message, class, state } => {
                let (class, state) = (self.number(&class, batch)?, self.number(&state, batch)?);
                let error = SqlError {
                    class: u8::try_from(class).unwrap_or(16),
                    state: u8::try_from(state).unwrap_or(1),
                    ..SqlError::new(50_000, self.text(&message, batch)?)
                };
                if error.class > 10 { Err(error) } else { Ok(Outcome::Message(error)) }
            }
            Statement::WaitFor(delay) => {
                let parsed = super::moment::parse(&delay).filter(|parsed| parsed.day.is_none());
                let ticks = parsed
                    .ok_or_else(|| {
                        SqlError::new(
                            148,
                            format!("Incorrect time syntax in time string '{delay}' used with WAITFOR."),
                        )
                    })?
                    .ticks;
                Ok(Outcome::Wait(Duration::from_micros(u64::try_from(ticks / 10).unwrap_or(0))))
            }
            Statement::Execute { arguments, procedure } => self.execute(&procedure, &arguments, batch),
            change => self.change(change, batch, stop),
        }
    }

    fn query(&mut self, query: &Query, batch: &mut Batch, stop: Stop) -> Result<Outcome> {
        let context = self.context(batch);
        let allowed = context.catalog.database(&self.database)?.snapshot_isolation;
        if self.isolation == SNAPSHOT && self.depth > 0 && !allowed {
            let message = format!(
                "Snapshot isolation transaction failed accessing database '{}' because snapshot isolation is not allowed in this database.",
                self.database
            );
            return Err(SqlError::new(3952, message));
        }
        let bound = Binder::query(&context, query)?;
        let columns: Vec<ResultColumn> = bound
            .columns
            .iter()
            .map(|column| ResultColumn {
                name: column.name.clone(),
                ty: column.ty,
                nullable: column.nullable,
            })
            .collect();
        let mut stream = RowStream::start(Run::new(Arc::new(context), stop), bound.plan)?;
        let assigned = assigned(query);
        if assigned.is_empty() {
            return Ok(Outcome::Rows(Rows { columns, text_size: self.text_size, stream }));
        }
        // The last row's values stay; without rows the variables keep theirs.
        let mut count = 0;
        while let Some(row) = stream.next_row()? {
            count += 1;
            for ((variable, column), value) in assigned.iter().zip(&columns).zip(row) {
                set_variable(batch, variable, value, column.ty)?;
            }
        }
        Ok(Outcome::Count(count))
    }

    fn assign(&self, name: &str, value: &Expr, batch: &mut Batch) -> Result<()> {
        let (value, ty) = self.value(value, batch)?;
        set_variable(batch, name, value, ty)
    }

    /// An expression's value and its type.
    pub(super) fn value(&self, expr: &Expr, batch: &Batch) -> Result<(Value, SqlType)> {
        let context = self.context(batch);
        let typed = Binder::value(&context, expr)?;
        let run = Run::new(Arc::new(context), Box::new(|| false));
        Ok((run.over_row(&typed.expr, &[])?, typed.ty))
    }

    fn text(&self, expr: &Expr, batch: &Batch) -> Result<String> {
        let (value, ty) = self.value(expr, batch)?;
        Ok(match convert(value, ty, SqlType::NVarChar(Length::Max), 0)? {
            Value::Text(text) => text.to_string(),
            _ => String::new(),
        })
    }

    pub(super) fn number(&self, expr: &Expr, batch: &Batch) -> Result<i64> {
        let (value, ty) = self.value(expr, batch)?;
        Ok(match convert(value, ty, SqlType::BigInt, 0)? {
            Value::Int(whole) => whole,
            _ => 0,
        })
    }

    /// `EXEC sp_executesql …` and `EXEC ('…')`.
    fn execute(
        &self,
        procedure: &str,
        arguments: &[(Option<String>, Expr)],
        batch: &mut Batch,
    ) -> Result<Outcome> {
        if !procedure.is_empty() && !procedure.eq_ignore_ascii_case("sp_executesql") {
            return Err(SqlError::new(2812, format!("Could not find stored procedure '{procedure}'.")));
        }
        let mut values = Vec::with_capacity(arguments.len());
        for (name, expr) in arguments {
            let (value, ty) = self.value(expr, batch)?;
            values.push((name.clone().unwrap_or_default(), ty, value));
        }
        let mut values = values.into_iter();
        let text = match values.next() {
            Some((_, _, Value::Text(text))) => text,
            _ => return Ok(Outcome::Nothing),
        };
        let declared = values.next().map_or(Value::Null, |(_, _, value)| value);
        for (name, ty, value) in Batch::bind(&declared, values.collect())? {
            batch.variables.insert(name.to_lowercase(), (ty, value));
        }
        for located in parse::batch(&text)?.into_iter().rev() {
            batch.pending.push_front(located);
        }
        Ok(Outcome::Nothing)
    }
}

/// The variables of `SELECT @a = …`.
fn assigned(query: &Query) -> Vec<String> {
    let Body::Select(select) = &query.body else { return Vec::new() };
    let variable = |item: &Item| match item {
        Item::Assign { variable, .. } => Some(variable.clone()),
        _ => None,
    };
    select.items.iter().filter_map(variable).collect()
}

fn set_variable(batch: &mut Batch, name: &str, value: Value, from: SqlType) -> Result<()> {
    match batch.variables.get_mut(&name.to_lowercase()) {
        Some((ty, held)) => {
            *held = convert(value, from, *ty, 0)?;
            Ok(())
        }
        None => {
            let message = format!("Must declare the scalar variable \"{name}\".");
            Err(SqlError { class: 15, ..SqlError::new(137, message) })
        }
    }
}
