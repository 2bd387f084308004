//! CockroachDB: PostgreSQL's SQL with a few answers of its own.

use connector_model::filter::{TextTest, Typed};

use super::{Dialect, Nulls, Postgres};
use crate::statement::Statement;
use crate::table::TableColumn;

/// CockroachDB's SQL. What is not said here is said as PostgreSQL says it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cockroach;

impl Dialect for Cockroach {
    /// First in an ascending order, unlike PostgreSQL (documentation of `ORDER BY`, "Sort order for NULL").
    fn nulls(&self) -> Nulls {
        Nulls::First
    }

    fn quote(&self, sql: &mut Statement, identifier: &str) {
        Postgres.quote(sql, identifier);
    }

    fn storable(&self, value: &Typed) -> bool {
        Postgres.storable(value)
    }

    fn as_text(&self, sql: &mut Statement, column: &TableColumn) {
        Postgres.as_text(sql, column);
    }

    fn fetched(&self, sql: &mut Statement, column: &TableColumn) {
        Postgres.fetched(sql, column);
    }

    fn compared(&self, sql: &mut Statement, column: &TableColumn) {
        Postgres.compared(sql, column);
    }

    fn value(&self, sql: &mut Statement, column: &TableColumn, value: Typed) {
        Postgres.value(sql, column, value);
    }

    fn in_list(&self, sql: &mut Statement, column: &TableColumn, values: Vec<Typed>, negated: bool) {
        Postgres.in_list(sql, column, values, negated);
    }

    fn text_test(&self, sql: &mut Statement, column: &TableColumn, test: TextTest, operand: &str) {
        Postgres.text_test(sql, column, test, operand);
    }

    fn later_than(&self, sql: &mut Statement, column: &TableColumn, micros: i64) {
        Postgres.later_than(sql, column, micros);
    }

    fn window(&self, sql: &mut Statement, limit: Option<u64>, offset: u64) {
        Postgres.window(sql, limit, offset);
    }
}
