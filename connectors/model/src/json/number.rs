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

    proptest! {
        #[test]
        fn a_finite_double_reads_back_the_same(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            let text = written(|out| float64(out, value));
            prop_assert_eq!(text.parse::<f64>().unwrap(), value);
            prop_assert!(serde_json::from_str::<serde_json::Number>(&text).is_ok(), "{}", text);
        }
    }
}
