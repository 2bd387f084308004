//! Finds what names mean and which types values have.

mod aggregate;
mod call;
mod expr;
mod from;
mod operator;
mod query;
mod select;

use std::collections::HashMap;
use std::sync::Arc;

use super::ast::{CommonTable, Expr, Name, Query};
use super::catalog::Catalog;
use super::error::{Result, SqlError};
use super::plan::{Aggregate, Bound, Plan, WindowCall};
use super::types::{Collation, SqlType};
use super::value::Value;

/// Views may stand on views, but not without end.
const MAX_VIEWS: usize = 32;

/// What a statement knows of its session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) database: String,
    /// In lower case, with their signs.
    pub(crate) variables: HashMap<String, (SqlType, Value)>,
    /// What functions tell of the server and the session.
    pub(crate) facts: Facts,
}

/// What functions tell of the server and the session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) spid: u16,
    pub(crate) user: String,
    pub(crate) application: String,
    pub(crate) major_version: u8,
    pub(crate) transactions: i32,
    pub(crate) row_count: i64,
    pub(crate) isolation: i16,
    /// Ticks of the statement's begin.
    pub(crate) now: i64,
}

/// A bound expression and what is known of its value.
#[derive(Debug)]
pub(crate) struct Typed {
    pub(crate) expr: Bound,
    pub(crate) ty: SqlType,
    pub(crate) nullable: bool,
    pub(crate) collation: Label,
}

/// A text's collation, and how much that counts against another one's (documentation, "Collation precedence").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Label {
    pub(crate) collation: Collation,
    pub(crate) strength: Strength,
}

/// How much a collation counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Strength {
    /// Of a literal or a variable: it gives way.
    #[default]
    Default,
    /// Of a column.
    Implicit,
    /// Of COLLATE.
    Explicit,
}

impl Label {
    /// The collation of two texts that meet.
    pub(crate) fn meet(self, other: Self) -> Result<Self> {
        match self.strength.cmp(&other.strength) {
            std::cmp::Ordering::Greater => Ok(self),
            std::cmp::Ordering::Less => Ok(other),
            std::cmp::Ordering::Equal if self.collation == other.collation => Ok(self),
            std::cmp::Ordering::Equal => Err(SqlError::new(
                468,
                "Cannot resolve the collation conflict between two collations in the operation.",
            )),
        }
    }
}

impl Typed {
    pub(crate) const fn new(expr: Bound, ty: SqlType, nullable: bool) -> Self {
        let collation = Label { collation: Collation::Binary, strength: Strength::Default };
        Self { expr, ty, nullable, collation }
    }

    pub(crate) const fn constant(value: Value, ty: SqlType) -> Self {
        let nullable = value.is_null();
        Self::new(Bound::Const(value), ty, nullable)
    }

    /// The expression converted to another type.
    pub(crate) fn into_type(self, to: SqlType) -> Bound {
        if self.ty == to || matches!(self.expr, Bound::Const(Value::Null)) {
            return self.expr;
        }
        Bound::Convert { expr: Box::new(self.expr), from: self.ty, to, style: None, lenient: false }
    }
}

/// A column that names can mean.
#[derive(Debug, Clone)]
pub(crate) struct ScopeColumn {
    pub(crate) table: Option<String>,
    pub(crate) name: String,
    pub(crate) ty: SqlType,
    pub(crate) nullable: bool,
    pub(crate) collation: Label,
}

/// A column of a query's result.
#[derive(Debug, Clone)]
pub(crate) struct OutColumn {
    pub(crate) name: String,
    pub(crate) ty: SqlType,
    pub(crate) nullable: bool,
    pub(crate) collation: Label,
}

/// A query that is ready, and what it gives.
#[derive(Debug)]
pub(crate) struct BoundQuery {
    pub(crate) plan: Plan,
    pub(crate) columns: Vec<OutColumn>,
}

