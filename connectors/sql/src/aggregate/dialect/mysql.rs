//! Aggregates of MySQL and MariaDB (MySQL Reference Manual, chapters 14.6, 14.7 and 14.19). Lists of most frequent
//! values, `first` and `last` need window functions: MySQL 8, MariaDB 10.2.

use connector_model::request::aggregate::{Step, TimeUnit};
use connector_model::target::LogicalType;
use serde_json::Number;

use super::{AggregateDialect, literal};
use crate::dialect::{Dialect, MySql};
use crate::statement::Statement;
use crate::table::TableColumn;

/// What `TO_DAYS` and `TO_SECONDS` count from year 0 to 1970-01-01.
const EPOCH_DAYS: u32 = 719_528;
const EPOCH_SECONDS: u64 = 62_167_219_200;

fn reference(column: &TableColumn) -> String {
    let mut sql = Statement::default();
    MySql.reference(&mut sql, column);
    sql.text
}

fn is_date(column: &TableColumn) -> bool {
    matches!(column.logical_type, LogicalType::Date | LogicalType::Timestamp | LogicalType::TimestampTz)
}

/// NULL for dates with a zero in them, which are shown as `null`.
fn if_whole(x: &str, then: &str) -> String {
    format!("CASE WHEN MONTH({x}) > 0 AND DAYOFMONTH({x}) > 0 THEN {then} END")
}

impl AggregateDialect for MySql {
    fn compares_as_text(&self, column: &TableColumn) -> bool {
        // Their own order is that of their declaration, which only half of the functions here go by.
        column.native_type.starts_with("enum(") || column.native_type.starts_with("set(")
    }

    fn hides(&self, column: &TableColumn) -> bool {
        is_date(column)
    }

    fn shown(&self, sql: &mut Statement, column: &TableColumn) {
        let x = reference(column);
        sql.push(&if self.hides(column) { if_whole(&x, &x) } else { x });
    }

    fn time_bucket(&self, sql: &mut Statement, column: &TableColumn, unit: TimeUnit) {
        let x = reference(column);
        let seconds = |unit: u32| format!("TO_SECONDS({x}) - TO_SECONDS({x}) % {unit} - {EPOCH_SECONDS}");
        let day = |first: String| format!("({first} - {EPOCH_DAYS}) * 86400");
        let begin = match unit {
            TimeUnit::Minute => seconds(60),
            TimeUnit::Hour => seconds(3_600),
            TimeUnit::Day => day(format!("TO_DAYS({x})")),
            // 0 is Monday.
            TimeUnit::Week => day(format!("TO_DAYS({x}) - WEEKDAY({x})")),
            TimeUnit::Month => day(format!("TO_DAYS({x}) - DAYOFMONTH({x}) + 1")),
            TimeUnit::Quarter => {
                let in_first = format!("({x} - INTERVAL (MONTH({x}) - 1) % 3 MONTH)");
                day(format!("TO_DAYS({in_first}) - DAYOFMONTH({in_first}) + 1"))
            }
            TimeUnit::Year => day(format!("TO_DAYS({x}) - DAYOFYEAR({x}) + 1")),
        };
        sql.push(&if_whole(&x, &begin));
    }

    fn step_bucket(&self, sql: &mut Statement, column: &TableColumn, step: Step) {
        let (x, step) = (reference(column), step.digits());
        if column.logical_type == LogicalType::Float {
            sql.push(&format!("FLOOR({x} / {step}e0)"));
        } else {
            // All of it is exact. A rest is cut towards zero, and may be a zero below zero until something is added.
            sql.push(&format!("ROUND(({x} - {x} % {step}) / {step}) - ({x} % {step} + 0 < 0)"));
        }
    }

    fn below(&self, sql: &mut Statement, column: &TableColumn, number: &Number) {
        sql.push(&reference(column));
        sql.push(" < ");
        sql.push(&literal(number));
    }

    fn sum(&self, sql: &mut Statement, column: &TableColumn) {
        sql.push(&format!("sum({})", reference(column)));
    }

    fn avg(&self, sql: &mut Statement, column: &TableColumn) {
        // The mean of exact numbers has four digits more than they have; a double has all that matter.
        let x = reference(column);
        sql.push(&format!("(sum({x}) + 0e0) / count({x})"));
    }

    fn only(&self, sql: &mut Statement, column: &TableColumn, condition: &dyn Fn(&mut Statement)) {
        // A shape has no greatest; the digits of its bytes have.
        let shape = column.logical_type == LogicalType::Geometry;
        sql.push(if shape { "unhex(max(CASE WHEN " } else { "max(CASE WHEN " });
        condition(sql);
        let x = reference(column);
        sql.push(&if shape { format!(" THEN hex({x}) END))") } else { format!(" THEN {x} END)") });
    }
}
