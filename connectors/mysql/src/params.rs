//! Typed parameters as the protocol's arguments.

use connector_model::filter::Typed;
use connector_model::time::DAY_US;
use connector_sql::{Param, ParamType, Statement, Value};

use crate::types::{ZERO, moment};
use crate::wire::{Argument, Moment};

/// Decimals have at most 65 digits, 30 of them behind the point ("DECIMAL Data Type Characteristics").
const MAX_WHOLE_DIGITS: usize = 35;
const MAX_FRACTION_DIGITS: usize = 30;

/// The arguments of a statement, in the order of its placeholders.
pub(crate) fn arguments(statement: &Statement) -> Vec<Argument> {
    statement.params.iter().flat_map(argument).collect()
}

fn argument(param: &Param) -> Vec<Argument> {
    match &param.value {
        Value::One(value) => vec![one(param.kind, value)],
        // This dialect binds its lists value by value.
        Value::List(values) => values.iter().map(|value| one(param.kind, value)).collect(),
    }
}

fn one(kind: ParamType, value: &Typed) -> Argument {
    match value {
        Typed::Boolean(flag) => Argument::Signed(i64::from(*flag)),
        Typed::Integer(whole) => match (i64::try_from(*whole), u64::try_from(*whole)) {
            (Ok(signed), _) => Argument::Signed(signed),
            (_, Ok(unsigned)) => Argument::Unsigned(unsigned),
            _ => Argument::Decimal(decimal(&whole.to_string())),
        },
        // 0.1 as a double is not 0.1 as a float: the column's own precision decides.
        #[allow(clippy::cast_possible_truncation, reason = "the column itself holds single precision")]
        Typed::Float(number) if kind == ParamType::Float4 => Argument::Double(f64::from(*number as f32)),
        Typed::Float(number) => Argument::Double(*number),
        Typed::Decimal(digits) => Argument::Decimal(decimal(digits)),
        Typed::Text(text) => Argument::Text(text.clone()),
        Typed::Bytes(bytes) => Argument::Bytes(bytes.clone()),
        Typed::Date(day) => Argument::Moment(moment(*day, None)),
        Typed::Time(micros) => Argument::Time(*micros),
        Typed::Timestamp(micros) | Typed::TimestampTz(micros) => Argument::Moment(instant(*micros)),
        Typed::Uuid(bytes) => Argument::Text(hyphenated(bytes)),
    }
}

fn instant(micros: i64) -> Moment {
    match micros {
        ZERO => moment(ZERO, Some(0)),
        micros => moment(micros.div_euclid(DAY_US), Some(micros.rem_euclid(DAY_US))),
    }
}

fn hyphenated(bytes: &[u8; 16]) -> String {
    let mut quoted = Vec::with_capacity(38);
    connector_model::json::uuid(&mut quoted, bytes);
    String::from_utf8_lossy(&quoted).trim_matches('"').to_owned()
}

/// `[+-]digits[.digits][e[+-]digits]` as plain digits that the servers can hold, and that compare with everything they
/// store as the number itself does: what is too large becomes larger than every stored number, and digits too far
/// behind the point become one that says only that there are some.
fn decimal(text: &str) -> String {
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let point = i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(exponent);
    let leading = digits.bytes().take_while(|digit| *digit == b'0').count();
    let significant = digits.get(leading..).unwrap_or_default().trim_end_matches('0');
    let point = point.saturating_sub(i64::try_from(leading).unwrap_or(i64::MAX));
    let sign = if negative && !significant.is_empty() { "-" } else { "" };
    if significant.is_empty() {
        return "0".to_owned();
    }
    if point > MAX_WHOLE_DIGITS as i64 {
        return match significant.len() as i64 <= point && point <= 65 {
            // Still a number that a column without a fraction may hold.
            true => format!("{sign}{significant}{}", "0".repeat(count(point) - significant.len())),
            false => format!("{sign}{}", "9".repeat(65)),
        };
    }
    let (whole, fraction) = match point {
        ..=0 => (
            String::new(),
            format!("{}{significant}", "0".repeat(count(-point).min(MAX_FRACTION_DIGITS + 1))),
        ),
        _ if significant.len() <= count(point) => {
            (format!("{significant}{}", "0".repeat(count(point) - significant.len())), String::new())
        }
        _ => {
            let (whole, fraction) = significant.split_at_checked(count(point)).unwrap_or((significant, ""));
            (whole.to_owned(), fraction.to_owned())
        }
    };
    let whole = if whole.is_empty() { "0" } else { &whole };
    match fraction.len() {
        0 => format!("{sign}{whole}"),
        1..=MAX_FRACTION_DIGITS => format!("{sign}{whole}.{fraction}"),
        _ => format!("{sign}{whole}.{}5", fraction.get(..MAX_FRACTION_DIGITS - 1).unwrap_or_default()),
    }
}

fn count(places: i64) -> usize {
    usize::try_from(places).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_plain_digits() {
        for (text, plain) in [
            ("1.50", "1.5"),
            ("-0.00", "0"),
            ("+12e2", "1200"),
            ("1.25e1", "12.5"),
            (".5", "0.5"),
            ("12345e-3", "12.345"),
            ("1e-3", "0.001"),
            ("-1e30", "-1000000000000000000000000000000"),
            ("123456789012345678901234567890.1250001", "123456789012345678901234567890.1250001"),
            ("1e40", "10000000000000000000000000000000000000000"),
        ] {
            assert_eq!(decimal(text), plain, "{text}");
        }
    }

    #[test]
    fn what_no_column_can_hold_still_compares() {
        assert_eq!(decimal("1e300"), "9".repeat(65));
        assert_eq!(decimal("-1e9999"), format!("-{}", "9".repeat(65)));
        assert_eq!(decimal("1e-300"), format!("0.{}5", "0".repeat(29)));
        assert_eq!(decimal(&format!("1.{}7", "0".repeat(40))), format!("1.{}5", "0".repeat(29)));
    }

    #[test]
    fn whole_numbers_take_the_smallest_type_that_holds_them() {
        let of = |whole| one(ParamType::Int8, &Typed::Integer(whole));
        assert_eq!(of(i128::from(i64::MIN)), Argument::Signed(i64::MIN));
        assert_eq!(of(i128::from(u64::MAX)), Argument::Unsigned(u64::MAX));
        assert_eq!(of(i128::from(u64::MAX) + 1), Argument::Decimal("18446744073709551616".into()));
    }
}
