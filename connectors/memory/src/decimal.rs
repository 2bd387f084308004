//! Exact decimals of any length, compared without ever becoming a double.

use std::cmp::Ordering;

/// A decimal number taken apart: `0.d₁d₂d₃… × 10^point`, the first and last digit not zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exact {
    negative: bool,
    digits: Vec<u8>,
    point: i64,
}

impl Exact {
    /// Reads `[+-]digits[.digits][e[+-]digits]`; `None` for anything else.
    pub fn read(text: &str) -> Option<Exact> {
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if all.is_empty() || !all.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let leading = all.iter().take_while(|digit| **digit == b'0').count();
        let mut digits: Vec<u8> = all.into_iter().skip(leading).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Exact { negative: false, digits, point: 0 });
        }
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()? + i64::from(exponent);
        Some(Exact { negative, digits, point })
    }
}

impl From<i128> for Exact {
    fn from(whole: i128) -> Self {
        // The digits of an integer always read back.
        Exact::read(&whole.to_string()).unwrap_or(Exact { negative: false, digits: Vec::new(), point: 0 })
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Exact| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        sign(self).cmp(&sign(other)).then_with(|| {
            // Digits without trailing zeros compare like text once the points agree.
            let magnitude = self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits));
            if self.negative { magnitude.reverse() } else { magnitude }
        })
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_compare_by_value_and_not_by_looks() {
        let ascending = [
            "-1e30",
            "-123.5",
            "-123.45",
            "-0.001",
            "0.000",
            "1e-9",
            "0.1",
            "0.10000000000000000000000000001",
            "1",
            "9.99",
            "10",
            "9223372036854775807",
            "9223372036854775807.5",
        ];
        for (at, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                let (a, b) = (Exact::read(left).unwrap(), Exact::read(right).unwrap());
                assert_eq!(a.cmp(&b), at.cmp(&other), "{left} against {right}");
            }
        }
        for (left, right) in [("1.50", "1.5"), ("-0", "0.00"), ("1e3", "1000"), ("0.05e2", "+5")] {
            assert_eq!(Exact::read(left), Exact::read(right), "{left} is {right}");
        }
        assert_eq!(Exact::from(i128::from(i64::MIN)), Exact::read("-9223372036854775808").unwrap());
    }

    #[test]
    fn what_is_no_number_is_not_read() {
        for text in ["", ".", "-", "1e", "1.2.3", "NaN", "0x10", "1 "] {
            assert_eq!(Exact::read(text), None, "{text}");
        }
    }
}
