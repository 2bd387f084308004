//! Aggregates of CockroachDB: PostgreSQL's, but for what it has by itself.

use connector_model::request::aggregate::{Step, TimeUnit};
use connector_model::target::LogicalType;
use serde_json::Number;

use super::{AggregateDialect, Percentiles};
use crate::dialect::{Cockroach, Dialect, Postgres};
use crate::statement::Statement;
use crate::table::{Reading, TableColumn};

impl AggregateDialect for Cockroach {
    fn percentiles(&self) -> Percentiles {
        Postgres.percentiles()
    }

    fn compares_as_text(&self, column: &TableColumn) -> bool {
        Postgres.compares_as_text(column)
    }

    fn hides(&self, column: &TableColumn) -> bool {
        Postgres.hides(column)
    }

    fn shown(&self, sql: &mut Statement, column: &TableColumn) {
        Postgres.shown(sql, column);
    }

    fn grouped(&self, sql: &mut Statement, column: &TableColumn) {
        Postgres.grouped(sql, column);
    }

    fn time_bucket(&self, sql: &mut Statement, column: &TableColumn, unit: TimeUnit) {
        Postgres.time_bucket(sql, column, unit);
    }

    fn step_bucket(&self, sql: &mut Statement, column: &TableColumn, step: Step) {
        Postgres.step_bucket(sql, column, step);
    }

    fn below(&self, sql: &mut Statement, column: &TableColumn, number: &Number) {
        Postgres.below(sql, column, number);
    }

    fn sum(&self, sql: &mut Statement, column: &TableColumn) {
        Postgres.sum(sql, column);
    }

    fn avg(&self, sql: &mut Statement, column: &TableColumn) {
        Postgres.avg(sql, column);
    }

    fn extreme(&self, sql: &mut Statement, column: &TableColumn, greatest: bool) {
        // It has a least and a greatest UUID and byte string of its own, and no collation "C".
        if matches!(column.logical_type, LogicalType::Uuid | LogicalType::Bytes) {
            sql.push(if greatest { "max(" } else { "min(" });
            self.reference(sql, column);
            return sql.push(")");
        }
        Postgres.extreme(sql, column, greatest);
    }

    fn percentile(&self, sql: &mut Statement, column: &TableColumn, share: f64) {
        Postgres.percentile(sql, column, share);
    }

    fn only(&self, sql: &mut Statement, column: &TableColumn, condition: &dyn Fn(&mut Statement)) {
        // It has a greatest value of every type but arrays, and no arrays of all types.
        let array = column.logical_type == LogicalType::Array;
        sql.push(if column.logical_type == LogicalType::Boolean { "bool_or(" } else { "max(" });
        sql.push("CASE WHEN ");
        condition(sql);
        sql.push(" THEN ");
        self.reference(sql, column);
        sql.push(if array { "::text END)" } else { " END)" });
        if array && column.reading == Reading::Native {
            sql.push("::");
            sql.push(&column.native_type);
        }
    }
}
