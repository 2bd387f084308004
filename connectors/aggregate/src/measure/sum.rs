//! Sums: exact for whole and decimal numbers, compensated for doubles.

use std::collections::BTreeMap;

use crate::budget::ENTRY_BYTES;
use connector_evaluate::value::Value;
use connector_evaluate::value::decimal::{Decimal, Digits, write_digits};

/// Decimal digits in one limb.
const LIMB_DIGITS: i64 = 9;
/// `10^LIMB_DIGITS`
const LIMB: i64 = 1_000_000_000;
/// After so many additions limbs are brought below [`LIMB`] again: until then none can overflow.
const CARRY_EVERY: u32 = 1 << 30;

/// A sum of numbers.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    count: u64,
    exact: Exact,
    /// The doubles among them. Their sum depends on the order of the rows in its last digits; how much, compensation
    /// keeps down (Neumaier).
    float: Option<Float>,
}

#[derive(Debug, Default)]
struct Float {
    total: f64,
    lost: f64,
}

impl Float {
    fn add(&mut self, value: f64) {
        let total = self.total + value;
        self.lost += if self.total.abs() >= value.abs() {
            (self.total - total) + value
        } else {
            (value - total) + self.total
        };
        self.total = total;
    }

    fn total(&self) -> f64 {
        // Beyond every double there is nothing to compensate.
        if self.total.is_finite() { self.total + self.lost } else { self.total }
    }
}

/// What a sum comes to.
#[derive(Debug, PartialEq)]
pub(crate) enum Total {
    /// No values.
    None,
    /// All digits.
    Exact(String),
    Float(f64),
}

impl Sum {
    /// Adds a value; what is no number adds nothing.
    pub(crate) fn add(&mut self, value: &Value<'_>) {
        match value {
            Value::Number(number) => self.exact.add(number),
            Value::Boolean(flag) => self.exact.add(&Decimal::whole(i128::from(*flag))),
            Value::Float(number) => self.float.get_or_insert_default().add(*number),
            _ => return,
        }
        self.count += 1;
    }

    pub(crate) fn total(self) -> Total {
        match self.float {
            _ if self.count == 0 => Total::None,
            None => Total::Exact(self.exact.digits()),
            Some(float) => Total::Float(float.total() + as_double(&self.exact.digits())),
        }
    }

    /// The mean; `None` of no values.
    pub(crate) fn mean(self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss, reason = "a mean of 2^53 values is no digit worse for it")]
        let count = self.count as f64;
        match self.total() {
            Total::None => None,
            Total::Exact(digits) => Some(as_double(&digits) / count),
            Total::Float(total) => Some(total / count),
        }
    }

    /// Bytes on the heap.
    pub(crate) fn held_bytes(&self) -> usize {
        self.exact.limbs.len() * (size_of::<(i64, i64)>() + ENTRY_BYTES)
    }
}

fn as_double(digits: &str) -> f64 {
    Decimal::read(digits.as_bytes()).map_or(f64::NAN, |number| number.to_f64())
}

/// A sum of decimals: one integer while it fits, and what did not fit in limbs of nine decimal digits.
#[derive(Debug, Default)]
struct Exact {
    small: i128,
    /// How many digits of `small` stand behind the point.
    scale: u32,
    /// By the power of `10^9` that each counts.
    limbs: BTreeMap<i64, i64>,
    additions: u32,
    /// The most digits behind the point that a value had: so many the sum shows.
    shown: u32,
}

impl Exact {
    fn add(&mut self, number: &Decimal) {
        self.shown = self.shown.max(number.scale());
        match number {
            Decimal::Small { mantissa, scale } => {
                if self.add_small(*mantissa, *scale).is_none() {
                    self.spill();
                    (self.small, self.scale) = (*mantissa, *scale);
                }
            }
            Decimal::Large(digits) => self.add_digits(digits),
        }
    }

    fn add_small(&mut self, mantissa: i128, scale: u32) -> Option<()> {
        if scale > self.scale {
            self.small = self.small.checked_mul(10_i128.checked_pow(scale - self.scale)?)?;
            self.scale = scale;
        }
        let mantissa = mantissa.checked_mul(10_i128.checked_pow(self.scale - scale)?)?;
        self.small = self.small.checked_add(mantissa)?;
        Some(())
    }

    /// Moves what is small into the limbs.
    fn spill(&mut self) {
        let small = Decimal::Small { mantissa: self.small, scale: self.scale };
        (self.small, self.scale) = (0, 0);
        let digits = small.digits();
        self.add_digits(&digits);
    }

    fn add_digits(&mut self, number: &Digits) {
        // The first digit counts 10^(point - 1).
        let mut power = number.point;
        let mut group: Option<(i64, i64)> = None;
        for digit in &number.digits {
            power -= 1;
            let limb = power.div_euclid(LIMB_DIGITS);
            let worth = 10_i64.pow(u32::try_from(power.rem_euclid(LIMB_DIGITS)).unwrap_or(0));
            let value = i64::from(digit - b'0') * worth;
            group = match group {
                Some((at, sum)) if at == limb => Some((at, sum + value)),
                done => {
                    self.add_limb(done, number.negative);
                    Some((limb, value))
                }
            };
        }
        self.add_limb(group, number.negative);
        self.additions += 1;
        if self.additions >= CARRY_EVERY {
            self.carry();
        }
    }

    fn add_limb(&mut self, group: Option<(i64, i64)>, negative: bool) {
        if let Some((limb, value)) = group {
            *self.limbs.entry(limb).or_default() += if negative { -value } else { value };
        }
    }

