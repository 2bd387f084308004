//! Aggregates of SQLite on a server: as SQLite computes them.

use connector_model::request::aggregate::{Step, TimeUnit};

use super::AggregateDialect;
use crate::dialect::{LibSql, Sqlite};
use crate::statement::Statement;
use crate::table::TableColumn;

impl AggregateDialect for LibSql {
    fn numeric(&self, column: &TableColumn) -> bool {
        Sqlite.numeric(column)
    }

    fn temporal(&self, column: &TableColumn) -> bool {
        Sqlite.temporal(column)
    }

    fn hides(&self, column: &TableColumn) -> bool {
        Sqlite.hides(column)
    }

    fn shown(&self, sql: &mut Statement, column: &TableColumn) {
        Sqlite.shown(sql, column);
    }

    fn grouped(&self, sql: &mut Statement, column: &TableColumn) {
        Sqlite.grouped(sql, column);
    }

    fn time_bucket(&self, sql: &mut Statement, column: &TableColumn, unit: TimeUnit) {
        Sqlite.time_bucket(sql, column, unit);
    }

    fn step_bucket(&self, sql: &mut Statement, column: &TableColumn, step: Step) {
        Sqlite.step_bucket(sql, column, step);
    }

    fn sum(&self, sql: &mut Statement, column: &TableColumn) {
        Sqlite.sum(sql, column);
    }

    fn sum_parts(&self, column: &TableColumn) -> Option<[String; 2]> {
        Sqlite.sum_parts(column)
    }

    fn exact_sum(&self, sum: &str, parts: [&str; 2]) -> String {
        Sqlite.exact_sum(sum, parts)
    }

    fn avg(&self, sql: &mut Statement, column: &TableColumn) {
        Sqlite.avg(sql, column);
    }
}
