//! SQLite's SQL on a server that is reached by Hrana (libSQL, Turso): JSON both ways.

use connector_model::filter::{TextTest, Typed};
use connector_model::target::LogicalType;

use super::sqlite::stored;
use super::{Dialect, Nulls, Sqlite};
use crate::statement::{ParamType, Statement, Value};
use crate::table::{Reading, TableColumn};

/// SQLite's SQL for values that travel as JSON. What is not said here is said as [`Sqlite`] says it.
///
/// Servers read a JSON number to a double that may be the next one, so a double whose digits are many is sent as
/// a whole number and powers of two, which are exact. They write infinities as `null`: such a value comes as a blob that
/// nothing else is ([`LibSql::infinity`]).
#[derive(Debug, Clone, Copy, Default)]
pub struct LibSql;

/// So many values of a list are bound one by one: not every server reads every JSON text to what it says.
const MAX_BOUND: usize = 100;

/// Doubles are bound one by one in longer lists as well, as their last digit would be lost otherwise.
const MAX_BOUND_DOUBLES: usize = 1_000;

/// What stands for an infinity on its way here: random bytes, and then the sign.
const INFINITY: &str = "3f9d0c52a86e4b17b1c6e07d58a2f496";

/// The greatest power of two that is an integer of 64 bits.
const MAX_POWER: i32 = 62;

impl LibSql {
    /// The infinity that a fetched blob stands for.
    pub fn infinity(blob: &[u8]) -> Option<f64> {
        let (sign, marker) = blob.split_last()?;
        let marks = marker.iter().map(|byte| format!("{byte:02x}")).collect::<String>() == INFINITY;
        match (marks, sign) {
            (true, 0) => Some(f64::NEG_INFINITY),
            (true, 1) => Some(f64::INFINITY),
            _ => None,
        }
    }

    fn placeholder(sql: &mut Statement, value: Typed) {
        match value {
            Typed::Float(number) if !reads_exactly(number) => exact(sql, number),
            value => {
                let kind = match value {
                    Typed::Integer(_) => ParamType::Int8,
                    Typed::Float(_) => ParamType::Float8,
                    Typed::Bytes(_) => ParamType::Bytes,
                    _ => ParamType::Text,
                };
                let number = sql.bind(Value::One(value), kind);
                sql.push(&format!("?{number}"));
            }
        }
    }
}

/// Whether every reader of JSON makes the same double of this one's digits: a whole number of 53 bits, multiplied or
/// divided once by a power of ten that is exact.
fn reads_exactly(number: f64) -> bool {
    const EXACT: u64 = 1 << 53;
    const EXACT_POWER: i32 = 22;
    let text = format!("{:e}", number.abs());
    let Some((digits, exponent)) = text.split_once('e') else { return false };
    let fraction = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let whole = digits.replace('.', "").parse::<u64>();
    let power =
        exponent.parse::<i32>().ok().zip(i32::try_from(fraction).ok()).map(|(power, cut)| power - cut);
    whole.is_ok_and(|whole| whole <= EXACT) && power.is_some_and(|power| power.abs() <= EXACT_POWER)
}

/// A double as a whole number times powers of two; an infinity as a number that is too large for one.
fn exact(sql: &mut Statement, number: f64) {
    const FRACTION_BITS: u32 = 52;
    if number.is_infinite() {
        return sql.push(if number > 0.0 { "9e999" } else { "-9e999" });
    }
    let bits = number.to_bits();
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    let exponent = i32::try_from(bits >> FRACTION_BITS & 0x7ff).unwrap_or_default();
    // The smallest doubles have no leading one.
    let (mut whole, mut power) = match exponent {
        0 => (fraction, -1_074),
        _ => (fraction | 1 << FRACTION_BITS, exponent - 1_075),
    };
    let zeros = i32::try_from(whole.trailing_zeros()).unwrap_or_default().min(power.saturating_neg()).max(0);
    whole >>= zeros;
    power += zeros;
    let signed = i128::from(whole) * if number.is_sign_negative() { -1 } else { 1 };
    let place = sql.bind(Value::One(Typed::Integer(signed)), ParamType::Int8);
    sql.push(&format!("(?{place} * 1.0"));
    // The product is a double at every step, and only the last one may be below the normal ones: a number that is to
    // be divided has no more bits than its double.
    while power != 0 {
        let step = power.clamp(-MAX_POWER, MAX_POWER);
        let operator = if power < 0 { '/' } else { '*' };
        sql.push(&format!(" {operator} {}", 1_u64 << step.unsigned_abs()));
        power -= step;
    }
    sql.push(")");
}

impl Dialect for LibSql {
    fn quote(&self, sql: &mut Statement, identifier: &str) {
        Sqlite.quote(sql, identifier);
    }

    fn nulls(&self) -> Nulls {
        Sqlite.nulls()
    }

    fn mixes_types(&self) -> bool {
        Sqlite.mixes_types()
    }

