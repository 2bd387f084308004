//! `decimal` to exact digits and back.

use tiberius::numeric::Numeric;

/// The most digits of a `decimal`, before and behind the point together.
const MAX_DIGITS: usize = 38;

/// Sign, digits and point, the scale kept: `-0.50`.
pub(crate) fn digits(number: Numeric) -> String {
    let scale = usize::from(number.scale());
    let mut text = number.value().unsigned_abs().to_string();
    if text.len() <= scale {
        text.insert_str(0, &"0".repeat(scale + 1 - text.len()));
    }
    if scale > 0 {
        text.insert(text.len() - scale, '.');
    }
    if number.value() < 0 {
        text.insert(0, '-');
    }
    text
}

/// The number of a text of sign, digits and point; `None` when a `decimal` cannot hold it.
pub(crate) fn number(text: &str) -> Option<Numeric> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all = format!("{whole}{fraction}");
    let count = |part: &str| part.bytes().filter(u8::is_ascii_digit).count();
    // A zero before the point counts as a digit.
    if count(whole).max(1) + count(fraction) > MAX_DIGITS {
        return None;
    }
    Some(Numeric::new_with_scale(all.parse().ok()?, u8::try_from(fraction.len()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_and_the_scale_stay() {
        for text in ["0", "0.00", "-0.001", "12.50", "-123456789012345678901234567890.12345678"] {
            assert_eq!(number(text).map(digits).as_deref(), Some(text));
        }
        assert_eq!(digits(Numeric::new_with_scale(-5, 3)), "-0.005");
        assert!(number(&"9".repeat(39)).is_none() && number("1e3").is_none() && number("").is_none());
    }
}
