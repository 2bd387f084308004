//! Numbers and booleans in JSON.

use super::{null, plain_text};

/// The largest whole number below which every whole number is exact as a double (`Number.MAX_SAFE_INTEGER`).
const MAX_EXACT: u64 = (1 << 53) - 1;

/// `true` or `false`.
pub fn boolean(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// A whole number as a JSON number; for integers of at most 32 bits.
pub fn integer(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// A 64-bit integer as a string, always: what PostgreSQL and SQL Server sources do.
pub fn integer_text(out: &mut Vec<u8>, value: i64) {
    plain_text(out, itoa::Buffer::new().format(value).as_bytes());
}

/// A 64-bit integer as a number while every reader can hold it exactly, else as a string.
pub fn integer_if_exact(out: &mut Vec<u8>, value: i64) {
    if value.unsigned_abs() <= MAX_EXACT { integer(out, value) } else { integer_text(out, value) }
}

/// As [`integer_if_exact`], for an unsigned integer.
pub fn unsigned_if_exact(out: &mut Vec<u8>, value: u64) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(value).as_bytes();
    if value <= MAX_EXACT { out.extend_from_slice(digits) } else { plain_text(out, digits) }
}

/// A double: the shortest digits that read back the same, whole numbers without `.0`; NaN and infinities `null`.
pub fn float64(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() { shortest(out, zmij::Buffer::new().format_finite(value)) } else { null(out) }
}

/// A single-precision float, by its own shortest digits (`0.1`, not `0.10000000149011612`).
pub fn float32(out: &mut Vec<u8>, value: f32) {
    if value.is_finite() { shortest(out, zmij::Buffer::new().format_finite(value)) } else { null(out) }
}

/// A decimal number (`[+-]digits[.digits][e[+-]digits]`) of any length: a JSON number when a double holds it exactly, as
/// far as its shortest digits show, else a string with all its digits. `NaN` and infinities are `null`.
pub fn number_or_text(out: &mut Vec<u8>, decimal: &str) {
    match decimal.parse::<f64>() {
        Ok(value) if value.is_finite() => {
            let mut buffer = zmij::Buffer::new();
            let nearest = buffer.format_finite(value);
            if Digits::of(decimal).equal(&Digits::of(nearest)) {
                shortest(out, nearest);
            } else {
                plain_text(out, decimal.as_bytes());
            }
        }
        // Beyond every double: all its digits, unless it is called infinite.
        Ok(_) if decimal.bytes().any(|byte| byte.is_ascii_digit()) => plain_text(out, decimal.as_bytes()),
        _ => null(out),
    }
}

/// The digits of a decimal number from the first that is not zero, and where its point stands from there.
struct Digits<'t> {
    negative: bool,
    whole: &'t [u8],
    fraction: &'t [u8],
    point: i64,
}

