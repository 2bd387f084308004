//! A target and the targets joined to it, as one table of all their columns.

use connector_model::error::{Error, Result};
use connector_model::request::aggregate::Join;
use connector_model::target::LogicalType;

use crate::dialect::Dialect;
use crate::statement::Statement;
use crate::table::{Qualified, Table, TableColumn};

/// What a statement calls the target itself, where it has joins. The job's own aliases never reach the SQL: engines
/// differ in which of them are equal.
const BASE: &str = "t";

/// Where a statement's rows come from.
pub(crate) struct Source<'t> {
    base: &'t Table,
    joined: Vec<Joined<'t>>,
    merged: Option<Table>,
}

struct Joined<'t> {
    table: &'t Table,
    alias: String,
    local: TableColumn,
    foreign: TableColumn,
}

impl<'t> Source<'t> {
    /// The target with its joins; `tables` are the joined targets, in the order of `joins`.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the part of `joins` that is wrong.
    pub(crate) fn new(base: &'t Table, joins: &[Join], tables: &[&'t Table]) -> Result<Self> {
        if joins.len() != tables.len() {
            return Err(Error::internal("a join without its table"));
        }
        if joins.is_empty() {
            return Ok(Source { base, joined: Vec::new(), merged: None });
        }
        let mut columns: Vec<TableColumn> =
            base.columns.iter().map(|column| behind(column, BASE, column.name.clone())).collect();
        let mut joined = Vec::with_capacity(joins.len());
        for (at, (join, table)) in joins.iter().zip(tables.iter().copied()).enumerate() {
            let alias = format!("j{at}");
            let local = base.column(base.position(&format!("joins[{at}].on.local"), &join.local)?)?;
            let foreign = table.column(table.position(&format!("joins[{at}].on.foreign"), &join.foreign)?)?;
            if !comparable(local, foreign) {
                let problem = format!(
                    "column \"{}\" of \"{}\" ({}) cannot equal column \"{}\" of \"{}\" ({})",
                    foreign.name, table.name, foreign.native_type, local.name, base.name, local.native_type
                );
                let option = format!("joins[{at}].on.foreign");
                return Err(Error::option(&option, problem).with("column", foreign.name.clone()));
            }
            let offered = table.columns.iter().map(|column| TableColumn {
                // A row that nothing was joined to has NULL in all of them.
                nullable: true,
                ..behind(column, &alias, format!("{}.{}", join.alias, column.name))
            });
            for column in offered {
                if base.columns.iter().any(|known| known.name == column.name) {
                    let problem = format!(
                        "target \"{}\" has a column \"{}\" of its own, which could not be told from this join's; \
                         use another alias",
                        base.name, column.name
                    );
                    return Err(Error::option(&format!("joins[{at}].alias"), problem));
                }
                columns.push(column);
            }
            joined.push(Joined {
                local: behind(local, BASE, local.name.clone()),
                foreign: behind(foreign, &alias, foreign.name.clone()),
                table,
                alias,
            });
        }
        // Rows of the whole are not told apart by the key of a part.
        let merged = Table { name: base.name.clone(), path: base.path.clone(), columns, key: Vec::new() };
        Ok(Source { base, joined, merged: Some(merged) })
    }

    /// All columns: the target's own by their names, in their places; joined ones as `alias.column` behind them.
    pub(crate) fn table(&self) -> &Table {
        self.merged.as_ref().unwrap_or(self.base)
    }

    /// The target itself.
    pub(crate) fn base(&self) -> &'t Table {
        self.base
    }

    /// The merged table, where there are joins.
    pub(crate) fn into_merged(self) -> Option<Table> {
        self.merged
    }

    /// Appends what stands behind `FROM`.
    pub(crate) fn from(&self, sql: &mut Statement, dialect: &dyn Dialect) {
        dialect.from(sql, self.base);
        if self.joined.is_empty() {
            return;
        }
        sql.push(" AS ");
        dialect.quote(sql, BASE);
        for joined in &self.joined {
            sql.push(" LEFT JOIN ");
            dialect.from(sql, joined.table);
            sql.push(" AS ");
            dialect.quote(sql, &joined.alias);
            sql.push(" ON ");
            dialect.equal(sql, &joined.local, &joined.foreign);
        }
    }
}

fn behind(column: &TableColumn, alias: &str, name: String) -> TableColumn {
    let qualified = Some(Qualified { alias: alias.to_owned(), column: column.name.clone() });
    TableColumn { name, qualified, ..column.clone() }
}

/// Whether `=` between the two columns means something in every row. Engines that bring one side to the other's type
/// find a zero in every text.
fn comparable(local: &TableColumn, foreign: &TableColumn) -> bool {
    use LogicalType::{Array, Decimal, Float, Geometry, Integer, Json, Text, Unknown};
    let number = |of: LogicalType| matches!(of, Integer | Float | Decimal);
    let text = |of: LogicalType| matches!(of, Text | Unknown);
    // A column without a declared type (SQLite) may hold what the other one does.
    let untyped = |column: &TableColumn| column.logical_type == Unknown && column.native_type.is_empty();
    match (local.logical_type, foreign.logical_type) {
        (Json | Geometry | Array, _) | (_, Json | Geometry | Array) => false,
        (left, right) if left == right => true,
        (left, right) if (number(left) && number(right)) || (text(left) && text(right)) => true,
        _ => untyped(local) || untyped(foreign),
    }
}
