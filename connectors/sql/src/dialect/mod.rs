//! What differs between engines: one file each.

pub(crate) mod clickhouse;
mod cockroach;
mod libsql;
mod mssql;
mod mysql;
mod postgres;
mod sqlite;

pub use clickhouse::{ClickHouse, ClickHouseType};
pub use cockroach::Cockroach;
pub use libsql::LibSql;
pub use mssql::SqlServer;
pub use mysql::MySql;
pub use postgres::Postgres;
pub use sqlite::Sqlite;

use std::cmp::Ordering;

use connector_model::filter::{TextTest, Typed};
use connector_model::target::LogicalType;

use crate::statement::Statement;
use crate::table::{Qualified, Reading, Table, TableColumn};

/// Where NULL stands in an ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// Before every value.
    First,
    /// After every value.
    Last,
}

/// An engine's way of saying things in SQL.
pub trait Dialect: Send + Sync {
    /// An identifier in quotes.
    fn quote(&self, sql: &mut Statement, identifier: &str);

    /// A column where a statement speaks of it: behind its table's alias, where the statement gives tables aliases.
    fn reference(&self, sql: &mut Statement, column: &TableColumn) {
        match &column.qualified {
            None => self.quote(sql, &column.name),
            Some(Qualified { alias, column }) => {
                self.quote(sql, alias);
                sql.push(".");
                self.quote(sql, column);
            }
        }
    }

    /// Where NULL stands in an ascending order; a descending order is the reverse.
    fn nulls(&self) -> Nulls;

    /// What stands behind a column to have its greatest value first, where NULL is among the greatest or the least as
    /// [`Dialect::nulls`] says.
    fn descending(&self, column: &TableColumn) -> &'static str {
        let _ = column;
        " DESC"
    }

    /// Whether a column of this engine can hold the value at all; nothing equals one that it cannot.
    fn storable(&self, value: &Typed) -> bool {
        let _ = value;
        true
    }

    /// Where a value stands that is outside of everything a column of its type can hold here: above or below all of it.
    fn beyond(&self, value: &Typed) -> Option<Ordering> {
        let _ = value;
        None
    }

    /// The greatest value that `column` can hold below one that lies between two such values.
    fn between(&self, column: &TableColumn, value: &Typed) -> Option<Typed> {
        let _ = (column, value);
        None
    }

    /// Whether a column may hold values of another type than its own; a cursor then says which type its parts have.
    fn mixes_types(&self) -> bool {
        false
    }

    /// Whether `(a, b) > (x, y)` is understood and uses an index.
    fn row_comparison(&self) -> bool {
        true
    }

    /// What counts rows, however many there are.
    fn count_rows(&self) -> &'static str {
        "count(*)"
    }

    /// The column cast to text.
    fn as_text(&self, sql: &mut Statement, column: &TableColumn);

    /// A parameter that is compared with `column`.
    fn value(&self, sql: &mut Statement, column: &TableColumn, value: Typed);

    /// A parameter that holds a cursor's part: a value of `column` as the driver gave it when the page before ended.
    fn resumed(&self, sql: &mut Statement, column: &TableColumn, value: Typed) {
        self.value(sql, column, value);
    }

    /// Whether `column`'s value is (or, negated, is not) one of `values`, which is not empty and holds no NULL.
    fn in_list(&self, sql: &mut Statement, column: &TableColumn, values: Vec<Typed>, negated: bool);

    /// A text test on `column`.
    fn text_test(&self, sql: &mut Statement, column: &TableColumn, test: TextTest, operand: &str);

    /// Whether `column` is later than a moment (microseconds since 1970-01-01 UTC).
    fn later_than(&self, sql: &mut Statement, column: &TableColumn, micros: i64);

    /// What stands before the window of a result that has no order.
    fn unordered(&self) -> &'static str {
        ""
    }

    /// What ends the statement: `LIMIT … OFFSET …`.
    fn window(&self, sql: &mut Statement, limit: Option<u64>, offset: u64);

    /// The target's quoted name.
    fn from(&self, sql: &mut Statement, table: &Table) {
        for (position, part) in table.path.iter().enumerate() {
            if position > 0 {
                sql.push(".");
            }
            self.quote(sql, part);
        }
    }

    /// The column where it is fetched.
    fn fetched(&self, sql: &mut Statement, column: &TableColumn) {
        match column.reading {
            Reading::Native => self.reference(sql, column),
            Reading::AsText | Reading::AsTextArray | Reading::AsWkb => self.as_text(sql, column),
        }
    }

    /// The column where it is compared: types without an order of their own are compared as text.
    fn compared(&self, sql: &mut Statement, column: &TableColumn) {
        if compares_as_text(column) { self.as_text(sql, column) } else { self.reference(sql, column) }
    }

    /// Whether a joined target's column equals the target's own: what stands behind `ON`. Texts of two collations are
    /// an error to some engines; what such texts are compared by is the dialect's to choose.
    fn equal(&self, sql: &mut Statement, local: &TableColumn, foreign: &TableColumn) {
        self.compared(sql, local);
        sql.push(" = ");
        self.compared(sql, foreign);
    }

    /// The column where rows are ordered by it.
    fn ordered(&self, sql: &mut Statement, column: &TableColumn) {
        match column.logical_type {
            LogicalType::Json | LogicalType::Geometry => self.as_text(sql, column),
            _ => self.reference(sql, column),
        }
    }
}

/// Whether comparisons look at the text of this column's value.
fn compares_as_text(column: &TableColumn) -> bool {
    match column.logical_type {
        LogicalType::Json | LogicalType::Array | LogicalType::Geometry | LogicalType::Unknown => true,
        LogicalType::Text => column.reading == Reading::AsText,
        _ => false,
    }
}

/// A `LIKE` pattern for a text test; `\` escapes. Caller's patterns are kept, but for a lone `\` at their end,
/// which stands for itself.
fn like_pattern(test: TextTest, operand: &str) -> String {
    let literal = || {
        let mut escaped = String::with_capacity(operand.len() + 8);
        for character in operand.chars() {
            if matches!(character, '%' | '_' | '\\') {
                escaped.push('\\');
            }
            escaped.push(character);
        }
        escaped
    };
    match test {
        TextTest::Contains => format!("%{}%", literal()),
        TextTest::StartsWith => format!("{}%", literal()),
        TextTest::EndsWith => format!("%{}", literal()),
        TextTest::Like | TextTest::ILike => {
            let trailing = operand.bytes().rev().take_while(|byte| *byte == b'\\').count();
            if trailing % 2 == 1 { format!("{operand}\\") } else { operand.to_owned() }
        }
    }
}
