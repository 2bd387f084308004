//! Dates, moments and times of day as connectors write them.

use connector_model::time::{DAY_US, parse_moment};

/// Microseconds since 1970-01-01 UTC of a date or a moment: the form that the JSON writer gives it, years beyond 9999
/// included, else any ISO 8601 form.
pub(crate) fn micros(text: &str) -> Option<i64> {
    written(text.as_bytes()).or_else(|| parse_moment(text))
}

/// `[±YY]YYYY-MM-DDTHH:MM:SS.mmm[uuu]Z`
fn written(text: &[u8]) -> Option<i64> {
    let (negative, rest) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let dash = rest.iter().position(|byte| *byte == b'-').filter(|at| (4..=9).contains(at))?;
    let (year, rest) = rest.split_at_checked(dash)?;
    let year = if negative { -number(year)? } else { number(year)? };
    let (clock, fraction) = rest.split_at_checked(16)?;
    let &[b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'.'] = clock else {
        return None;
    };
    let two = |tens: u8, ones: u8| number(&[tens, ones]);
    let fraction = fraction.strip_suffix(b"Z")?;
    let fraction = match fraction.len() {
        3 => number(fraction)? * 1_000,
        6 => number(fraction)?,
        _ => return None,
    };
    let seconds = two(h1, h2)? * 3_600 + two(n1, n2)? * 60 + two(s1, s2)?;
    days(year, two(m1, m2)?, two(d1, d2)?).checked_mul(DAY_US)?.checked_add(seconds * 1_000_000 + fraction)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |number, digit| match digit {
        b'0'..=b'9' => Some(number * 10 + i64::from(digit - b'0')),
        _ => None,
    })
}

/// Days since 1970-01-01 of a day of the proleptic Gregorian calendar; year 0 is 1 BC.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years are counted from March, so that the leap day is the last of its year; eras are 400 years (146,097 days).
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Microseconds of `[-]H…HH:MM:SS[.ffffff]`; MySQL's run up to 838 hours, below zero too.
pub(crate) fn time_of_day(text: &str) -> Option<i64> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut parts = rest.splitn(3, ':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let fits = |part: &str, most: usize| (1..=most).contains(&part.len());
    if !fits(hours, 4) || !fits(minutes, 2) || !fits(seconds, 2) || fraction.len() > 9 {
        return None;
    }
    let digits = fraction.get(..fraction.len().min(6))?;
    let padding = u32::try_from(6 - digits.len()).ok()?;
    let micros = number(digits.as_bytes())? * 10_i64.pow(padding);
    let whole =
        number(hours.as_bytes())? * 3_600 + number(minutes.as_bytes())? * 60 + number(seconds.as_bytes())?;
    let micros = whole * 1_000_000 + micros;
    Some(if negative { -micros } else { micros })
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_model::json;
    use proptest::prelude::*;

    #[test]
    fn every_iso_form_is_read() {
        for text in
            ["2024-03-01T00:00:00.000Z", "2024-03-01", "2024-03-01 00:00:00", "2024-03-01T01:00:00+01:00"]
        {
            assert_eq!(micros(text), Some(1_709_251_200_000_000), "{text}");
        }
        for text in ["", "soon", "2024-1-1T00:00:00.000Z", "x024-03-01T00:00:00.000Z"] {
            assert_eq!(micros(text), None, "{text}");
        }
    }

    #[test]
    fn times_of_day_go_beyond_a_day() {
        assert_eq!(time_of_day("23:59:59.5"), Some(86_399_500_000));
        assert_eq!(time_of_day("-838:59:59"), Some(-3_020_399_000_000));
        assert_eq!(time_of_day("12:00"), None);
        assert_eq!(time_of_day("1a:00:00"), None);
    }

    proptest! {
        #[test]
        fn what_the_writer_writes_is_read_back(value in -300_000_000_000_000_000_i64..9_000_000_000_000_000_000) {
            let mut out = Vec::new();
            json::timestamp(&mut out, value);
            let text = std::str::from_utf8(&out).unwrap().trim_matches('"');
            prop_assert_eq!(micros(text), Some(value), "{}", text);
        }

        #[test]
        fn any_text_is_answered_without_a_panic(text in "\\PC{0,40}") {
            let _ = (micros(&text), time_of_day(&text));
        }
    }
}
