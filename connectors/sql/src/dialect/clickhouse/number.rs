//! Exact numbers as ClickHouse's `Decimal` and wide integers hold them.

use std::cmp::Ordering;

/// The most digits that any number of ClickHouse has.
pub(super) const MAX_DIGITS: usize = 76;

/// An exact number in plain digits: no exponent, no zeros in front, none at the end of the fraction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plain {
    negative: bool,
    whole: String,
    fraction: String,
}

impl Plain {
    /// Reads `[+-]digits[.digits][e[+-]digits]`. Of an exponent beyond all digits only the side it lies on is kept.
    pub(super) fn read(text: &str) -> Plain {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let exponent: i64 = exponent.parse().unwrap_or(0);
        // Where the point stands among the digits; some of them may have to be made up on either side.
        let point = i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(exponent);
        let length = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0).min(20_000));
        let padded = format!("{}{all}{}", zeros(-point), zeros(point - length));
        let cut = usize::try_from(point.max(0)).unwrap_or(usize::MAX).min(padded.len());
        let (whole, fraction) = padded.split_at_checked(cut).unwrap_or((&padded, ""));
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        Plain { negative: negative && !(whole.is_empty() && fraction.is_empty()), whole, fraction }
    }

    /// On which side of every number of ClickHouse it lies, if it is on one.
    pub(super) fn beyond(&self) -> Option<Ordering> {
        let side = if self.negative { Ordering::Less } else { Ordering::Greater };
        (self.whole.len() > MAX_DIGITS).then_some(side)
    }

    /// How many digits stand before the point.
    pub(super) fn whole_digits(&self) -> usize {
        self.whole.len()
    }

    /// How many digits stand behind the point.
    pub(super) fn scale(&self) -> usize {
        self.fraction.len()
    }

    /// The digits, `scale` of them behind the point at most. One that is too great for so many becomes the greatest
    /// that there is, which no column has: a column's own digits are fewer.
    pub(super) fn text(&self, scale: usize) -> String {
        let sign = if self.negative { "-" } else { "" };
        let room = MAX_DIGITS.saturating_sub(scale);
        if self.whole.len() > room {
            let point = if scale > 0 { "." } else { "" };
            return format!("{sign}{}{point}{}", "9".repeat(room.max(1)), "9".repeat(scale));
        }
        let whole = if self.whole.is_empty() { "0" } else { &self.whole };
        match self.fraction.get(..scale.min(self.fraction.len())) {
            None | Some("") => format!("{sign}{whole}"),
            Some(fraction) => format!("{sign}{whole}.{fraction}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_written_out() {
        for (text, plain) in [
            ("1e3", "1000"),
            ("-0.50", "-0.5"),
            ("12.5e-3", "0.0125"),
            ("+7.", "7"),
            ("-0.0", "0"),
            ("1.25e1", "12.5"),
            (".5", "0.5"),
        ] {
            assert_eq!(Plain::read(text).text(10), plain, "{text}");
        }
        assert_eq!(Plain::read("1e-9999").scale(), 9_999);
    }

    #[test]
    fn what_no_number_holds_lies_on_one_side_of_all() {
        assert_eq!(Plain::read("1e76").beyond(), Some(Ordering::Greater));
        assert_eq!(Plain::read("-1e9999").beyond(), Some(Ordering::Less));
        assert_eq!(Plain::read("1e75").beyond(), None);
        assert_eq!(Plain::read("1e75").text(3), format!("{}.999", "9".repeat(73)));
    }
}
