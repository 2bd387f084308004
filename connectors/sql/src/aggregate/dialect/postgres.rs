//! Aggregates of PostgreSQL and its relatives (documentation, chapters 9.3, 9.9 and 9.21).

use connector_model::request::aggregate::{Step, TimeUnit};
use connector_model::target::LogicalType;

use super::{AggregateDialect, Percentiles};
use crate::dialect::{Dialect, Postgres};
use crate::statement::Statement;
use crate::table::{Reading, TableColumn};

impl Postgres {
    /// A numeric column as a type that has sums, means and division.
    fn number(&self, sql: &mut Statement, column: &TableColumn) {
        self.reference(sql, column);
        match column.logical_type {
            // A sum of `real` values would itself be one.
            LogicalType::Float => sql.push("::float8"),
            _ if column.native_type == "money" => sql.push("::numeric"),
            _ if column.native_type == "oid" => sql.push("::int8"),
            _ => {}
        }
    }

    /// `CASE WHEN` the value is neither NaN nor infinite `THEN`; nothing for a type that has no such values.
    fn if_finite(&self, sql: &mut Statement, column: &TableColumn) -> bool {
        match column.logical_type {
            LogicalType::Float | LogicalType::Decimal if column.native_type != "money" => {
                sql.push("CASE WHEN ");
                self.reference(sql, column);
                sql.push(" - ");
                self.reference(sql, column);
                sql.push(" = 0 THEN ");
                true
            }
            LogicalType::Date | LogicalType::Timestamp | LogicalType::TimestampTz => {
                sql.push("CASE WHEN ");
                self.reference(sql, column);
                sql.push(" > '-infinity' AND ");
                self.reference(sql, column);
                sql.push(" < 'infinity' THEN ");
                true
            }
            _ => false,
        }
    }
}

impl AggregateDialect for Postgres {
    fn percentiles(&self) -> Percentiles {
        Percentiles::Grouped
    }

    fn compares_as_text(&self, column: &TableColumn) -> bool {
        column.native_type == "xml" || (column.reading == Reading::AsText && column.native_type != "money")
    }

    fn hides(&self, column: &TableColumn) -> bool {
        use LogicalType::{Date, Decimal, Float, Timestamp, TimestampTz};
        matches!(column.logical_type, Float | Decimal | Date | Timestamp | TimestampTz)
            && column.native_type != "money"
            && column.reading == Reading::Native
    }

    fn shown(&self, sql: &mut Statement, column: &TableColumn) {
        let finite = self.hides(column) && self.if_finite(sql, column);
        self.reference(sql, column);
        sql.push(if finite { " END" } else { "" });
    }

    fn grouped(&self, sql: &mut Statement, column: &TableColumn) {
        if column.native_type == "money" {
            // A type that has a least value.
            self.number(sql, column);
        } else if self.compares_as_text(column) {
            self.as_text(sql, column);
        } else {
            self.reference(sql, column);
        }
    }

    fn time_bucket(&self, sql: &mut Statement, column: &TableColumn, unit: TimeUnit) {
        let finite = self.if_finite(sql, column);
        sql.push(&format!("date_trunc('{}', ", unit.as_str()));
        self.reference(sql, column);
        sql.push(match column.logical_type {
            LogicalType::TimestampTz => " AT TIME ZONE 'UTC')",
            _ => "::timestamp)",
        });
        sql.push(if finite { " END" } else { "" });
    }

    fn step_bucket(&self, sql: &mut Statement, column: &TableColumn, step: Step) {
        let finite = self.if_finite(sql, column);
        let digits = step.digits();
        if column.logical_type == LogicalType::Float {
            // A quotient that is too small for a double is an error here: within one step only the side of zero counts.
            let mut number = Statement::default();
            self.number(&mut number, column);
            let (x, step) = (number.text, format!("{digits}::float8"));
            sql.push(&format!("floor(CASE WHEN abs({x}) < {step} THEN sign({x}) / 2 ELSE {x} / {step} END)"));
        } else {
            // `div` and `mod` are exact where a quotient would be rounded; both cut towards zero.
            for (before, after) in [("div(", ""), (" - CASE WHEN mod(", " < 0 THEN 1 ELSE 0 END")] {
                sql.push(before);
                self.reference(sql, column);
                sql.push(&format!("::numeric, {digits}::numeric){after}"));
            }
        }
        sql.push(if finite { " END" } else { "" });
    }

    fn below(&self, sql: &mut Statement, column: &TableColumn, number: &serde_json::Number) {
        self.number(sql, column);
        sql.push(" < ");
        sql.push(&super::literal(number));
    }

    fn sum(&self, sql: &mut Statement, column: &TableColumn) {
        sql.push("sum(");
        self.number(sql, column);
        sql.push(")");
    }

    fn avg(&self, sql: &mut Statement, column: &TableColumn) {
        sql.push("avg(");
        self.number(sql, column);
        sql.push(")::float8");
    }

    fn extreme(&self, sql: &mut Statement, column: &TableColumn, greatest: bool) {
        let function = if greatest { "max" } else { "min" };
        // Before version 18 neither `uuid` nor `bytea` has a least value; hexadecimal digits keep their order.
        match column.logical_type {
            LogicalType::Boolean => {
                sql.push(if greatest { "bool_or(" } else { "bool_and(" });
                self.reference(sql, column);
                sql.push(")");
            }
            LogicalType::Uuid => {
                sql.push(&format!("CAST({function}(CAST("));
                self.reference(sql, column);
                sql.push(" AS text) COLLATE \"C\") AS uuid)");
            }
            LogicalType::Bytes => {
                sql.push(&format!("decode({function}(encode("));
                self.reference(sql, column);
                sql.push(", 'hex') COLLATE \"C\"), 'hex')");
            }
            _ => {
                sql.push(&format!("{function}("));
                self.grouped(sql, column);
                sql.push(")");
            }
        }
    }

    fn percentile(&self, sql: &mut Statement, column: &TableColumn, share: f64) {
        sql.push(&format!("percentile_cont({share}) WITHIN GROUP (ORDER BY "));
        self.reference(sql, column);
        sql.push(if column.native_type == "money" { "::numeric::float8)" } else { "::float8)" });
    }

    fn only(&self, sql: &mut Statement, column: &TableColumn, condition: &dyn Fn(&mut Statement)) {
        let array = column.logical_type == LogicalType::Array;
        // An array of one holds a value of any type, but of an array it would make another dimension.
        sql.push(if array { "max(" } else { "(array_agg(" });
        self.reference(sql, column);
        sql.push(") FILTER (WHERE ");
        condition(sql);
        sql.push(if array { ")" } else { "))[1]" });
    }
}