    fn as_text(&self, sql: &mut Statement, column: &TableColumn) {
        Sqlite.as_text(sql, column);
    }

    fn value(&self, sql: &mut Statement, _column: &TableColumn, value: Typed) {
        LibSql::placeholder(sql, stored(value));
    }

    fn in_list(&self, sql: &mut Statement, column: &TableColumn, values: Vec<Typed>, negated: bool) {
        let doubles = values.iter().any(|value| matches!(stored(value.clone()), Typed::Float(_)));
        if values.len() > if doubles { MAX_BOUND_DOUBLES } else { MAX_BOUND } {
            return Sqlite.in_list(sql, column, values, negated);
        }
        self.compared(sql, column);
        sql.push(if negated { " NOT IN (" } else { " IN (" });
        for (position, value) in values.into_iter().enumerate() {
            sql.push(if position > 0 { ", " } else { "" });
            LibSql::placeholder(sql, stored(value));
        }
        sql.push(")");
    }

    fn text_test(&self, sql: &mut Statement, column: &TableColumn, test: TextTest, operand: &str) {
        Sqlite.text_test(sql, column, test, operand);
    }

    fn later_than(&self, sql: &mut Statement, column: &TableColumn, micros: i64) {
        Sqlite.later_than(sql, column, micros);
    }

    fn window(&self, sql: &mut Statement, limit: Option<u64>, offset: u64) {
        Sqlite.window(sql, limit, offset);
    }

    fn fetched(&self, sql: &mut Statement, column: &TableColumn) {
        // Only columns of these types are given doubles; what an odd row holds elsewhere is shown as `null`.
        use LogicalType::{Decimal, Float, Unknown};
        if column.reading != Reading::Native || !matches!(column.logical_type, Decimal | Float | Unknown) {
            return Sqlite.fetched(sql, column);
        }
        sql.push("CASE ");
        self.reference(sql, column);
        sql.push(&format!(" WHEN 9e999 THEN x'{INFINITY}01' WHEN -9e999 THEN x'{INFINITY}00' ELSE "));
        self.reference(sql, column);
        sql.push(" END");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bound(number: f64) -> Statement {
        let mut sql = Statement::default();
        LibSql::placeholder(&mut sql, Typed::Float(number));
        sql
    }

    /// What SQLite makes of it: doubles, from left to right.
    #[allow(clippy::cast_precision_loss, reason = "a whole number of 53 bits")]
    fn evaluated(sql: &Statement) -> f64 {
        if sql.text.ends_with("9e999") {
            return if sql.text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY };
        }
        match &sql.params[0].value {
            Value::One(Typed::Float(number)) => {
                // As a reader does that multiplies and divides doubles.
                let text = format!("{number:e}");
                let (digits, exponent) = text.split_once('e').unwrap();
                let cut = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
                let whole = digits.replace('.', "").parse::<i64>().unwrap() as f64;
                let power = exponent.parse::<i32>().unwrap() - i32::try_from(cut).unwrap();
                if power < 0 { whole / 10_f64.powi(-power) } else { whole * 10_f64.powi(power) }
            }
            Value::One(Typed::Integer(whole)) => {
                let steps = sql.text.trim_end_matches(')').split(' ').collect::<Vec<_>>();
                steps[3..].chunks(2).fold(*whole as f64, |number, step| {
                    let power = step[1].parse::<u64>().unwrap() as f64;
                    if step[0] == "/" { number / power } else { number * power }
                })
            }
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn a_double_arrives_as_it_is(bits in any::<u64>()) {
            let number = f64::from_bits(bits);
            prop_assume!(!number.is_nan());
            prop_assert_eq!(evaluated(&bound(number)).to_bits(), if number == 0.0 { 0 } else { bits });
        }

        #[test]
        fn a_price_is_sent_as_its_digits(cents in -1_000_000_000_i32..1_000_000_000) {
            let sql = bound(f64::from(cents) / 100.0);
            prop_assert_eq!(&sql.text, "?1");
            prop_assert_eq!(evaluated(&sql), f64::from(cents) / 100.0);
        }
    }

    #[test]
    fn the_ends_of_what_doubles_hold_arrive_too() {
        for number in
            [5e-324, -5e-324, f64::MIN_POSITIVE, f64::MAX, f64::MIN, f64::INFINITY, f64::NEG_INFINITY]
        {
            assert_eq!(evaluated(&bound(number)), number, "{number:e}: {}", bound(number).text);
        }
    }

    #[test]
    fn an_infinity_comes_as_what_nothing_else_is() {
        let hex = |sign: &str| {
            let text = format!("{INFINITY}{sign}");
            (0..text.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(LibSql::infinity(&hex("01")), Some(f64::INFINITY));
        assert_eq!(LibSql::infinity(&hex("00")), Some(f64::NEG_INFINITY));
        assert_eq!(LibSql::infinity(&hex("02")), None);
        assert_eq!(LibSql::infinity(b""), None);
    }
}
