//! Aggregates of SQL Server 2016 and later (Transact-SQL reference: aggregate, date and analytic functions).

use connector_model::request::aggregate::{Step, TimeUnit};
use connector_model::target::LogicalType;

use super::{AggregateDialect, Percentiles};
use crate::dialect::{Dialect, SqlServer};
use crate::statement::Statement;
use crate::table::{Reading, TableColumn};

/// The most digits behind a literal's point, with one before it.
const MAX_SCALE: usize = 37;

/// The day that others are counted from; a Thursday.
const EPOCH: &str = "CAST('19700101' AS date)";

fn reference(column: &TableColumn) -> String {
    let mut sql = Statement::default();
    SqlServer.reference(&mut sql, column);
    sql.text
}

/// The declared type without its length.
fn type_name(column: &TableColumn) -> &str {
    column.native_type.split(['(', ' ']).next().unwrap_or_default()
}

/// Types that are fetched and cast, and neither grouped, counted nor compared.
fn is_legacy(column: &TableColumn) -> bool {
    matches!(type_name(column), "text" | "ntext" | "image" | "xml")
}

/// A numeric column as a type whose sums, quotients and remainders are as they should be.
fn number(column: &TableColumn) -> String {
    let x = reference(column);
    match (column.logical_type, type_name(column)) {
        (LogicalType::Float, _) => format!("CAST({x} AS float)"),
        // A sum of integers is an integer of the same width, and an error beyond it.
        (LogicalType::Integer, _) => format!("CAST({x} AS decimal(38, 0))"),
        (_, "money" | "smallmoney") => format!("CAST({x} AS decimal(19, 4))"),
        _ => x,
    }
}

/// A share as a literal that is a decimal: with more digits than one has, the number is an error (1007). What is cut moves
/// the place among the rows of a group by less than the 10^18th part of a row.
fn decimal(share: f64) -> String {
    let shortest = share.to_string();
    if shortest.len() <= MAX_SCALE + 2 {
        return shortest;
    }
    let fixed = format!("{share:.MAX_SCALE$}");
    let digits = fixed.trim_end_matches('0');
    if digits.ends_with('.') { format!("{digits}0") } else { digits.to_owned() }
}

impl AggregateDialect for SqlServer {
    fn percentiles(&self) -> Percentiles {
        Percentiles::Windowed
    }

    fn compares_as_text(&self, column: &TableColumn) -> bool {
        matches!(type_name(column), "text" | "ntext" | "xml" | "hierarchyid")
            || column.reading == Reading::AsText
    }

