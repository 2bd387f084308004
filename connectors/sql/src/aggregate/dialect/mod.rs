//! What differs between engines where rows are grouped: one file each.

mod clickhouse;
mod cockroach;
mod libsql;
mod mssql;
mod mysql;
mod postgres;
mod sqlite;

use connector_model::request::aggregate::{Step, TimeUnit};
use connector_model::target::LogicalType;
use serde_json::Number;

use crate::dialect::Dialect;
use crate::statement::Statement;
use crate::table::{Reading, TableColumn};

/// How an engine computes a percentile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Percentiles {
    /// Not at all.
    None,
    /// As an aggregate of a group.
    Grouped,
    /// As a window over each row's group.
    Windowed,
}

/// An engine's way of grouping and measuring in SQL. A `column` is either one of the target or one that an inner
/// query of the same statement hands out; [`Dialect::reference`] names both.
pub trait AggregateDialect: Dialect {
    /// Whether the column's values can be summed.
    fn numeric(&self, column: &TableColumn) -> bool {
        matches!(column.logical_type, LogicalType::Integer | LogicalType::Float | LogicalType::Decimal)
    }

    /// Whether the column's values are moments.
    fn temporal(&self, column: &TableColumn) -> bool {
        matches!(column.logical_type, LogicalType::Date | LogicalType::Timestamp | LogicalType::TimestampTz)
    }

    /// Whether the column's values can equal, and be less than, each other.
    fn has_order(&self, column: &TableColumn) -> bool {
        !matches!(column.logical_type, LogicalType::Json | LogicalType::Array | LogicalType::Geometry)
    }

    /// How percentiles are computed.
    fn percentiles(&self) -> Percentiles {
        Percentiles::None
    }

    /// Whether the column's values only equal and follow each other as texts.
    fn compares_as_text(&self, column: &TableColumn) -> bool {
        column.reading == Reading::AsText
    }

    /// What such a text's type is called.
    fn text_type(&self) -> &'static str {
        "text"
    }

    /// Whether the column's type has values that are shown as `null`: NaN, infinities, dates that are none.
    fn hides(&self, column: &TableColumn) -> bool {
        let _ = column;
        false
    }

    /// The column as it is shown: NULL for a value that its type [hides](AggregateDialect::hides). No group, no measure
    /// and no order of rows that changed sees such a value.
    fn shown(&self, sql: &mut Statement, column: &TableColumn) {
        self.reference(sql, column);
    }

    /// The column where rows are grouped by it, or its different values are counted; as text where it
    /// [compares so](AggregateDialect::compares_as_text). What is hidden is gone before.
    fn grouped(&self, sql: &mut Statement, column: &TableColumn) {
        if AggregateDialect::compares_as_text(self, column) {
            self.as_text(sql, column);
        } else {
            self.reference(sql, column);
        }
    }

    /// Where the unit of the calendar, in UTC, begins that a moment is in: a timestamp, a date, or whole seconds since
    /// 1970-01-01. NULL for what is no moment.
    fn time_bucket(&self, sql: &mut Statement, column: &TableColumn, unit: TimeUnit);

    /// The number of the range that a value is in: the greatest whole number that, times the step, is not above it.
    /// Exact where the column is.
    fn step_bucket(&self, sql: &mut Statement, column: &TableColumn, step: Step);

    /// Whether the column's value is below a number.
    fn below(&self, sql: &mut Statement, column: &TableColumn, number: &Number) {
        self.reference(sql, column);
        sql.push(" < ");
        sql.push(&literal(number));
    }

    /// How many rows, or values of a column, there are: an integer of 64 bits.
    fn count(&self, sql: &mut Statement, column: Option<&TableColumn>) {
        match column {
            None => sql.push(self.count_rows()),
            Some(column) => {
                sql.push("count(");
                self.reference(sql, column);
                sql.push(")");
            }
        }
    }

    /// How many different values there are: an integer of 64 bits.
    fn count_distinct(&self, sql: &mut Statement, column: &TableColumn) {
        sql.push("count(DISTINCT ");
        self.grouped(sql, column);
        sql.push(")");
    }

    /// The sum of a [numeric](AggregateDialect::numeric) column, as a number that can be compared; exact for whole
    /// and decimal columns, unless it has [parts](AggregateDialect::sum_parts).
    fn sum(&self, sql: &mut Statement, column: &TableColumn);

    /// Where sums may be equal as numbers that can be compared and still differ: two more numbers, by which, one after
    /// the other, such sums are ordered.
    fn sum_parts(&self, column: &TableColumn) -> Option<[String; 2]> {
        let _ = column;
        None
    }

    /// The exact sum, of the names of what can be compared and of its parts.
    fn exact_sum(&self, sum: &str, parts: [&str; 2]) -> String {
        let _ = parts;
        sum.to_owned()
    }

    /// The mean of a numeric column, as a double.
    fn avg(&self, sql: &mut Statement, column: &TableColumn);

    /// The least or the greatest value of a column that [has an order](AggregateDialect::has_order).
    fn extreme(&self, sql: &mut Statement, column: &TableColumn, greatest: bool) {
        sql.push(if greatest { "max(" } else { "min(" });
        self.grouped(sql, column);
        sql.push(")");
    }

    /// The interpolated value below which the share of a numeric column's values lies, as a double; where percentiles
    /// are [windows](Percentiles::Windowed), what stands before `OVER`.
    fn percentile(&self, sql: &mut Statement, column: &TableColumn, share: f64) {
        sql.push(&format!("percentile_cont({share}) WITHIN GROUP (ORDER BY "));
        self.reference(sql, column);
        sql.push(")");
    }

    /// Whether [`AggregateDialect::only`] hands the column's values out as they are fetched, because their own type has
    /// no aggregate at all.
    fn fetched_within(&self, column: &TableColumn) -> bool {
        let _ = column;
        false
    }

    /// The column's value in the one row for which `condition` holds, of any type; NULL when there is none.
    fn only(&self, sql: &mut Statement, column: &TableColumn, condition: &dyn Fn(&mut Statement)) {
        sql.push("max(CASE WHEN ");
        condition(sql);
        sql.push(" THEN ");
        self.reference(sql, column);
        sql.push(" END)");
    }
}

/// A number of a job in SQL's digits: exact as a decimal where that is short, else with an exponent.
pub(super) fn literal(number: &Number) -> String {
    if number.is_i64() || number.is_u64() {
        return number.to_string();
    }
    let value = number.as_f64().unwrap_or(f64::NAN);
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if (1e-15..1e15).contains(&size) {
        format!("{value}")
    } else {
        format!("{value:e}")
    }
}
