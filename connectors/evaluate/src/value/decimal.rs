//! Exact decimal numbers of any length.

use std::cmp::Ordering;

/// The most digits behind the point that a [`Decimal::Small`] has: 10^38 is the largest power of ten in an `i128`.
const MAX_SCALE: u32 = 38;
/// So many digits always fit 64 bits.
const WORD_DIGITS: usize = 19;
/// Exponents beyond this are not read as numbers: written out, they would be mostly zeros.
const MAX_EXPONENT: i64 = 100_000;

/// A decimal number: what fits is one integer and a scale, the rest are digits.
#[derive(Debug, Clone)]
pub enum Decimal {
    /// `mantissa / 10^scale`.
    Small {
        /// All digits.
        mantissa: i128,
        /// How many of them stand behind the point.
        scale: u32,
    },
    /// Longer ones.
    Large(Box<Digits>),
}

/// `0.d₁d₂d₃… × 10^point`, the first and the last digit not zero; no digits are 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digits {
    /// Whether it is below zero.
    pub negative: bool,
    /// ASCII.
    pub digits: Box<[u8]>,
    /// Where the point stands: that many digits are before it.
    pub point: i64,
    /// How many digits stand behind the point as it was written, zeros included.
    pub scale: u32,
}

impl Decimal {
    /// Reads `[+-]digits[.digits][e[+-]digits]`; `None` for anything else.
    pub fn read(text: &[u8]) -> Option<Decimal> {
        let (negative, unsigned) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            Some((b'+', rest)) => (false, rest),
            _ => (false, text),
        };
        // Most numbers are short: their digits are gathered in one word.
        let (mut word, mut mantissa): (u64, i128) = (0, 0);
        let mut fits = true;
        let (mut digits, mut behind, mut point_seen) = (0_usize, 0_i64, false);
        let mut at = 0;
        for byte in unsigned {
            match byte {
                b'0'..=b'9' => {
                    let digit = byte - b'0';
                    digits += 1;
                    behind += i64::from(point_seen);
                    if digits <= WORD_DIGITS {
                        word = word * 10 + u64::from(digit);
                        mantissa = i128::from(word);
                    } else {
                        let next =
                            mantissa.checked_mul(10).and_then(|ten| ten.checked_add(i128::from(digit)));
                        match next {
                            Some(next) if fits => mantissa = next,
                            _ => fits = false,
                        }
                    }
                }
                b'.' if !point_seen => point_seen = true,
                _ => break,
            }
            at += 1;
        }
        let (written, rest) = unsigned.split_at_checked(at)?;
        if digits == 0 {
            return None;
        }
        let exponent = match rest.split_first() {
            None => 0,
            Some((b'e' | b'E', exponent)) => read_exponent(exponent)?,
            Some(_) => return None,
        };
        let scale = behind - exponent;
        let small = match u32::try_from(scale) {
            Ok(scale) if scale <= MAX_SCALE => Some((mantissa, scale)),
            Ok(_) => None,
            Err(_) => {
                let power = u32::try_from(-scale).ok().and_then(|power| 10_i128.checked_pow(power));
                power.and_then(|power| mantissa.checked_mul(power)).map(|mantissa| (mantissa, 0))
            }
        };
        match small {
            Some((mantissa, scale)) if fits => {
                Some(Decimal::Small { mantissa: if negative { -mantissa } else { mantissa }, scale })
            }
            _ => Some(Decimal::Large(Box::new(Digits::new(negative, written, behind, exponent)))),
        }
    }

    /// A whole number.
    pub fn whole(value: i128) -> Decimal {
        Decimal::Small { mantissa: value, scale: 0 }
    }

    /// The number whose shortest digits a finite double has.
    pub fn of(value: f64) -> Option<Decimal> {
        Decimal::read(format!("{value:e}").as_bytes())
    }

    /// How many digits stand behind the point, as it was written.
    pub fn scale(&self) -> u32 {
        match self {
            Decimal::Small { scale, .. } => *scale,
            Decimal::Large(digits) => digits.scale,
        }
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        /// Powers of ten up to this are exact doubles.
        const EXACT_POWER: u32 = 22;
        match self {
            #[allow(
                clippy::cast_precision_loss,
                reason = "both are exact, so that the quotient is the nearest"
            )]
            Decimal::Small { mantissa, scale }
                if mantissa.unsigned_abs() < 1 << 53 && *scale <= EXACT_POWER =>
            {
                *mantissa as f64 / 10_f64.powi(scale.cast_signed())
            }
            Decimal::Small { mantissa, scale } => format!("{mantissa}e-{scale}").parse().unwrap_or(f64::NAN),
            Decimal::Large(digits) => {
                let sign = if digits.negative { "-" } else { "" };
                let mantissa = std::str::from_utf8(&digits.digits).unwrap_or("0");
                format!("{sign}0.{mantissa}e{}", digits.point).parse().unwrap_or(f64::NAN)
            }
        }
    }

    /// The greatest multiple of `10^-scale` that is not above the number, in that unit; `None` beyond 128 bits.
    pub fn floor_at(&self, wanted: u32) -> Option<i128> {
        match self {
            Decimal::Small { mantissa, scale } if *scale <= wanted => {
                mantissa.checked_mul(10_i128.checked_pow(wanted - scale)?)
            }
            Decimal::Small { mantissa, scale } => {
                Some(mantissa.div_euclid(10_i128.checked_pow(scale - wanted)?))
            }
            Decimal::Large(number) => {
                let kept = usize::try_from(number.point + i64::from(wanted)).unwrap_or(0);
                let mut mantissa: i128 = 0;
                for at in 0..kept {
                    let digit = number.digits.get(at).map_or(0, |digit| i128::from(digit - b'0'));
                    mantissa = mantissa.checked_mul(10)?.checked_add(digit)?;
                }
                let cut = kept < number.digits.len();
                Some(if number.negative { -mantissa - i128::from(cut) } else { mantissa })
            }
        }
    }

    /// Appends its digits without an exponent and without zeros at the end: equal numbers look the same.
    pub fn canonical(&self, out: &mut Vec<u8>) {
        let digits = self.digits();
        write_digits(out, &digits, 0);
    }

    /// Its digits.
    pub fn digits(&self) -> Digits {
        match self {
            Decimal::Small { mantissa, scale } => {
                let all = mantissa.unsigned_abs().to_string();
                Digits::new(*mantissa < 0, all.as_bytes(), i64::from(*scale), 0)
            }
            Decimal::Large(digits) => (**digits).clone(),
        }
    }
}

