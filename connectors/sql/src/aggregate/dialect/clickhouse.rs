//! Aggregates of ClickHouse (documentation, "Aggregate functions"). Without a row an aggregate function gives 0 or an
//! empty text there, unless its name ends with `OrNull`.

use connector_model::request::aggregate::{Step, TimeUnit};
use connector_model::target::LogicalType;
use serde_json::Number;

use super::{AggregateDialect, Percentiles};
use crate::dialect::clickhouse::{ClickHouse, Kind, kind, shown_of, text_of};
use crate::dialect::{ClickHouseType, Dialect};
use crate::statement::Statement;
use crate::table::TableColumn;

/// Seconds of a day.
const DAY: i64 = 86_400;

fn reference(column: &TableColumn) -> String {
    text_of(&ClickHouse, column)
}

/// A numeric column as a type whose sums do not run over.
fn number(column: &TableColumn) -> String {
    let x = reference(column);
    match kind(column) {
        Kind::Integer { bits: 128.. } => format!("toInt256({x})"),
        Kind::Integer { .. } => format!("toInt128({x})"),
        Kind::Decimal { digits: Some((_, scale)) } => format!("toDecimal256({x}, {scale})"),
        Kind::Float { .. } => format!("toFloat64({x})"),
        _ => x,
    }
}

/// `x / y`, rounded down, of whole numbers.
fn floor(x: &str, y: &str) -> String {
    format!("(intDiv({x}, {y}) - (modulo({x}, {y}) < 0))")
}

/// The whole seconds of a moment, rounded down.
fn seconds(column: &TableColumn) -> String {
    let x = reference(column);
    match kind(column) {
        Kind::Date => format!("(toInt64(toInt32({x})) * {DAY})"),
        Kind::Moment { scale: 0 } => format!("toInt64(toUnixTimestamp({x}))"),
        Kind::Moment { scale: 1..=3 } => floor(&format!("toUnixTimestamp64Milli({x})"), "1000"),
        Kind::Moment { scale: 4..=6 } => floor(&format!("toUnixTimestamp64Micro({x})"), "1000000"),
        _ => floor(&format!("toUnixTimestamp64Nano({x})"), "1000000000"),
    }
}

/// A number in digits, and how many of them stand behind the point; `None` for one with an exponent.
fn digits(number: &Number) -> Option<(String, usize)> {
    let text = super::literal(number);
    let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    (!text.contains('e')).then_some((text, scale))
}

impl AggregateDialect for ClickHouse {
    fn has_order(&self, column: &TableColumn) -> bool {
        use LogicalType::{Array, Geometry, Json};
        !matches!(column.logical_type, Json | Array | Geometry) && kind(column) != Kind::State
    }

    fn percentiles(&self) -> Percentiles {
        Percentiles::Grouped
    }

    fn compares_as_text(&self, column: &TableColumn) -> bool {
        matches!(kind(column), Kind::Enumerated | Kind::Other | Kind::Fixed)
    }