/// The columns of one FROM, and what its select collects.
#[derive(Debug, Default)]
struct Level {
    columns: Vec<ScopeColumn>,
    /// Set while expressions behind GROUP BY are bound.
    grouping: Option<Grouping>,
    /// Set where window functions may stand.
    windows: Option<Vec<WindowCall>>,
}

/// What a grouped select computes.
#[derive(Debug, Default)]
struct Grouping {
    /// How each key looks when bound, and what it is.
    keys: Vec<(String, SqlType, bool, Label)>,
    aggregates: Vec<Aggregate>,
}

/// Binds one statement.
pub(crate) struct Binder<'c> {
    context: &'c Context,
    /// The innermost is the last.
    levels: Vec<Level>,
    tables: Vec<CommonTable>,
    /// The outermost level that was looked at since a subquery began.
    lowest: usize,
    views: usize,
}

impl<'c> Binder<'c> {
    pub(crate) const fn new(context: &'c Context) -> Self {
        Self { context, levels: Vec::new(), tables: Vec::new(), lowest: usize::MAX, views: 0 }
    }

    /// A query that stands alone.
    pub(crate) fn query(context: &'c Context, query: &Query) -> Result<BoundQuery> {
        Binder::new(context).bind_query(query)
    }

    /// An expression without columns.
    pub(crate) fn value(context: &'c Context, expr: &Expr) -> Result<Typed> {
        let mut binder = Binder::new(context);
        binder.levels.push(Level::default());
        binder.scalar(expr)
    }

    /// A condition without columns.
    pub(crate) fn truth(context: &'c Context, expr: &Expr) -> Result<Bound> {
        let mut binder = Binder::new(context);
        binder.levels.push(Level::default());
        binder.condition(expr)
    }

    /// Expressions over one table's columns.
    pub(crate) fn over_table(context: &'c Context, table: &str, columns: &[super::catalog::Column]) -> Self {
        let mut binder = Binder::new(context);
        let columns = columns.iter().map(|column| from::table_column(Some(table), column)).collect();
        binder.levels.push(Level { columns, ..Level::default() });
        binder
    }

    fn level(&mut self) -> Result<&mut Level> {
        self.levels.last_mut().ok_or_else(|| SqlError::unsupported("an expression outside of any statement"))
    }

    /// Finds a column: in the innermost query that knows the name.
    fn column(&mut self, name: &Name) -> Result<Typed> {
        let (table, column) = match name.as_slice() {
            [column] => (None, column),
            [.., table, column] => (Some(table), column),
            [] => return Err(SqlError::syntax("DEFAULT")),
        };
        for (depth, (position, level)) in self.levels.iter().enumerate().rev().enumerate() {
            let mut found = level.columns.iter().enumerate().filter(|(_, known)| {
                known.name == *column && table.is_none_or(|table| known.table.as_ref() == Some(table))
            });
            let Some((index, known)) = found.next() else { continue };
            if found.next().is_some() {
                return Err(SqlError::new(209, format!("Ambiguous column name '{column}'.")));
            }
            if level.grouping.is_some() {
                let message = format!(
                    "Column '{}' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause.",
                    name.join(".")
                );
                return Err(SqlError::new(8120, message));
            }
            self.lowest = self.lowest.min(position);
            return Ok(Typed {
                expr: Bound::Column { depth, index },
                ty: known.ty,
                nullable: known.nullable,
                collation: known.collation,
            });
        }
        Err(match table {
            None => SqlError::new(207, format!("Invalid column name '{column}'.")),
            Some(table)
                if self
                    .levels
                    .iter()
                    .any(|level| level.columns.iter().any(|known| known.table.as_ref() == Some(table))) =>
            {
                SqlError::new(207, format!("Invalid column name '{column}'."))
            }
            Some(_) => {
                let message = format!("The multi-part identifier \"{}\" could not be bound.", name.join("."));
                SqlError::new(4104, message)
            }
        })
    }
}
