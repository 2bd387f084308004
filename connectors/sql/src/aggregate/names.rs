//! What the queries inside one aggregate call each other and their columns. No name of the job is among them.

use connector_model::target::LogicalType;

use crate::dialect::Dialect;
use crate::statement::Statement;
use crate::table::{Qualified, Reading, TableColumn};

/// The rows: the target's and those joined to it, as far as they are looked at.
pub(super) const ROWS: &str = "r";
/// The rows with their places in their groups.
pub(super) const PLACED: &str = "w";
/// The groups.
pub(super) const GROUPS: &str = "g";
/// Every rank in some list of most frequent values, per group.
pub(super) const RANKS: &str = "x";
/// How many rows a group has.
pub(super) const COUNT: &str = "n";
/// A value's rank in a list of most frequent values, from 1.
pub(super) const RANK: &str = "o";
/// A value in such a list.
pub(super) const KEY: &str = "k";

/// The dimension at a position.
pub(super) fn dimension(at: usize) -> String {
    format!("d{at}")
}

/// A column of the target, as it is shown.
pub(super) fn column(position: usize) -> String {
    format!("c{position}")
}

/// A column of the target, as it is kept: with the values that are shown as `null`.
pub(super) fn kept(position: usize) -> String {
    format!("i{position}")
}

/// The value that a measure looks at, NULL in rows that it does not.
pub(super) fn value(measure: usize) -> String {
    format!("v{measure}")
}

/// 1 in rows that a measure looks at, else NULL.
pub(super) fn passes(measure: usize) -> String {
    format!("f{measure}")
}

/// What a window of a measure says of a row.
pub(super) fn window(measure: usize) -> String {
    format!("p{measure}")
}

/// A measure.
pub(super) fn measure(at: usize) -> String {
    format!("m{at}")
}

/// The parts of a sum beside the number that compares.
pub(super) fn parts(measure: usize) -> [String; 2] {
    [format!("h{measure}"), format!("l{measure}")]
}

/// The most frequent values of a measure.
pub(super) fn top(measure: usize) -> String {
    format!("t{measure}")
}

/// Appends a name, behind that of its query where one is given.
pub(super) fn push(sql: &mut Statement, dialect: &dyn Dialect, query: Option<&str>, name: &str) {
    if let Some(query) = query {
        dialect.quote(sql, query);
        sql.push(".");
    }
    dialect.quote(sql, name);
}

/// Appends `AS` and a name.
pub(super) fn push_as(sql: &mut Statement, dialect: &dyn Dialect, name: &str) {
    sql.push(" AS ");
    dialect.quote(sql, name);
}

/// A column's values, handed out by a query of ours under a name.
pub(super) fn handed_out(of: &TableColumn, name: &str, query: Option<&str>) -> TableColumn {
    let qualified = query.map(|query| Qualified { alias: query.to_owned(), column: name.to_owned() });
    TableColumn { name: name.to_owned(), qualified, nullable: true, ..of.clone() }
}

/// A number that the query itself hands out.
pub(super) fn number(logical_type: LogicalType, name: &str) -> TableColumn {
    TableColumn {
        name: name.to_owned(),
        logical_type,
        native_type: match logical_type {
            LogicalType::Integer => "bigint".to_owned(),
            LogicalType::Float => "double precision".to_owned(),
            _ => "decimal".to_owned(),
        },
        nullable: true,
        reading: Reading::Native,
        qualified: None,
    }
}

/// A number that is computed of a group; errors call it as the job does.
pub(super) fn computed(logical_type: LogicalType, called: &str, name: &str) -> TableColumn {
    let number = number(logical_type, called);
    TableColumn { name: called.to_owned(), ..handed_out(&number, name, Some(GROUPS)) }
}