    /// Brings every limb but the highest to `0..LIMB`.
    fn carry(&mut self) {
        self.additions = 0;
        let (Some((low, _)), Some((high, _))) = (self.limbs.first_key_value(), self.limbs.last_key_value())
        else {
            return;
        };
        let (low, high) = (*low, *high);
        let mut carried = 0;
        for at in low..=high {
            let limb = self.limbs.entry(at).or_default();
            let value = *limb + carried;
            *limb = value.rem_euclid(LIMB);
            carried = value.div_euclid(LIMB);
        }
        if carried != 0 {
            self.limbs.insert(high + 1, carried);
        }
    }

    /// All its digits.
    fn digits(mut self) -> String {
        if self.limbs.is_empty() {
            return small_digits(self.small, self.scale, self.shown);
        }
        self.spill();
        self.carry();
        let negative = self.limbs.last_key_value().is_some_and(|(_, value)| *value < 0);
        if negative {
            self.limbs.values_mut().for_each(|value| *value = -*value);
            self.carry();
        }
        let (Some((low, _)), Some((high, _))) = (self.limbs.first_key_value(), self.limbs.last_key_value())
        else {
            return "0".to_owned();
        };
        let (low, high) = (*low, *high);
        let mut all = String::new();
        for at in (low..=high).rev() {
            let value = self.limbs.get(&at).copied().unwrap_or(0);
            all.push_str(&format!("{value:09}"));
        }
        let digits = Digits::new(negative, all.as_bytes(), -low * LIMB_DIGITS, 0);
        let mut out = Vec::new();
        write_digits(&mut out, &digits, self.shown as usize);
        String::from_utf8(out).unwrap_or_default()
    }
}

fn small_digits(mantissa: i128, scale: u32, shown: u32) -> String {
    let digits =
        Digits::new(mantissa < 0, mantissa.unsigned_abs().to_string().as_bytes(), i64::from(scale), 0);
    let mut out = Vec::new();
    write_digits(&mut out, &digits, shown as usize);
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn total(numbers: &[&str]) -> Total {
        let mut sum = Sum::default();
        for number in numbers {
            sum.add(&Value::Number(Decimal::read(number.as_bytes()).unwrap()));
        }
        sum.total()
    }

    fn exact(numbers: &[&str]) -> String {
        match total(numbers) {
            Total::Exact(digits) => digits,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn decimals_add_up_to_the_last_digit() {
        assert_eq!(exact(&["0.10", "0.20"]), "0.30");
        assert_eq!(exact(&["1", "-0.001"]), "0.999");
        assert_eq!(exact(&["5", "-5.00"]), "0.00");
        let large = "99999999999999999999999999999999999999999999999999.99";
        assert_eq!(exact(&[large, "0.01"]), "100000000000000000000000000000000000000000000000000.00");
        assert_eq!(exact(&[large, &format!("-{large}"), "7"]), "7.00");
        assert_eq!(exact(&["1e50", "-1"]), "99999999999999999999999999999999999999999999999999");
        assert_eq!(exact(&["-1e50", "1"]), "-99999999999999999999999999999999999999999999999999");
        assert_eq!(exact(&["1e50", "-1e-50"]).len(), 101);
        let most = i128::MAX.to_string();
        assert_eq!(exact(&[&most, &most, "1"]), "340282366920938463463374607431768211455");
        assert_eq!(total(&[]), Total::None);
    }

    #[test]
    fn doubles_make_the_sum_one() {
        let mut sum = Sum::default();
        for _ in 0..10 {
            sum.add(&Value::Float(0.1));
        }
        sum.add(&Value::Number(Decimal::whole(1)));
        sum.add(&Value::Text("7".into()));
        assert_eq!(sum.total(), Total::Float(2.0), "compensated");
    }

    #[test]
    fn a_mean_is_not_cut() {
        let mut sum = Sum::default();
        [1, 2, 2].iter().for_each(|n| sum.add(&Value::Number(Decimal::whole(*n))));
        assert_eq!(sum.mean(), Some(5.0 / 3.0));
        assert_eq!(Sum::default().mean(), None);
    }

    proptest! {
        #[test]
        fn what_is_added_and_taken_away_is_nothing(
            parts in prop::collection::vec(("[1-9][0-9]{0,60}", "[0-9]{1,30}", any::<bool>()), 1..20)
        ) {
            let numbers: Vec<String> = parts
                .iter()
                .map(|(whole, fraction, minus)| format!("{}{whole}.{fraction}", if *minus { "-" } else { "" }))
                .collect();
            let negated = numbers.iter().map(|number| {
                number.strip_prefix('-').map_or_else(|| format!("-{number}"), str::to_owned)
            });
            let all: Vec<String> = numbers.iter().cloned().chain(negated).chain(["0.5".to_owned()]).collect();
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            let digits = exact(&all);
            prop_assert_eq!(digits.trim_end_matches('0'), "0.5");
        }

        #[test]
        fn sums_of_128_bits_agree_with_integers(values in prop::collection::vec(any::<i64>(), 0..50), scale in 0u32..20) {
            let mut sum = Sum::default();
            for value in &values {
                sum.add(&Value::Number(Decimal::Small { mantissa: i128::from(*value), scale }));
            }
            let expected: i128 = values.iter().map(|value| i128::from(*value)).sum();
            match sum.total() {
                Total::None => prop_assert!(values.is_empty()),
                Total::Exact(digits) => prop_assert_eq!(
                    Decimal::read(digits.as_bytes()),
                    Some(Decimal::Small { mantissa: expected, scale })
                ),
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
