//! `read` and `query` as one `SELECT`.

use connector_model::cursor::{CursorKind, Position};
use connector_model::error::{Error, Result};
use connector_model::filter::{Filter, Typed};
use connector_model::request::{ChangedSince, Query, Read};

use crate::dialect::Dialect;
use crate::filter::condition;
use crate::joined::Source;
use crate::paging::Paging;
use crate::statement::Statement;
use crate::table::Table;

/// A `SELECT` with what its result means.
#[derive(Debug, Clone)]
pub struct Select {
    /// The statement.
    pub statement: Statement,
    /// The table's columns that it fetches, in order.
    pub fetched: Vec<usize>,
    /// How many of them are the caller's; the rest are there for the cursor.
    pub visible: usize,
    /// The caller's limit. The statement asks for one row more, which says whether the limit cut the result.
    pub limit: Option<u64>,
    /// How many rows are passed over before the first.
    pub offset: u64,
    /// Where in `fetched` the ordered columns are, for the cursor; empty when no keyset cursor is needed.
    pub key: Vec<usize>,
    paging: Option<Paging>,
    /// The columns of the target and of those joined to it, where some are.
    joined: Option<Box<Table>>,
}

impl Select {
    /// Rows in key order.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option.
    pub fn read(dialect: &dyn Dialect, table: &Table, request: &Read) -> Result<Select> {
        Builder {
            dialect,
            source: &Source::new(table, &[], &[])?,
            select: ("fields", request.fields.as_deref()),
            filter: &Filter::TRUE,
            changed_since: request.changed_since.as_ref(),
            limit: Some(request.limit),
            offset: 0,
            cursor: request.cursor.as_deref(),
        }
        .build(Some(Paging::new(table, &[])?))
    }

    /// Filtered, ordered rows of one target.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option; `INTERNAL` for a request with joins.
    pub fn query(dialect: &dyn Dialect, table: &Table, request: &Query) -> Result<Select> {
        Select::joined(dialect, table, &[], request)
    }

    /// Filtered, ordered rows of a target with those of `tables` joined to them, in the order of the request's joins.
    /// Positions in [`Select::fetched`] are those in [`Select::table`].
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option.
    pub fn joined(dialect: &dyn Dialect, base: &Table, tables: &[&Table], request: &Query) -> Result<Select> {
        let source = Source::new(base, &request.joins, tables)?;
        let table = source.table();
        // Without limit, offset and cursor nothing resumes: the caller's order will do, and no sort is paid for.
        let whole = request.limit.is_none() && request.offset == 0 && request.cursor.is_none();
        let paging = match whole && request.order_by.is_empty() {
            true => None,
            false => Some(Paging::new(table, &request.order_by)?),
        };
        let select = Builder {
            dialect,
            source: &source,
            select: ("select", request.select.as_deref()),
            filter: &request.filter,
            changed_since: None,
            limit: request.limit,
            offset: request.offset,
            cursor: request.cursor.as_deref(),
        }
        .build(paging)?;
        Ok(Select { joined: source.into_merged().map(Box::new), ..select })
    }

    /// The table whose columns [`Select::fetched`] speaks of: `base`, or with joins that of all their columns.
    pub fn table<'t>(&'t self, base: &'t Table) -> &'t Table {
        self.joined.as_deref().unwrap_or(base)
    }

    /// How many rows match a `read` in all.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option.
    pub fn read_total(dialect: &dyn Dialect, table: &Table, request: &Read) -> Result<Statement> {
        let mut sql = crate::count::count(dialect, table, &Filter::TRUE)?;
        if let Some(changed) = &request.changed_since {
            sql.push(" WHERE ");
            changed_since(&mut sql, dialect, table, changed)?;
        }
        Ok(sql)
    }

    /// The cursor behind the last row of a page, given the values of its [`Select::key`] columns in that order and
    /// the number of rows the page had.
    ///
    /// # Errors
    /// `INTERNAL` when the values are not those of the key.
    pub fn next_cursor(&self, key: Vec<Option<Typed>>, rows: u64) -> Result<(String, CursorKind)> {
        match &self.paging {
            Some(paging) if paging.kind == CursorKind::Offset => {
                Ok((paging.at(self.offset.saturating_add(rows)), CursorKind::Offset))
            }
            Some(paging) if key.len() == paging.order.len() => Ok((paging.after(key), CursorKind::Keyset)),
            _ => Err(Error::internal("a cursor was asked for a result that has no order")),
        }
    }
}

