//! Dates and times, in the parts that they come in.

use connector_model::error::Result;
use connector_model::json;
use connector_model::time::{DAY_US, civil};

use super::{fixed, malformed};
use crate::wire::Moment;

/// What stands for the date `0000-00-00` among days and microseconds: before every other.
pub(crate) const ZERO: i64 = i64::MIN;

/// A date or a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// Microseconds since 1970-01-01.
    Moment(i64),
    /// `0000-00-00`, which is no date.
    Zero,
    /// A date without a month or without a day.
    Incomplete,
}

/// Year, month, day; then perhaps the time of day; then perhaps microseconds. What is left out is zero.
pub(super) fn date_time(raw: &[u8]) -> Result<Read> {
    if raw.is_empty() {
        return Ok(Read::Zero);
    }
    let (date, clock) = raw.split_first_chunk::<4>().ok_or_else(malformed)?;
    let [low, high, month, day] = *date;
    let year = u16::from_le_bytes([low, high]);
    if month == 0 || day == 0 {
        return Ok(if (year, month, day) == (0, 0, 0) { Read::Zero } else { Read::Incomplete });
    }
    let days = days_of(i64::from(year), i64::from(month), i64::from(day));
    Ok(Read::Moment(days * DAY_US + i64::try_from(micros_of_day(clock)?).map_err(|_| malformed())?))
}

fn micros_of_day(clock: &[u8]) -> Result<u64> {
    if clock.is_empty() {
        return Ok(0);
    }
    let (clock, fraction) = clock.split_first_chunk::<3>().ok_or_else(malformed)?;
    let [hours, minutes, seconds] = clock.map(u64::from);
    let fraction = if fraction.is_empty() { 0 } else { u64::from(u32::from_le_bytes(fixed(fraction)?)) };
    Ok((hours * 3_600 + minutes * 60 + seconds) * 1_000_000 + fraction)
}

/// Microseconds of a `TIME`: a sign, days, and a time of day.
pub(super) fn time(raw: &[u8]) -> Result<i64> {
    if raw.is_empty() {
        return Ok(0);
    }
    let (sign, rest) = raw.split_first().ok_or_else(malformed)?;
    let (days, clock) = rest.split_first_chunk::<4>().ok_or_else(malformed)?;
    // A TIME ends at 838:59:59; days beyond a year are none of it.
    let days = u64::from(u32::from_le_bytes(*days)).min(366);
    let micros = days * DAY_US.unsigned_abs() + micros_of_day(clock)?;
    let micros = i64::try_from(micros).map_err(|_| malformed())?;
    Ok(if *sign == 0 { micros } else { -micros })
}

/// `[-]HH:MM:SS[.ffffff]`, hours as many as there are.
pub(super) fn write_time(out: &mut Vec<u8>, micros: i64) {
    let length = micros.unsigned_abs();
    let (seconds, fraction) = (length / 1_000_000, length % 1_000_000);
    let sign = if micros < 0 { "-" } else { "" };
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let text = match fraction {
        0 => format!("{sign}{hours:02}:{minutes:02}:{seconds:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}:{seconds:02}.{fraction:06}"),
    };
    json::plain_text(out, text.as_bytes());
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    // Years are counted from March, so that the leap day is the last of its year; eras are 400 years (146,097 days).
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}

/// The first and the last moment that the servers store: the years 0 to 9999.
const FIRST_DAY: i64 = -719_528;
const LAST_DAY: i64 = 2_932_896;

/// A day, and perhaps microseconds of it, in the parts that a parameter has. What lies outside the servers' calendar
/// becomes its first or last moment.
pub(crate) fn moment(day: i64, micros: Option<i64>) -> Moment {
    if day == ZERO {
        return Moment { micros: micros.map(|_| 0), ..Moment::default() };
    }
    let (day, micros) = match day {
        ..FIRST_DAY => (FIRST_DAY, micros.map(|_| 0)),
        FIRST_DAY..=LAST_DAY => (day, micros),
        // After the last day there is room for a moment still, where a day is compared with it.
        _ => (LAST_DAY, Some(DAY_US - 1)),
    };
    let (year, month, day) = civil(day);
    Moment {
        year: u16::try_from(year).unwrap_or(0),
        month: u8::try_from(month).unwrap_or(1),
        day: u8::try_from(day).unwrap_or(1),
        micros: micros.and_then(|micros| u64::try_from(micros).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_reach_beyond_a_day_and_below_zero() {
        let mut out = Vec::new();
        write_time(&mut out, -(838 * 3_600 + 59 * 60 + 59) * 1_000_000);
        assert_eq!(out, b"\"-838:59:59\"");
        assert_eq!(time(&[1, 34, 0, 0, 0, 22, 59, 59]).unwrap(), -3_020_399_000_000);
        out.clear();
        write_time(&mut out, 5);
        assert_eq!(out, b"\"00:00:00.000005\"");
    }

    #[test]
    fn dates_that_are_none() {
        assert_eq!(date_time(&[]).unwrap(), Read::Zero);
        assert_eq!(date_time(&[0, 0, 0, 0]).unwrap(), Read::Zero);
        assert_eq!(date_time(&[0xe8, 7, 0, 0]).unwrap(), Read::Incomplete);
        assert!(date_time(&[1, 2]).is_err());
    }

    #[test]
    fn what_the_calendar_does_not_reach_becomes_its_end() {
        assert_eq!(moment(-800_000, None), Moment { year: 0, month: 1, day: 1, micros: None });
        assert_eq!(
            moment(4_000_000, None),
            Moment { year: 9999, month: 12, day: 31, micros: Some(86_399_999_999) }
        );
        assert_eq!(moment(ZERO, Some(0)), Moment { year: 0, month: 0, day: 0, micros: Some(0) });
    }

    proptest! {
        #[test]
        fn days_read_back(day in FIRST_DAY..=LAST_DAY, micros in 0..DAY_US) {
            let parts = moment(day, Some(micros));
            let (year, month, of_month) = (i64::from(parts.year), i64::from(parts.month), i64::from(parts.day));
            prop_assert_eq!(days_of(year, month, of_month), day);
            prop_assert_eq!(parts.micros, Some(micros.unsigned_abs()));
        }
    }
}