impl<'t> Digits<'t> {
    fn of(decimal: &'t str) -> Digits<'t> {
        let unsigned = decimal.strip_prefix(['+', '-']).unwrap_or(decimal);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let (whole, mut fraction) = (whole.trim_start_matches('0'), fraction);
        // A text holds fewer digits than any such exponent.
        let mut point = whole.len() as i64 + exponent.parse::<i64>().unwrap_or(i64::MAX / 2);
        if whole.is_empty() {
            let digits = fraction.trim_start_matches('0');
            point -= (fraction.len() - digits.len()) as i64;
            fraction = digits;
        }
        Digits {
            negative: decimal.starts_with('-'),
            whole: whole.as_bytes(),
            fraction: fraction.as_bytes(),
            point,
        }
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.iter().chain(self.fraction).copied()
    }

    fn is_zero(&self) -> bool {
        self.digits().all(|digit| digit == b'0')
    }

    fn equal(&self, other: &Digits<'_>) -> bool {
        if self.is_zero() || other.is_zero() {
            return self.is_zero() && other.is_zero();
        }
        let count = self.digits().count().max(other.digits().count());
        let zeros = || std::iter::repeat(b'0');
        let (left, right) = (self.digits().chain(zeros()), other.digits().chain(zeros()));
        self.negative == other.negative
            && self.point == other.point
            && left.zip(right).take(count).all(|(a, b)| a == b)
    }
}

fn shortest(out: &mut Vec<u8>, digits: &str) {
    let digits = digits.strip_suffix(".0").unwrap_or(digits);
    // JavaScript writes negative zero as 0, and readers of text compare it so.
    out.extend_from_slice(if digits == "-0" { b"0" } else { digits.as_bytes() });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_that_json_cannot_hold_are_null() {
        assert_eq!(written(|out| float64(out, f64::NAN)), "null");
        assert_eq!(written(|out| float64(out, f64::NEG_INFINITY)), "null");
        assert_eq!(written(|out| float32(out, f32::INFINITY)), "null");
    }

    #[test]
    fn floats_look_as_javascript_writes_them() {
        assert_eq!(written(|out| float64(out, 1.0)), "1");
        assert_eq!(written(|out| float64(out, -0.0)), "0");
        assert_eq!(written(|out| float32(out, 0.1)), "0.1");
        assert_eq!(written(|out| float64(out, 0.1)), "0.1");
    }

    #[test]
    fn integers_beyond_exact_doubles_become_text() {
        assert_eq!(written(|out| integer_if_exact(out, (1 << 53) - 1)), "9007199254740991");
        assert_eq!(written(|out| integer_if_exact(out, -(1 << 53))), "\"-9007199254740992\"");
        assert_eq!(written(|out| unsigned_if_exact(out, u64::MAX)), "\"18446744073709551615\"");
        assert_eq!(written(|out| integer_text(out, i64::MIN)), "\"-9223372036854775808\"");
    }

    #[test]
    fn decimals_are_numbers_while_a_double_shows_all_their_digits() {
        for (decimal, json) in [
            ("0.10", "0.1"),
            ("1.50", "1.5"),
            ("-0.000", "0"),
            ("007.0", "7"),
            ("+12", "12"),
            ("0.1000000000000000055511151231257827", "\"0.1000000000000000055511151231257827\""),
            ("9007199254740993", "\"9007199254740993\""),
            ("9007199254740994", "9007199254740994"),
            ("9223372036854775807", "\"9223372036854775807\""),
            ("-1234567.89", "-1234567.89"),
            ("0.00012", "0.00012"),
            ("123456789012345678901234567890.125", "\"123456789012345678901234567890.125\""),
            ("1e400", "\"1e400\""),
            ("NaN", "null"),
            ("-Infinity", "null"),
            ("", "null"),
        ] {
            assert_eq!(written(|out| number_or_text(out, decimal)), json, "{decimal}");
        }
        // The same value, however it is written.
        for decimal in ["1000000000000000000", "1e18", "10e17", "1000000000000000000.00"] {
            let text = written(|out| number_or_text(out, decimal));
            assert_eq!(text.parse::<f64>().unwrap(), 1e18, "{decimal}");
        }
    }

    proptest! {
        #[test]
        fn what_a_double_shows_is_a_number(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            prop_assert_eq!(
                written(|out| number_or_text(out, &format!("{value}"))),
                written(|out| float64(out, value))
            );
        }

        #[test]
        fn a_whole_number_keeps_its_value(value in any::<i64>()) {
            let text = written(|out| number_or_text(out, &value.to_string()));
            match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                Some(digits) => prop_assert_eq!(digits, value.to_string()),
                // The shortest digits that lead to the double, and zeros: what every reader shows of it.
                None => prop_assert_eq!(text.parse::<f64>().unwrap().to_string(), value.to_string()),
            }
        }

        #[test]
        fn a_finite_double_reads_back_the_same(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            let text = written(|out| float64(out, value));
            prop_assert_eq!(text.parse::<f64>().unwrap(), value);
            prop_assert!(serde_json::from_str::<serde_json::Number>(&text).is_ok(), "{}", text);
        }
    }
}