struct Builder<'r> {
    dialect: &'r dyn Dialect,
    source: &'r Source<'r>,
    select: (&'static str, Option<&'r [String]>),
    filter: &'r Filter,
    changed_since: Option<&'r ChangedSince>,
    limit: Option<u64>,
    offset: u64,
    cursor: Option<&'r str>,
}

impl Builder<'_> {
    fn build(self, paging: Option<Paging>) -> Result<Select> {
        let mut fetched = self.visible()?;
        let visible = fetched.len();
        let mut key = Vec::new();
        // The key's columns are fetched even when nobody asked for them: the last row's values are the cursor.
        if let (Some(paging), Some(_)) = (&paging, self.limit)
            && paging.kind == CursorKind::Keyset
        {
            for ordered in &paging.order {
                key.push(fetched.iter().position(|known| *known == ordered.column).unwrap_or_else(|| {
                    fetched.push(ordered.column);
                    fetched.len() - 1
                }));
            }
        }
        let (after, offset) = match (&paging, self.cursor) {
            (Some(paging), Some(cursor)) => match paging.read(cursor)? {
                Position::After(parts) => (Some(parts), 0),
                Position::Offset(rows) => (None, rows),
            },
            _ => (None, self.offset),
        };
        let statement = self.statement(&fetched, paging.as_ref(), after, offset)?;
        Ok(Select { statement, fetched, visible, limit: self.limit, offset, key, paging, joined: None })
    }

    fn visible(&self) -> Result<Vec<usize>> {
        match self.select {
            (option, Some(names)) => {
                names.iter().map(|name| self.source.table().position(option, name)).collect()
            }
            (_, None) => Ok((0..self.source.table().columns.len()).collect()),
        }
    }

    fn statement(
        &self,
        fetched: &[usize],
        paging: Option<&Paging>,
        after: Option<Vec<Option<String>>>,
        offset: u64,
    ) -> Result<Statement> {
        let table = self.source.table();
        let mut sql = Statement::default();
        sql.push("SELECT ");
        for (position, column) in fetched.iter().enumerate() {
            sql.push(if position > 0 { ", " } else { "" });
            self.dialect.fetched(&mut sql, table.column(*column)?);
        }
        sql.push(" FROM ");
        self.source.from(&mut sql, self.dialect);
        let mut word = " WHERE (";
        if !self.filter.is_true() {
            sql.push(word);
            condition(&mut sql, self.dialect, table, self.filter, "where")?;
            sql.push(")");
            word = " AND (";
        }
        if let Some(changed) = self.changed_since {
            sql.push(word);
            changed_since(&mut sql, self.dialect, table, changed)?;
            sql.push(")");
            word = " AND (";
        }
        if let (Some(paging), Some(parts)) = (paging, after) {
            sql.push(word);
            paging.condition(&mut sql, self.dialect, table, parts)?;
            sql.push(")");
        }
        match paging {
            Some(paging) if !paging.order.is_empty() => paging.order_by(&mut sql, self.dialect, table)?,
            _ if self.limit.is_some() || offset > 0 => sql.push(self.dialect.unordered()),
            _ => {}
        }
        self.dialect.window(&mut sql, self.limit.map(one_more), offset);
        Ok(sql)
    }
}

fn changed_since(
    sql: &mut Statement,
    dialect: &dyn Dialect,
    table: &Table,
    changed: &ChangedSince,
) -> Result<()> {
    let column = table.column(table.position("changeTrackingColumn", &changed.column)?)?;
    dialect.later_than(sql, column, changed.micros);
    Ok(())
}

/// One row beyond the limit, where engines can count that far: they count in signed 64 bits.
fn one_more(limit: u64) -> u64 {
    limit.saturating_add(1).min(i64::MAX.unsigned_abs())
}