fn read_exponent(text: &[u8]) -> Option<i64> {
    let digits = std::str::from_utf8(text).ok()?;
    let bare = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    if bare.is_empty() || !bare.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<i64>().ok().filter(|exponent| exponent.abs() <= MAX_EXPONENT)
}

impl Digits {
    /// From digits with or without a point, `behind` of them behind it, times `10^exponent`.
    pub fn new(negative: bool, written: &[u8], behind: i64, exponent: i64) -> Digits {
        let mut digits: Vec<u8> = written.iter().copied().filter(|byte| *byte != b'.').collect();
        let before = i64::try_from(digits.len()).unwrap_or(i64::MAX) - behind;
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..leading);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let scale = u32::try_from(behind - exponent).unwrap_or(0);
        if digits.is_empty() {
            return Digits { negative: false, digits: Box::default(), point: 0, scale };
        }
        let point = before - i64::try_from(leading).unwrap_or(i64::MAX) + exponent;
        Digits { negative, digits: digits.into(), point, scale }
    }
}

/// Appends digits without an exponent, with at least `scale` of them behind the point.
pub fn write_digits(out: &mut Vec<u8>, number: &Digits, scale: usize) {
    if number.negative {
        out.push(b'-');
    }
    let digit =
        |at: i64| usize::try_from(at).ok().and_then(|at| number.digits.get(at)).copied().unwrap_or(b'0');
    if number.point <= 0 {
        out.push(b'0');
    }
    out.extend((0..number.point).map(digit));
    let behind = i64::try_from(number.digits.len()).unwrap_or(i64::MAX) - number.point;
    let behind = behind.max(i64::try_from(scale).unwrap_or(i64::MAX));
    if behind > 0 {
        out.push(b'.');
        out.extend((number.point..number.point + behind).map(digit));
    }
}

