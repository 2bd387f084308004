//! Aggregates of SQLite (sqlite.org/lang_aggfunc.html, sqlite.org/lang_datefunc.html). What a value is, SQLite keeps
//! with each value: a text is no number here, and a number no moment, whatever the column was declared as.

use connector_model::request::aggregate::{Step, TimeUnit};
use connector_model::target::LogicalType;

use super::AggregateDialect;
use crate::dialect::{Dialect, Sqlite};
use crate::statement::Statement;
use crate::table::TableColumn;

/// A text that begins with a date. `now`, a bare clock and a Julian day are moments to SQLite as well.
const DATED: &str = "GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'";

/// A sum is kept in two whole numbers, of which this is the greater one's unit: neither runs out of 64 bits before a
/// billion rows, where `sum` itself is an error after two.
const LIMB: &str = "1000000000";

/// Greater units than this make a sum of more than 64 bits.
const MAX_LIMBS: &str = "9223372035";

fn reference(column: &TableColumn) -> String {
    let mut sql = Statement::default();
    Sqlite.reference(&mut sql, column);
    sql.text
}

/// `x / y`, rounded down, of whole numbers.
fn floor_whole(x: &str, y: &str) -> String {
    format!("({x}) / {y} - (({x}) % {y} < 0)")
}

/// `x / y`, rounded down, of doubles; as it is where no integer holds it.
fn floor_real(x: &str, y: &str) -> String {
    let quotient = format!("{x} / {y}");
    let cut = format!("CAST({quotient} AS INTEGER)");
    format!("CASE WHEN abs({quotient}) < 9.2e18 THEN {cut} - ({quotient} < {cut}) ELSE {quotient} END")
}

/// A sum whose whole numbers are added up apart from its doubles; each part is an expression.
struct Sum {
    /// The sum of all doubles; NULL when there are none.
    reals: String,
    /// How many limbs the whole numbers make, rounded down.
    high: String,
    /// What is left then, below one limb.
    low: String,
    /// The whole numbers' sum as a double.
    nearest: String,
}

impl Sum {
    fn of(column: &TableColumn) -> Sum {
        let x = reference(column);
        let whole = format!("CASE typeof({x}) WHEN 'integer' THEN {x} END");
        let (limbs, rest) = (format!("sum({whole} / {LIMB})"), format!("sum({whole} % {LIMB})"));
        let carried = format!("({rest} / {LIMB} - ({rest} % {LIMB} < 0))");
        Sum {
            reals: format!("sum(CASE typeof({x}) WHEN 'real' THEN {x} END)"),
            high: format!("({limbs} + {carried})"),
            low: format!("({rest} - {carried} * {LIMB})"),
            nearest: format!("({LIMB}.0 * {limbs} + {rest})"),
        }
    }
}

impl AggregateDialect for Sqlite {
    fn numeric(&self, column: &TableColumn) -> bool {
        // A view's expressions and columns of no declared type may hold anything.
        use LogicalType::{Decimal, Float, Integer, Unknown};
        matches!(column.logical_type, Integer | Float | Decimal | Unknown)
    }

    fn temporal(&self, column: &TableColumn) -> bool {
        matches!(column.logical_type, LogicalType::Text | LogicalType::Unknown)
    }

    fn hides(&self, column: &TableColumn) -> bool {
        matches!(column.logical_type, LogicalType::Float | LogicalType::Decimal)
    }

    fn shown(&self, sql: &mut Statement, column: &TableColumn) {
        let x = reference(column);
        // Infinities, which JSON has no number for; SQLite keeps NaN as NULL.
        sql.push(&if self.hides(column) { format!("nullif(nullif({x}, 9e999), -9e999)") } else { x });
    }

    fn grouped(&self, sql: &mut Statement, column: &TableColumn) {
        self.reference(sql, column);
    }

