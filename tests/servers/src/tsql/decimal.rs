//! Exact decimal numbers.

use std::cmp::Ordering;

/// `units` times ten to the power of minus `scale`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal {
    pub(crate) units: i128,
    pub(crate) scale: u8,
}

impl Decimal {
    pub(crate) const fn new(units: i128, scale: u8) -> Self {
        Self { units, scale }
    }

    /// Digits with an optional sign and point; no exponent.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut units: i128 = 0;
        for digit in whole.chars().chain(fraction.chars()) {
            let digit = digit.to_digit(10)?;
            units = units.checked_mul(10)?.checked_add(i128::from(digit))?;
        }
        let scale = u8::try_from(fraction.len()).ok()?;
        Some(Self::new(if negative { -units } else { units }, scale))
    }

    /// The same number with another scale, rounded half away from zero; `None` when it does not fit.
    pub(crate) fn rescale(self, scale: u8) -> Option<Self> {
        match scale.cmp(&self.scale) {
            Ordering::Equal => Some(self),
            Ordering::Greater => {
                let units = self.units.checked_mul(power(scale - self.scale)?)?;
                Some(Self::new(units, scale))
            }
            Ordering::Less => {
                let Some(divisor) = power(self.scale - scale) else { return Some(Self::new(0, scale)) };
                let (quotient, rest) = (self.units / divisor, self.units % divisor);
                let up = rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2);
                Some(Self::new(if up { quotient + self.units.signum() } else { quotient }, scale))
            }
        }
    }

    /// The same number with a smaller scale, cut off.
    pub(crate) fn truncate(self, scale: u8) -> Self {
        if scale >= self.scale {
            return self;
        }
        power(self.scale - scale)
            .map_or(Self::new(0, scale), |divisor| Self::new(self.units / divisor, scale))
    }

    /// How many digits it has.
    pub(crate) fn precision(self) -> u8 {
        let digits = self.units.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
        u8::try_from(digits).unwrap_or(u8::MAX).max(self.scale)
    }

    #[allow(clippy::cast_precision_loss, reason = "a double is asked for")]
    pub(crate) fn to_f64(self) -> f64 {
        // The digits as text: the nearest double, which dividing would miss by a bit.
        self.to_string().parse().unwrap_or(self.units as f64)
    }

    pub(crate) fn is_zero(self) -> bool {
        self.units == 0
    }
}

/// Ten to this power.
pub(crate) const fn power(exponent: u8) -> Option<i128> {
    10_i128.checked_pow(exponent as u32)
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = self.units.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        f.write_str(if self.units < 0 { "-" } else { "" })?;
        f.write_str(whole)?;
        if fraction.is_empty() { Ok(()) } else { write!(f, ".{fraction}") }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        match (self.rescale(scale), other.rescale(scale)) {
            (Some(left), Some(right)) => left.units.cmp(&right.units),
            // The one that is too large for the common scale is the farther from zero.
            (None, _) if self.units > 0 => Ordering::Greater,
            (None, _) => Ordering::Less,
            (_, None) if other.units > 0 => Ordering::Less,
            (_, None) => Ordering::Greater,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn digits_are_kept_and_rounded_away_from_zero() {
        assert_eq!(decimal("-0.050").to_string(), "-0.050");
        assert_eq!(decimal("12.345").rescale(2).unwrap().to_string(), "12.35");
        assert_eq!(decimal("-12.345").rescale(2).unwrap().to_string(), "-12.35");
        assert_eq!(decimal("12.345").truncate(1).to_string(), "12.3");
        assert_eq!(decimal("1").rescale(3).unwrap().to_string(), "1.000");
        assert!(Decimal::parse("1e3").is_none() && Decimal::parse(".").is_none());
    }

    #[test]
    fn numbers_of_different_scales_compare_by_value() {
        assert_eq!(decimal("1.50"), decimal("1.5"));
        assert!(decimal("-2") < decimal("-1.999"));
        assert!(
            decimal("99999999999999999999999999999999999999")
                > decimal("0.00000000000000000000000000000000000001")
        );
    }
}
