//! Numbers as other implementations write them: JavaScript has one number type, so a count may arrive as
//! `30000.0` and a duration as `12.7`.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};

/// Largest whole number that a double holds exactly (2^53).
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

#[derive(Clone, Copy)]
enum Fraction {
    Refuse,
    Round,
}

struct NumberVisitor(Fraction);

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number that is not negative")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        u64::try_from(value).map(Some).map_err(|_| E::custom("negative number"))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        let whole = match self.0 {
            Fraction::Round => value.round(),
            Fraction::Refuse if value.fract() == 0.0 => value,
            Fraction::Refuse => return Err(E::custom("not a whole number")),
        };
        if (0.0..=MAX_EXACT).contains(&whole) {
            // In range and whole, so the conversion is exact.
            Ok(Some(whole as u64))
        } else {
            Err(E::custom("number out of range"))
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// A whole number; `null` is 0.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(deserializer.deserialize_any(NumberVisitor(Fraction::Refuse))?.unwrap_or(0))
}

/// A whole number; `null` is absent.
pub(crate) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    deserializer.deserialize_any(NumberVisitor(Fraction::Refuse))
}

/// A measurement, rounded to a whole number; `null` is 0.
pub(crate) fn rounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(deserializer.deserialize_any(NumberVisitor(Fraction::Round))?.unwrap_or(0))
}

/// A measurement, rounded to a whole number; `null` is absent.
pub(crate) fn optional_rounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    deserializer.deserialize_any(NumberVisitor(Fraction::Round))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Option<u64>> {
        optional(&mut serde_json::Deserializer::from_str(text)).ok()
    }

    #[test]
    fn whole_floats_are_counts_and_fractions_are_not() {
        assert_eq!(read("30000"), Some(Some(30_000)));
        assert_eq!(read("30000.0"), Some(Some(30_000)));
        assert_eq!(read("3e4"), Some(Some(30_000)));
        assert_eq!(read("null"), Some(None));
        for bad in ["0.5", "-1", "-1.0", "1e300", "\"30000\"", "[]", "{}", "true"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_measurement_may_have_a_fraction() {
        let read = |text: &str| rounded(&mut serde_json::Deserializer::from_str(text)).ok();
        assert_eq!(read("12.7"), Some(13));
        assert_eq!(read("null"), Some(0));
        assert_eq!(read("-3.0"), None);
    }
}
