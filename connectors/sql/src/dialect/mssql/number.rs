//! Numbers as SQL Server's `decimal` holds them: at most 38 digits, of which at most 38 stand behind the point.

use std::cmp::Ordering;

use connector_model::filter::Typed;

/// The most digits of a `decimal`.
pub(super) const MAX_DIGITS: usize = 38;

/// A decimal number in parts: the digits without leading zeros, the last `scale` of them behind the point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dialect) struct Exact {
    negative: bool,
    digits: String,
    scale: usize,
}

/// What a number is to a `decimal` column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    /// One of its values.
    Value(Exact),
    /// Between two of them: it has too many digits behind the point.
    Between,
    /// Above or below all of them.
    Beyond(Ordering),
}

/// Where a whole or decimal number stands. The text has a sign, digits, a point and an exponent, all but the digits
/// optional.
pub(super) fn fit(text: &str) -> Fit {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let all = format!("{whole}{fraction}");
    let trimmed = all.trim_start_matches('0').trim_end_matches('0');
    if trimmed.is_empty() {
        return Fit::Value(Exact { negative: false, digits: "0".to_owned(), scale: 0 });
    }
    let dropped = all.len() - all.trim_end_matches('0').len();
    let length = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    // How many digits stand behind the point; negative where zeros have to be added before it.
    let scale = length(fraction.len()).saturating_sub(length(dropped)).saturating_sub(exponent);
    let whole_digits = length(trimmed.len()).saturating_sub(scale);
    if whole_digits > length(MAX_DIGITS) {
        return Fit::Beyond(if negative { Ordering::Less } else { Ordering::Greater });
    }
    // A number below one has its zero before the point counted too.
    if whole_digits.max(1).saturating_add(scale.max(0)) > length(MAX_DIGITS) {
        return Fit::Between;
    }
    let zeros = usize::try_from(-scale).unwrap_or(0);
    Fit::Value(Exact {
        negative,
        digits: format!("{trimmed}{}", "0".repeat(zeros)),
        scale: usize::try_from(scale).unwrap_or(0),
    })
}

/// The greatest number of `scale` digits behind the point that is below one with more of them; `None` where the number
/// has no more, and where it is beyond all decimals.
pub(in crate::dialect) fn below(text: &str, scale: usize) -> Option<Exact> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    // Where the point stands among the digits.
    let point = i64::try_from(whole.len()).ok()?.saturating_add(exponent.parse().unwrap_or(0));
    if point > i64::try_from(all.len()).ok()? {
        return None;
    }
    let first = all.len() - all.trim_start_matches('0').len();
    let whole_digits = usize::try_from(point.saturating_sub(i64::try_from(first).ok()?)).unwrap_or(0);
    // A column of fewer digits before the point has no value so great that those behind it matter.
    let scale = scale.min(MAX_DIGITS.checked_sub(whole_digits.max(1))?);
    let cut = point.saturating_add(i64::try_from(scale).ok()?);
    let (kept, dropped) = match usize::try_from(cut) {
        Ok(cut) => all.split_at_checked(cut)?,
        Err(_) => ("", all.as_str()),
    };
    if dropped.bytes().all(|digit| digit == b'0') {
        return None;
    }
    let kept: i128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    let below = if negative { -kept - 1 } else { kept };
    let digits = below.unsigned_abs().to_string();
    Some(Exact { negative: below < 0, digits, scale })
}

/// As [`fit`], of a typed number; `None` for what is no exact number.
pub(super) fn typed_fit(value: &Typed) -> Option<Fit> {
    match value {
        Typed::Integer(whole) => Some(fit(&whole.to_string())),
        Typed::Decimal(text) => Some(fit(text)),
        _ => None,
    }
}

impl Exact {
    /// Sign, digits and point, no exponent: `-0.5`.
    pub(in crate::dialect) fn text(&self) -> String {
        let missing = (self.scale + 1).saturating_sub(self.digits.len());
        let padded = format!("{}{}", "0".repeat(missing), self.digits);
        let (whole, fraction) = padded.split_at_checked(padded.len() - self.scale).unwrap_or((&padded, ""));
        let sign = if self.negative { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}")
    }

    /// How many digits stand behind the point.
    pub(super) fn scale(&self) -> usize {
        self.scale
    }

    /// How many digits stand before the point.
    pub(super) fn whole_digits(&self) -> usize {
        self.digits.len().saturating_sub(self.scale).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: &str) -> String {
        match fit(number) {
            Fit::Value(exact) => exact.text(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn numbers_lose_what_says_nothing_and_keep_every_digit() {
        for (number, expected) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("+007.50", "7.5"),
            ("-.5", "-0.5"),
            ("1e3", "1000"),
            ("12.5e1", "125"),
            ("125e-5", "0.00125"),
            ("100", "100"),
            ("123456789012345678901234567890.1250001", "123456789012345678901234567890.1250001"),
        ] {
            assert_eq!(text(number), expected, "{number}");
        }
    }

    #[test]
    fn the_neighbour_below() {
        let below = |text: &str, scale| below(text, scale).map(|exact| exact.text());
        assert_eq!(below("-1391.7581", 3).as_deref(), Some("-1391.759"));
        assert_eq!(below("1391.7581", 3).as_deref(), Some("1391.758"));
        assert_eq!(below("1.5", 0).as_deref(), Some("1"));
        assert_eq!(below("-0.5", 0).as_deref(), Some("-1"));
        assert_eq!(below("15e-1", 0).as_deref(), Some("1"));
        assert_eq!(below("1e-9999", 3).as_deref(), Some("0.000"));
        assert_eq!(below("-1e-9999", 3).as_deref(), Some("-0.001"));
        assert_eq!(below(&format!("{}.5", "9".repeat(38)), 3), Some("9".repeat(38)));
        for (exact, scale) in [("1.500", 3), ("1.5000", 3), ("7", 0), ("1e3", 0), ("1e99", 3), ("0", 2)] {
            assert_eq!(below(exact, scale), None, "{exact}");
        }
    }

    #[test]
    fn what_no_decimal_holds_is_beyond_or_between() {
        assert_eq!(fit("1e38"), Fit::Beyond(Ordering::Greater));
        assert_eq!(fit("-1e9999"), Fit::Beyond(Ordering::Less));
        assert_eq!(fit("1e-9999"), Fit::Between);
        assert_eq!(text(&"9".repeat(38)), "9".repeat(38));
        assert_eq!(fit(&format!("{}.5", "9".repeat(38))), Fit::Between);
    }
}