    fn time_bucket(&self, sql: &mut Statement, column: &TableColumn, unit: TimeUnit) {
        let x = reference(column);
        // Without its fraction, which SQLite rounds to the millisecond, and so into the next year.
        let moment = format!("substr({x}, 1, 19) || ltrim(substr({x}, 20), '.0123456789')");
        let begin = match unit {
            TimeUnit::Minute => format!("strftime('%Y-%m-%d %H:%M', {moment})"),
            TimeUnit::Hour => format!("strftime('%Y-%m-%d %H:00', {moment})"),
            TimeUnit::Day => format!("date({moment})"),
            // The Monday after the day six days before.
            TimeUnit::Week => format!("date({moment}, '-6 days', 'weekday 1')"),
            TimeUnit::Month => format!("date({moment}, 'start of month')"),
            TimeUnit::Quarter => format!(
                "date({moment}, 'start of month', '-' || ((strftime('%m', {moment}) - 1) % 3) || ' months')"
            ),
            TimeUnit::Year => format!("date({moment}, 'start of year')"),
        };
        // SQLite takes the 30th of February for a day in March.
        sql.push(&format!(
            "CASE WHEN typeof({x}) = 'text' AND {x} {DATED} \
             AND strftime('%d', substr({x}, 1, 10)) = substr({x}, 9, 2) \
             THEN CAST(strftime('%s', {begin}) AS INTEGER) END"
        ));
    }

    fn step_bucket(&self, sql: &mut Statement, column: &TableColumn, step: Step) {
        let x = reference(column);
        let digits = step.digits();
        let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
        let real = format!("{whole}.{}", if fraction.is_empty() { "0" } else { fraction });
        let integer = if fraction.is_empty() {
            floor_whole(&x, whole)
        } else {
            // Both sides by the same power of ten: whole numbers, as long as 64 bits hold them.
            let scaled = format!("{x} * 1{}", "0".repeat(fraction.len()));
            let step = format!("{whole}{fraction}");
            let step = step.trim_start_matches('0');
            let exact = floor_whole(&scaled, step);
            format!("CASE typeof({scaled}) WHEN 'integer' THEN {exact} ELSE {} END", floor_real(&x, &real))
        };
        let real = floor_real(&x, &real);
        sql.push(&format!("CASE typeof({x}) WHEN 'integer' THEN {integer} WHEN 'real' THEN {real} END"));
    }

    fn sum(&self, sql: &mut Statement, column: &TableColumn) {
        if column.logical_type == LogicalType::Float {
            let x = reference(column);
            let value = format!("CASE WHEN typeof({x}) IN ('integer', 'real') THEN {x} + 0.0 END");
            sql.push(&format!("sum({value})"));
        } else {
            let Sum { reals, high, low, nearest } = Sum::of(column);
            sql.push(&format!(
                "CASE WHEN {reals} IS NOT NULL THEN {reals} + coalesce({nearest}, 0.0) \
                 WHEN abs({high}) <= {MAX_LIMBS} THEN {high} * {LIMB} + {low} ELSE {nearest} END"
            ));
        }
    }

    fn sum_parts(&self, column: &TableColumn) -> Option<[String; 2]> {
        let Sum { reals, high, low, .. } = Sum::of(column);
        let parts = [high, low].map(|part| format!("CASE WHEN {reals} IS NULL THEN {part} END"));
        (column.logical_type != LogicalType::Float).then_some(parts)
    }

    fn exact_sum(&self, sum: &str, [high, low]: [&str; 2]) -> String {
        // A sum below zero was rounded down: its digits count from the limb above.
        let below = format!("({high} < 0 AND {low} > 0)");
        format!(
            "CASE WHEN typeof({sum}) = 'real' AND {high} IS NOT NULL \
             THEN printf('%d%09d', {high} + {below}, CASE WHEN {below} THEN {LIMB} - {low} ELSE {low} END) \
             ELSE {sum} END"
        )
    }

    fn avg(&self, sql: &mut Statement, column: &TableColumn) {
        let x = reference(column);
        sql.push(&format!("avg(CASE WHEN typeof({x}) IN ('integer', 'real') THEN {x} END)"));
    }
}