    fn text_type(&self) -> &'static str {
        "nvarchar(max)"
    }

    fn grouped(&self, sql: &mut Statement, column: &TableColumn) {
        if AggregateDialect::compares_as_text(self, column) {
            self.as_text(sql, column);
        } else {
            // Of these only `image` is still left, which compares as newer bytes.
            self.compared(sql, column);
        }
    }

    fn fetched_within(&self, column: &TableColumn) -> bool {
        is_legacy(column) || column.logical_type == LogicalType::Geometry
    }

    fn time_bucket(&self, sql: &mut Statement, column: &TableColumn, unit: TimeUnit) {
        let x = reference(column);
        let utc = match column.logical_type {
            LogicalType::TimestampTz => format!("CAST(SWITCHOFFSET({x}, 0) AS datetime2)"),
            _ => x,
        };
        // DATEDIFF counts the boundaries in between, and so rounds down on both sides of the epoch.
        let since = |part: &str| format!("DATEDIFF({part}, {EPOCH}, {utc})");
        let begin = |part: &str| format!("DATEADD({part}, {}, {EPOCH})", since(part));
        sql.push(&match unit {
            TimeUnit::Minute => format!("DATEDIFF_BIG(minute, {EPOCH}, {utc}) * 60"),
            TimeUnit::Hour => format!("DATEDIFF_BIG(hour, {EPOCH}, {utc}) * 3600"),
            TimeUnit::Day => format!("CAST({utc} AS date)"),
            TimeUnit::Week => {
                let days = since("day");
                format!("DATEADD(day, {days} - (({days} + 3) % 7 + 7) % 7, {EPOCH})")
            }
            TimeUnit::Month => begin("month"),
            TimeUnit::Quarter => begin("quarter"),
            TimeUnit::Year => begin("year"),
        });
    }

    fn step_bucket(&self, sql: &mut Statement, column: &TableColumn, step: Step) {
        let digits = step.digits();
        let x = match column.logical_type {
            LogicalType::Float => return sql.push(&format!("FLOOR({} / {digits}e0)", number(column))),
            // No wider than a bigint: the difference below has to have room behind its point.
            LogicalType::Integer => format!("CAST({} AS decimal(19, 0))", reference(column)),
            _ => number(column),
        };
        // A quotient of decimals is cut somewhere behind the point; one without a remainder has nothing there.
        sql.push(&format!(
            "CAST(({x} - {x} % {digits}) / {digits} AS decimal(38, 0)) - CASE WHEN {x} % {digits} < 0 THEN 1 ELSE 0 END"
        ));
    }

    fn count(&self, sql: &mut Statement, column: Option<&TableColumn>) {
        match column {
            None => sql.push(self.count_rows()),
            Some(column) if is_legacy(column) || column.logical_type == LogicalType::Geometry => {
                sql.push(&format!("COUNT_BIG(CASE WHEN {} IS NOT NULL THEN 1 END)", reference(column)));
            }
            Some(column) => sql.push(&format!("COUNT_BIG({})", reference(column))),
        }
    }

    fn count_distinct(&self, sql: &mut Statement, column: &TableColumn) {
        sql.push("COUNT_BIG(DISTINCT ");
        self.grouped(sql, column);
        sql.push(")");
    }

    fn sum(&self, sql: &mut Statement, column: &TableColumn) {
        sql.push(&format!("SUM({})", number(column)));
    }

    fn avg(&self, sql: &mut Statement, column: &TableColumn) {
        let (x, sum) = (reference(column), number(column));
        sql.push(&format!("CAST(SUM({sum}) AS float) / NULLIF(COUNT_BIG({x}), 0)"));
    }

    fn extreme(&self, sql: &mut Statement, column: &TableColumn, greatest: bool) {
        let function = if greatest { "MAX" } else { "MIN" };
        if column.logical_type == LogicalType::Boolean {
            // A bit is no number.
            return sql.push(&format!("CAST({function}(CAST({} AS tinyint)) AS bit)", reference(column)));
        }
        sql.push(function);
        sql.push("(");
        self.grouped(sql, column);
        sql.push(")");
    }

    fn percentile(&self, sql: &mut Statement, column: &TableColumn, share: f64) {
        let x = number(column);
        let share = decimal(share);
        sql.push(&format!("PERCENTILE_CONT({share}) WITHIN GROUP (ORDER BY CAST({x} AS float))"));
    }

    fn only(&self, sql: &mut Statement, column: &TableColumn, condition: &dyn Fn(&mut Statement)) {
        let bit = column.logical_type == LogicalType::Boolean;
        sql.push(if bit { "CAST(MAX(CASE WHEN " } else { "MAX(CASE WHEN " });
        condition(sql);
        sql.push(" THEN ");
        match (bit, self.fetched_within(column)) {
            (true, _) => sql.push(&format!("CAST({} AS tinyint)", reference(column))),
            (_, true) => self.fetched(sql, column),
            _ => self.reference(sql, column),
        }
        sql.push(if bit { " END) AS bit)" } else { " END)" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_decimal_that_the_server_can_read() {
        for (share, expected) in [(0.25, "0.25"), (0.999, "0.999"), (1e-50, "0.0"), (0.5, "0.5"), (1.0, "1")]
        {
            let literal = decimal(share);
            assert!(literal.len() <= MAX_SCALE + 2, "{literal}");
            assert!(literal.starts_with(expected) && literal.parse::<f64>().is_ok(), "{share}: {literal}");
            assert!((literal.parse::<f64>().unwrap() - share).abs() < 1e-16);
        }
        assert!(decimal(1e-30).starts_with("0.000000000000000000000000000001"));
    }
}