    fn text_type(&self) -> &'static str {
        "String"
    }

    fn hides(&self, column: &TableColumn) -> bool {
        matches!(kind(column), Kind::Float { .. })
    }

    fn shown(&self, sql: &mut Statement, column: &TableColumn) {
        let x = reference(column);
        // NaN and infinities, which JSON has no number for; and a group tells a zero from its negative.
        let shown = || format!("if(isFinite({x}), if({x} = 0, abs({x}), {x}), NULL)");
        sql.push(&if self.hides(column) { shown() } else { x });
    }

    fn time_bucket(&self, sql: &mut Statement, column: &TableColumn, unit: TimeUnit) {
        let seconds = seconds(column);
        let days = floor(&seconds, &DAY.to_string());
        // The calendar's functions of other types give days that are 16 bits.
        let day = format!("CAST(toInt32({days}), '{}')", date_type(column));
        let since = |days: &str| format!("toInt64({days}) * {DAY}");
        sql.push(&match unit {
            TimeUnit::Minute => format!("{} * 60", floor(&seconds, "60")),
            TimeUnit::Hour => format!("{} * 3600", floor(&seconds, "3600")),
            TimeUnit::Day => since(&days),
            // 1970-01-01 was a Thursday.
            TimeUnit::Week => since(&format!("({days} - modulo(modulo({days} + 3, 7) + 7, 7))")),
            TimeUnit::Month => since(&format!("(toInt32({day}) - toDayOfMonth({day}) + 1)")),
            TimeUnit::Quarter => {
                since(&format!("toInt32(makeDate32(toYear({day}), 3 * toQuarter({day}) - 2, 1))"))
            }
            TimeUnit::Year => since(&format!("(toInt32({day}) - toDayOfYear({day}) + 1)")),
        });
    }

    fn step_bucket(&self, sql: &mut Statement, column: &TableColumn, step: Step) {
        let digits = step.digits();
        let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
        let x = reference(column);
        let scale = match kind(column) {
            Kind::Integer { .. } => 0,
            Kind::Decimal { digits: Some((_, scale)) } => scale,
            _ => return sql.push(&format!("floor(toFloat64({x}) / toFloat64('{digits}'))")),
        };
        // Both sides by the same power of ten: whole numbers.
        let power = scale.max(fraction.len());
        let ten = format!("toInt256('1{}')", "0".repeat(power));
        let step = format!("{whole}{fraction:0<power$}");
        let step = step.trim_start_matches('0');
        let number = match scale {
            0 => format!("(toInt256({x}) * {ten})"),
            _ => format!("toInt256(toDecimal256({x}, {scale}) * {ten})"),
        };
        sql.push(&floor(&number, &format!("toInt256('{step}')")));
    }

    fn below(&self, sql: &mut Statement, column: &TableColumn, number: &Number) {
        self.reference(sql, column);
        sql.push(" < ");
        sql.push(&match (kind(column), digits(number)) {
            (Kind::Decimal { .. }, Some((text, scale))) => format!("toDecimal256('{text}', {scale})"),
            _ => super::literal(number),
        });
    }

    fn count_distinct(&self, sql: &mut Statement, column: &TableColumn) {
        // What `DISTINCT` counts with is a setting.
        sql.push("uniqExact(");
        self.grouped(sql, column);
        sql.push(")");
    }

    fn sum(&self, sql: &mut Statement, column: &TableColumn) {
        let function = if self.hides(column) { "sumKahanOrNull" } else { "sumOrNull" };
        sql.push(&format!("{function}({})", number(column)));
    }

    fn avg(&self, sql: &mut Statement, column: &TableColumn) {
        sql.push(&format!("avgOrNull(toFloat64({}))", reference(column)));
    }

    fn extreme(&self, sql: &mut Statement, column: &TableColumn, greatest: bool) {
        let function = if greatest { "maxOrNull" } else { "minOrNull" };
        if kind(column) == Kind::Uuid {
            // The order of their texts; the server's own begins in the middle.
            return sql.push(&format!("toUUID({function}(toString({})))", reference(column)));
        }
        sql.push(function);
        sql.push("(");
        self.grouped(sql, column);
        sql.push(")");
    }

    fn percentile(&self, sql: &mut Statement, column: &TableColumn, share: f64) {
        sql.push(&format!("quantileExactInclusiveOrNull({share})(toFloat64({}))", reference(column)));
    }

    fn fetched_within(&self, column: &TableColumn) -> bool {
        // None of these can be NULL, and so none stands for a group without such a row.
        matches!(
            kind(column),
            Kind::Array(_)
                | Kind::Map(..)
                | Kind::Tuple(_)
                | Kind::Document
                | Kind::Point
                | Kind::Geometry(..)
                | Kind::State
        )
    }

    fn only(&self, sql: &mut Statement, column: &TableColumn, condition: &dyn Fn(&mut Statement)) {
        let x = reference(column);
        let value = match kind(column) {
            Kind::State => shown_of(column, &x).unwrap_or(x),
            _ if self.fetched_within(column) => {
                format!("toJSONString({})", shown_of(column, &x).unwrap_or(x))
            }
            _ => x,
        };
        sql.push("maxOrNull(if(");
        condition(sql);
        sql.push(&format!(", {value}, NULL))"));
    }
}

/// The type of days that a column's days are made.
fn date_type(column: &TableColumn) -> &'static str {
    let of = ClickHouseType::parse(&column.native_type);
    if of.nullable || column.nullable { "Nullable(Date32)" } else { "Date32" }
}
