//! Exact decimals of any length, compared without ever becoming a double.

use std::cmp::Ordering;
use std::fmt;

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

/// A decimal number of at most 38 digits that can be calculated with: `mantissa / 10^scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scaled {
    mantissa: i128,
    scale: u32,
}

impl Scaled {
    /// Nothing.
    pub const ZERO: Scaled = Scaled { mantissa: 0, scale: 0 };

    /// Reads what [`Exact::read`] reads; `None` also for what has more digits.
    pub fn read(text: &str) -> Option<Scaled> {
        let exact = Exact::read(text)?;
        let digits: String = exact.digits.iter().map(|digit| char::from(*digit)).collect();
        let magnitude: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        let mantissa = if exact.negative { -magnitude } else { magnitude };
        let behind = i64::try_from(exact.digits.len()).ok()? - exact.point;
        match u32::try_from(behind) {
            Ok(scale) => Some(Scaled { mantissa, scale }),
            Err(_) => {
                let zeros = u32::try_from(-behind).ok()?;
                Some(Scaled { mantissa: mantissa.checked_mul(10_i128.checked_pow(zeros)?)?, scale: 0 })
            }
        }
    }

    /// Both with as many digits behind the point.
    fn aligned(self, other: Scaled) -> Option<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        let at = |number: Scaled| number.mantissa.checked_mul(10_i128.checked_pow(scale - number.scale)?);
        Some((at(self)?, at(other)?, scale))
    }

    /// The sum.
    pub fn plus(self, other: Scaled) -> Option<Scaled> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Scaled { mantissa: left.checked_add(right)?, scale })
    }

    /// How many whole times `width`, which is above 0, fits: rounded towards negative infinity.
    pub fn divided_down(self, width: Scaled) -> Option<i128> {
        let (value, width, _) = self.aligned(width)?;
        value.checked_div_euclid(width)
    }

    /// The digits of the number divided by `count`, this many of them behind the point, the rest cut.
    pub fn divided(self, count: usize, digits: usize) -> String {
        let behind = self.scale as usize + digits;
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let mut rest = self.mantissa.unsigned_abs();
        let count = (count as u128).max(1);
        let mut quotient = (rest / count).to_string();
        rest %= count;
        for _ in 0..digits {
            rest *= 10;
            quotient.push_str(&(rest / count).to_string());
            rest %= count;
        }
        format!("{sign}{}", pointed(&quotient, behind))
    }
}

impl fmt::Display for Scaled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs().to_string();
        write!(f, "{sign}{}", pointed(&digits, self.scale as usize))
    }
}

/// Digits with a point before the last `behind` of them.
fn pointed(digits: &str, behind: usize) -> String {
    let digits = format!("{digits:0>width$}", width = behind + 1);
    let (whole, fraction) = digits.split_at_checked(digits.len() - behind).unwrap_or((&digits, ""));
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
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
    fn sums_and_quotients_are_exact() {
        let read = |text| Scaled::read(text).unwrap();
        let sum = |left, right| read(left).plus(read(right)).unwrap().to_string();
        assert_eq!(sum("0.1", "0.2"), "0.3");
        assert_eq!(sum("-1.5", "0.25"), "-1.25");
        assert_eq!(sum("9223372036854775807", "9223372036854775807"), "18446744073709551614");
        assert_eq!(sum("123456789012345678901234567890.125", "-0.5"), "123456789012345678901234567889.625");
        assert_eq!(sum("1e3", "-1000.000"), "0");
        assert_eq!(read("7").divided(2, 3), "3.500");
        assert_eq!(read("-0.05").divided(2, 2), "-0.0250");
        assert_eq!(read("1").divided(3, 5), "0.33333");
        for (value, width, times) in
            [("7", "2", 3), ("-7", "2", -4), ("0.3", "0.1", 3), ("-0.1", "0.25", -1), ("6", "2", 3)]
        {
            assert_eq!(read(value).divided_down(read(width)), Some(times), "{value} / {width}");
        }
        assert_eq!(Scaled::read("1e40"), None);
    }

    #[test]
    fn what_is_no_number_is_not_read() {
        for text in ["", ".", "-", "1e", "1.2.3", "NaN", "0x10", "1 "] {
            assert_eq!(Exact::read(text), None, "{text}");
        }
    }
}