impl Ord for Digits {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Digits| match (number.digits.is_empty(), number.negative) {
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

impl PartialOrd for Digits {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Decimal::Small { mantissa: a, scale: left }, Decimal::Small { mantissa: b, scale: right }) =
            (self, other)
        {
            let widen =
                |value: &i128, by: u32| 10_i128.checked_pow(by).and_then(|ten| value.checked_mul(ten));
            let both = match left.cmp(right) {
                Ordering::Equal => Some((*a, *b)),
                Ordering::Less => widen(a, right - left).map(|a| (a, *b)),
                Ordering::Greater => widen(b, left - right).map(|b| (*a, b)),
            };
            if let Some((a, b)) = both {
                return a.cmp(&b);
            }
        }
        self.digits().cmp(&other.digits())
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Decimal {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Decimal {
        Decimal::read(text.as_bytes()).unwrap()
    }

    fn canonical(text: &str) -> String {
        let mut out = Vec::new();
        read(text).canonical(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_compare_by_value_and_not_by_looks() {
        let ascending = [
            "-1e300",
            "-1e30",
            "-123.5",
            "-123.45",
            "-0.001",
            "0.000",
            "1e-300",
            "1e-9",
            "0.1",
            "0.1000000000000000000000000000000000000000000001",
            "1",
            "9.99",
            "10",
            "9223372036854775807",
            "9223372036854775807.5",
            "170141183460469231731687303715884105728",
            "1e40",
        ];
        for (at, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                assert_eq!(read(left).cmp(&read(right)), at.cmp(&other), "{left} against {right}");
            }
        }
    }

    #[test]
    fn equal_numbers_have_one_canonical_form() {
        for (text, expected) in [
            ("1.50", "1.5"),
            ("-0.00", "0"),
            ("1e3", "1000"),
            ("+0.05e2", "5"),
            ("-12.3400", "-12.34"),
            ("0.0001", "0.0001"),
            ("1e-3", "0.001"),
            (
                "123456789012345678901234567890123456789012345.60",
                "123456789012345678901234567890123456789012345.6",
            ),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_not_read() {
        for text in ["", ".", "-", "1e", "1.2.3", "NaN", "0x10", "1 ", "1e999999999999"] {
            assert!(Decimal::read(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn floors_go_down_on_both_sides_of_zero() {
        for (text, scale, expected) in [
            ("1.29", 1, 12),
            ("-1.21", 1, -13),
            ("-1.2", 1, -12),
            ("3", 2, 300),
            ("0.00000000000000000000000000000000000000000000001", 2, 0),
            ("-0.00000000000000000000000000000000000000000000001", 2, -1),
            ("12.30000000000000000000000000000000000000000000001", 1, 123),
        ] {
            assert_eq!(read(text).floor_at(scale), Some(expected), "{text}");
        }
        assert_eq!(read("1e60").floor_at(0), None);
    }

    #[test]
    fn doubles_are_the_nearest() {
        for text in
            ["0.1", "1234567.891", "-1e300", "9007199254740993", "5e-324", "123456789012345678901234567890.5"]
        {
            assert_eq!(read(text).to_f64(), text.parse::<f64>().unwrap(), "{text}");
        }
        assert_eq!(Decimal::of(0.1), Some(read("0.1")));
        assert_eq!(Decimal::of(-1.5e300), Some(read("-15e299")));
    }
}
